// Checks a YAML file against a schema; errors name the line and the field of every mistake.
import { parseDocument, LineCounter } from 'yaml';
import type { z } from 'zod';
import { type ErrorCode, LentigoError } from '../errors.js';

/** Mistakes that are named; the others are counted. */
const NAMED = 20;
/** What no text holds: another file was given. */
const NO_TEXT = /\p{Cc}|\ufffd/u;

/**
 * Parses and checks a document.
 * @param code of the error that lists the mistakes, one per line
 * @param whole what the document is called if no field is to blame
 */
export function parseYaml<T>(
  schema: z.ZodType<T>,
  text: string,
  { file, whole, code }: { file: string; whole: string; code: ErrorCode },
): T {
  if (NO_TEXT.test(text.replaceAll(/\s/g, '')))
    throw new LentigoError(code, `${file}: is no text, so no YAML`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const invalid = (problems: string[]) =>
    new LentigoError(
      code,
      [
        ...problems.slice(0, NAMED),
        ...(problems.length > NAMED ? [`and ${problems.length - NAMED} more mistakes`] : []),
      ].join('\n'),
    );
  if (document.errors.length > 0) {
    throw invalid(
      document.errors.map((e) => `${file}:${lines.linePos(e.pos[0]).line}: ${e.message}`),
    );
  }
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.flatMap((issue) => {
      // zod reports unknown keys on their parent; here each key is named with its own line.
      const paths =
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((k) => [...issue.path, k])
          : [issue.path];
      return paths.map((path) => {
        const offset = offsetOf(document, path);
        const where = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
        return `${where}: ${path.join('.') || whole}: ${issue.code === 'unrecognized_keys' ? 'no such field' : issue.message}`;
      });
    }),
  );
}

/** Where the field at `path`, or its nearest existing parent, starts in the text. */
function offsetOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (node && typeof node === 'object' && 'range' in node && Array.isArray(node.range))
      return node.range[0];
  }
  return undefined;
}
