// The texts of a page in one language, as tests compare them with another's.

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
