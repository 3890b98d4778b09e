// A table that comes after its photographs: what it says is added where nothing was filled in, and
// never replaces what is there.
import { type Field, type Fields, FIELDS } from './photograph.js';

export interface Merged {
  readonly fields: Fields;
  /** The fields that were empty before. */
  readonly filled: readonly Field[];
  /** The fields that the table gives otherwise. */
  readonly conflicts: readonly {
    readonly field: Field;
    readonly here: string;
    readonly table: string;
  }[];
}

/** 3 and 3.0 are the same, and so are mel and MEL. */
const same = (a: string, b: string): boolean =>
  a.trim().toLowerCase() === b.trim().toLowerCase() ||
  (a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b));

export function mergeFields(here: Fields, table: Fields): Merged {
  const given = FIELDS.filter((field) => (table[field] ?? '').trim() !== '');
  const filled = given.filter((field) => here[field] === undefined);
  return {
    fields: { ...here, ...Object.fromEntries(filled.map((field) => [field, table[field]])) },
    filled,
    conflicts: given
      .filter((field) => here[field] !== undefined && !same(here[field], table[field]!))
      .map((field) => ({ field, here: here[field]!, table: table[field]! })),
  };
}
