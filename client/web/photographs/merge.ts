// A table that comes after its photographs: what it says is added where nothing was filled in, and
// never replaces what is there.
import { numberOf } from '../../../common/dataset/cells.js';
import { wordsOf } from '../../../common/dataset/diagnoses.js';
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

/** 3 and 3.0 are the same, and so are mel and MEL, NEV and nv. */
const same = (field: Field, a: string, b: string): boolean => {
  if (a.trim().toLowerCase() === b.trim().toLowerCase()) return true;
  if (field === 'diagnostic') {
    const [one, other] = [wordsOf(a), wordsOf(b)];
    // Benign or malignant alone is no diagnosis.
    const named = one?.slice(0, 2).some((word) => word !== null) ?? false;
    return named && one!.every((word, i) => word === other?.[i]);
  }
  const [one, other] = [numberOf(a.trim()), numberOf(b.trim())];
  return one !== undefined && one === other;
};

export function mergeFields(here: Fields, table: Fields): Merged {
  const given = FIELDS.filter((field) => (table[field] ?? '').trim() !== '');
  const filled = given.filter((field) => here[field] === undefined);
  return {
    fields: { ...here, ...Object.fromEntries(filled.map((field) => [field, table[field]])) },
    filled,
    conflicts: given
      .filter((field) => here[field] !== undefined && !same(field, here[field], table[field]!))
      .map((field) => ({ field, here: here[field]!, table: table[field]! })),
  };
}
