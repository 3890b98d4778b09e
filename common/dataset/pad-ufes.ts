// The table of PAD-UFES-20 (Pacheco et al. 2020, doi:10.17632/zr7vgbcyr2.1): metadata.csv as text →
// checked rows, each with its split. The same for a folder on disk and for files picked in a
// browser.
import { z } from 'zod';
import { PAD_UFES_LABELS } from '../model/labels.js';
import { type Archive, checkSplits, refuseDuplicates, stemOf } from './archive.js';
import { DIAGNOSES, type Words } from './diagnoses.js';
import { type Clinical, type Split } from './sample.js';
import {
  checkRows,
  fileName,
  number,
  optionalText as optional,
  parseTexts,
  splitWord,
  text,
} from './table.js';

export { isImageName, stemOf } from './archive.js';

export const METADATA = 'metadata.csv';

/**
 * The 26 published columns, and `split`. Only the first three, and split and skin type, are needed;
 * the others are checked so that a shifted row is seen.
 */
export const Row = z.object({
  patient_id: text.min(1),
  img_id: fileName,
  diagnostic: text.min(1),
  fitspatrick: number(1, 6).pipe(z.number().int().optional()),
  split: splitWord.transform((word): Split | undefined => (word === 'test' ? 'heldout' : word)),
  lesion_id: optional,
  smoke: optional,
  drink: optional,
  background_father: optional,
  background_mother: optional,
  age: number(0, 130),
  pesticide: optional,
  gender: optional,
  skin_cancer_history: optional,
  cancer_history: optional,
  has_piped_water: optional,
  has_sewage_system: optional,
  region: optional,
  diameter_1: number(0, 1000),
  diameter_2: number(0, 1000),
  itch: optional,
  grew: optional,
  hurt: optional,
  changed: optional,
  bleed: optional,
  elevation: optional,
  biopsed: optional,
});
export type Row = z.infer<typeof Row>;

/**
 * What was known about patient and lesion when it was photographed. Not `biopsed`, which is decided
 * afterwards, on suspicion.
 */
const CLINICAL = [
  'age',
  'fitspatrick',
  'diameter_1',
  'diameter_2',
  'smoke',
  'drink',
  'background_father',
  'background_mother',
  'pesticide',
  'gender',
  'skin_cancer_history',
  'cancer_history',
  'has_piped_water',
  'has_sewage_system',
  'region',
  'itch',
  'grew',
  'hurt',
  'changed',
  'bleed',
  'elevation',
] as const satisfies readonly (keyof Row)[];

/** A row's clinical metadata, of the columns that the table has. */
const clinicalOf = (row: Row): Clinical =>
  Object.fromEntries(
    CLINICAL.filter((column) => column in row).map((column) => [
      column,
      row[column] === '' ? undefined : row[column],
    ]),
  );

/** A row with where it stands in the file, and the stem that names its image. */
export interface TableRow extends Row {
  readonly line: number;
  readonly id: string;
}

const COLUMNS = ['patient_id', 'img_id', 'diagnostic'];
const WORDS: Readonly<Record<string, Words>> = DIAGNOSES['PAD-UFES-20'];

export const PAD_UFES_20: Archive = {
  name: 'PAD-UFES-20',
  citation: 'Pacheco et al. 2020, https://doi.org/10.17632/zr7vgbcyr2.1',
  licence: 'CC BY 4.0',
  tables: [METADATA],
  columns: COLUMNS,
  imageColumn: 'img_id',
  unit: 'patient',
  labels: PAD_UFES_LABELS,
  ownLabels: true,
  rows: (table, file) =>
    checkRows(table, Row, COLUMNS, file).map(({ line, ...row }) => ({
      line,
      id: stemOf(row.img_id),
      image: row.img_id,
      patient: row.patient_id,
      diagnosis: row.diagnostic,
      words: WORDS[row.diagnostic],
      split: row.split,
      fitzpatrick: row.fitspatrick,
      clinical: clinicalOf(row),
    })),
};

/**
 * The rows of metadata.csv, as they stand there, whatever their diagnoses; in the column `split`
 * (train, validation or heldout) either all of them have a value or none.
 * @param file what errors call the table
 * @throws LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_SPLIT_LEAK
 */
export function parseTable(csv: string, file: string): TableRow[] {
  const rows = checkRows(parseTexts(csv, file), Row, COLUMNS, file).map((row) => ({
    ...row,
    id: stemOf(row.img_id),
  }));
  refuseDuplicates(
    rows.map(({ id, line, img_id }) => ({ id, line, image: img_id })),
    'img_id',
    file,
  );
  checkSplits(
    rows.map(({ patient_id, line, split }) => ({ patient: patient_id, line, split })),
    'patient',
    file,
  );
  return rows;
}
