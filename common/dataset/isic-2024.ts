// ISIC 2024, SLICE-3D (Kurtansky et al. 2024, doi:10.1038/s41597-024-03743-w): crops of lesions
// from total-body photographs, benign or malignant, with the scanner's measurements.
import { z } from 'zod';
import { stemOf } from '../images/file-type.js';
import { BINARY_LABELS } from '../model/labels.js';
import { type Archive, rowsBy } from './archive.js';
import { cleaned, imagePath, neededText, number, numberOf, optionalText, text } from './cells.js';
import { wordsIn } from './diagnoses.js';
import type { Clinical } from './sample.js';
import type { TableRecord } from './table.js';

const Row = z.object({
  isic_id: imagePath,
  target: text
    .transform((value) => (value === '' ? undefined : (numberOf(value) ?? Number.NaN)))
    .pipe(z.union([z.literal(0), z.literal(1), z.undefined()], { error: 'is not 0 or 1' })),
  patient_id: neededText,
  iddx_1: optionalText,
  iddx_3: optionalText,
  age_approx: number(0, 130),
});

/**
 * Columns that a teacher may read: sex, age, site, size and the scanner's measurements, but not the
 * scanner's own network's verdict, which only the training images have.
 */
const isClinical = (column: string): boolean =>
  (column.startsWith('tbp_lv_') && column !== 'tbp_lv_dnn_lesion_confidence') ||
  ['age_approx', 'sex', 'anatom_site_general', 'clin_size_long_diam_mm'].includes(column);

const valueOf = (given: string): string | number | undefined =>
  numberOf(given) ?? (cleaned(given) || undefined);
function clinicalOf(record: TableRecord['record']): Clinical {
  const clinical: Record<string, string | number | undefined> = {};
  for (const column in record) if (isClinical(column)) clinical[column] = valueOf(record[column]!);
  return clinical;
}

export const ISIC_2024: Archive = {
  name: 'ISIC 2024',
  citation: 'SLICE-3D, Kurtansky et al. 2024, https://doi.org/10.34970/2024-slice-3d',
  licence: 'CC BY-NC 4.0',
  tables: ['train-metadata.csv'],
  unit: 'patient',
  labels: BINARY_LABELS,
  ...rowsBy(
    Row,
    ['isic_id', 'target', 'patient_id'],
    'isic_id',
    ({ isic_id, target, patient_id, iddx_1, iddx_3, age_approx }, { record }) => {
      const binary = target === undefined ? null : target === 1 ? 'malignant' : 'benign';
      const [padUfes, ham10000] = wordsIn('ISIC 2024', iddx_3 ?? '') ?? [null, null];
      return {
        id: stemOf(isic_id),
        image: isic_id,
        patient: patient_id,
        diagnosis: iddx_3 || iddx_1 || (binary ?? ''),
        words: [padUfes, ham10000, binary],
        clinical: { ...clinicalOf(record), ...('age_approx' in record && { age_approx }) },
      };
    },
  ),
};
