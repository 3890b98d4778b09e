// The table of PAD-UFES-20 (Pacheco et al. 2020, doi:10.17632/zr7vgbcyr2.1), metadata.csv.
import { z } from 'zod';
import { stemOf } from '../images/file-type.js';
import { PAD_UFES_LABELS } from '../model/labels.js';
import { type Archive, rowsBy } from './archive.js';
import {
  imagePath,
  neededText,
  number,
  optionalText as optional,
  skinType,
  splitWord,
  text,
} from './cells.js';
import { wordsOf } from './diagnoses.js';
import { type Clinical, type Split } from './sample.js';

export const METADATA = 'metadata.csv';

/** The 26 published columns, and `split`. Only the first three are needed. */
export const Row = z.object({
  patient_id: neededText,
  img_id: imagePath,
  diagnostic: text,
  fitspatrick: skinType,
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
export const clinicalOf = (row: Pick<Row, (typeof CLINICAL)[number]>): Clinical =>
  Object.fromEntries(
    CLINICAL.filter((column) => column in row).map((column) => [
      column,
      row[column] === '' ? undefined : row[column],
    ]),
  );

export const PAD_UFES_20: Archive = {
  name: 'PAD-UFES-20',
  citation: 'Pacheco et al. 2020, https://doi.org/10.17632/zr7vgbcyr2.1',
  licence: 'CC BY 4.0',
  tables: [METADATA],
  unit: 'patient',
  labels: PAD_UFES_LABELS,
  ...rowsBy(Row, ['patient_id', 'img_id', 'diagnostic'], 'img_id', (row) => ({
    id: stemOf(row.img_id),
    image: row.img_id,
    patient: row.patient_id,
    diagnosis: row.diagnostic,
    words: wordsOf(row.diagnostic),
    split: row.split,
    fitzpatrick: row.fitspatrick,
    clinical: clinicalOf(row),
  })),
};
