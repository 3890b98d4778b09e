// The form's fields, read off study.yaml's schema: kind, bounds and choices; nothing is written
// twice.
import { z } from 'zod';
import { StudyConfig } from '../../../common/protocol/study.js';

export interface Field {
  /** As in study.yaml, such as training.epochs. */
  readonly path: string;
  readonly kind: 'text' | 'whole' | 'number' | 'choice';
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly standard: string | number | undefined;
}

const Node = z.object({
  type: z.string(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  enum: z.array(z.string()).optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/**
 * All fields, in the order of the schema. Those of a section have paths that begin with its name.
 */
export function studyFields(
  schema: unknown = z.toJSONSchema(StudyConfig, { io: 'input' }),
  prefix = '',
): Field[] {
  const { properties = {}, required = [] } = Node.parse(schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = prefix + name;
    const node = Node.parse(property);
    if (node.type === 'object') return studyFields(property, `${path}.`);
    const standard =
      typeof node.default === 'string' || typeof node.default === 'number'
        ? node.default
        : undefined;
    return [
      {
        path,
        required: required.includes(name),
        choices: node.enum ?? [],
        standard,
        kind: node.enum
          ? 'choice'
          : node.type === 'integer'
            ? 'whole'
            : node.type === 'number'
              ? 'number'
              : 'text',
        minimum: node.minimum,
        maximum: node.maximum,
      } as const,
    ];
  });
}

export type Values = Readonly<Record<string, string | number>>;

export const standardValues = (fields: readonly Field[]): Values =>
  Object.fromEntries(fields.map(({ path, standard }) => [path, standard ?? '']));

/** The study as study.yaml says it: nested, without what is empty. */
export function nested(values: Values): Record<string, unknown> {
  const study: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    if (value === '') continue;
    const [head, tail] = path.split('.') as [string, string?];
    if (tail === undefined) study[head] = value;
    else study[head] = { ...(study[head] as Record<string, unknown> | undefined), [tail]: value };
  }
  return study;
}

/** What is wrong, by the path of the field that is to blame. */
export function mistakes(values: Values, needed: string): Record<string, string> {
  const parsed = StudyConfig.safeParse({ evaluation: {}, ...nested(values) });
  if (parsed.success) return {};
  const found: Record<string, string> = {};
  for (const { path, message } of parsed.error.issues)
    found[path.join('.')] ??= (values[path.join('.')] ?? '') === '' ? needed : message;
  return found;
}
