// The texts of a page in one language, as tests compare them with another's; and those that stand in
// its code instead.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './shared-data.js';

/** What is said, by path; a function's text with one of `marks` for each argument. */
export function textsOf(value: unknown, marks: readonly unknown[], path = ''): Map<string, string> {
  if (typeof value === 'string') return new Map([[path, value]]);
  if (typeof value === 'function')
    return new Map([
      // A text may be its argument itself.
      [
        `${path}()`,
        String((value as (...args: unknown[]) => unknown)(...marks.slice(0, value.length))),
      ],
    ]);
  return new Map(
    Object.entries(value as object).flatMap(([name, part]) => [
      ...textsOf(part, marks, path === '' ? name : `${path}.${name}`),
    ]),
  );
}

/** What the components below a folder of the package say without a language's texts, by file. */
export function ownWords(folder: string): Record<string, string[]> {
  const files = readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    files
      .filter((file) => file.endsWith('.tsx'))
      .map((file) => {
        const page = readFileSync(join(PACKAGE_ROOT, folder, file), 'utf8');
        return [
          file,
          [
            ...(page.match(/>[^<>{}=;()]*\p{L}{3,}[^<>{}=;()]*<\//gu) ?? []),
            ...(page.match(/\b(?:aria-label|title|label|placeholder|alt)="[^"]*\p{L}[^"]*"/gu) ??
              []),
          ],
        ];
      }),
  );
}
