// Compares two sets of settings, for the message that says why one run can't continue the other.

const shown = (value: unknown): string =>
  value === undefined ? 'not given' : JSON.stringify(value);

/** Text such as "seed is 1 there, 2 here", for every field that differs. */
export function differencesOf(there: object, here: object, path = ''): string[] {
  const fields = [...new Set([...Object.keys(there), ...Object.keys(here)])];
  return fields.flatMap((field) => {
    const [a, b] = [there, here].map((side) => (side as Record<string, unknown>)[field]);
    if (typeof a === 'object' && typeof b === 'object' && a && b)
      return differencesOf(a, b, field === 'config' ? path : `${path}${field}.`);
    return a === b ? [] : [`${path}${field} is ${shown(a)} there, ${shown(b)} here`];
  });
}
