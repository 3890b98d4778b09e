// ISIC 2024, SLICE-3D (Kurtansky et al. 2024, doi:10.1038/s41597-024-03743-w): crops of lesions
// from total-body photographs, benign or malignant, with the scanner's measurements.
import { z } from 'zod';
import { BINARY_LABELS } from '../model/labels.js';
import { type Archive, stemOf } from './archive.js';
import { DIAGNOSES, type Words } from './diagnoses.js';
import type { Clinical } from './sample.js';
import { checkRows, fileName, number, optionalText, text } from './table.js';

/**
 * Other columns are passed through: the scanner's measurements, and what is known only after the
 * diagnosis.
 */
const Row = z
  .object({
    isic_id: fileName,
    target: z.enum(['0', '1', '0.0', '1.0'], 'must be 0 or 1'),
    patient_id: text.min(1),
    iddx_1: optionalText,
    iddx_3: optionalText,
    age_approx: number(0, 130),
  })
  .catchall(z.string());
const COLUMNS = ['isic_id', 'target', 'patient_id'];
const WORDS: Readonly<Record<string, Words>> = DIAGNOSES['ISIC 2024'];

/**
 * Columns that a teacher may read: sex, age, site, size and the scanner's measurements, but not the
 * scanner's own network's verdict, which only the training images have.
 */
const isClinical = (column: string): boolean =>
  /^(age_approx|sex|anatom_site_general|clin_size_long_diam_mm|tbp_lv_.*)$/.test(column) &&
  column !== 'tbp_lv_dnn_lesion_confidence';

function clinicalOf(row: Clinical): Clinical {
  const value = (given: string | number | undefined): string | number | undefined =>
    given === '' || given === 'NA' || given === undefined
      ? undefined
      : Number.isFinite(Number(given))
        ? Number(given)
        : given;
  return Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => isClinical(column))
      .map(([column, given]) => [column, value(given)]),
  );
}

export const ISIC_2024: Archive = {
  name: 'ISIC 2024',
  citation: 'SLICE-3D, Kurtansky et al. 2024, https://doi.org/10.34970/2024-slice-3d',
  licence: 'CC BY-NC 4.0',
  tables: ['train-metadata.csv'],
  columns: COLUMNS,
  imageColumn: 'isic_id',
  unit: 'patient',
  labels: BINARY_LABELS,
  ownLabels: false,
  rows: (table, file) =>
    checkRows(table, Row, COLUMNS, file).map(
      ({ line, isic_id, target, patient_id, iddx_1, iddx_3, ...row }) => {
        const binary = Number(target) === 1 ? 'malignant' : 'benign';
        const [padUfes, ham10000] = WORDS[iddx_3 ?? ''] ?? [null, null];
        return {
          line,
          id: stemOf(isic_id),
          image: isic_id,
          patient: patient_id,
          diagnosis: iddx_3 || iddx_1 || binary,
          words: [padUfes, ham10000, binary],
          clinical: clinicalOf(row),
        };
      },
    ),
};
