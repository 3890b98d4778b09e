// MIDAS (MRA-MIDAS, Stanford AIMI, doi:10.71718/15nz-jv40; Chiou et al. 2025, NEJM AI,
// doi:10.1056/AIdbp2400732): lesions with their pathology, photographed by smartphone from 15 and
// 30 cm, and through a dermatoscope.
import { z } from 'zod';
import { stemOf } from '../images/file-type.js';
import { BINARY_LABELS } from '../model/labels.js';
import { type Archive, rowsBy } from './archive.js';
import { imagePath, neededText, number, optionalText, text } from './cells.js';
import { wordsIn } from './diagnoses.js';

const Row = z.object({
  midas_record_id: neededText,
  midas_file_name: imagePath,
  midas_path: text,
  midas_iscontrol: optionalText,
  midas_distance: optionalText,
  midas_location: optionalText,
  midas_gender: optionalText,
  midas_age: number(0, 130),
  midas_fitzpatrick: optionalText,
  'length_(mm)': number(0, 1000),
  'width_(mm)': number(0, 1000),
});
const ROMAN = ['i', 'ii', 'iii', 'iv', 'v', 'vi'];

/** "malignant- bcc" and "7-Malignant-bcc" are the same diagnosis; 0 is none. */
const diagnosisOf = (path: string): string =>
  path
    .replace(/^0$/, '')
    .toLowerCase()
    .replace(/^\d+\s*-\s*/, '')
    .replace(/\s*-\s*/g, '-')
    .trim();

/** "ii fair skin, blue eyes" → 2. */
function skinTypeOf(given: string | undefined): number | undefined {
  const at = ROMAN.indexOf((given ?? '').toLowerCase().split(/\W/)[0]!);
  return at < 0 ? undefined : at + 1;
}

export const MIDAS: Archive = {
  name: 'MIDAS',
  citation: 'MRA-MIDAS, Chiou et al. 2024, https://doi.org/10.71718/15nz-jv40',
  licence: 'the research use agreement of Stanford AIMI',
  tables: ['release_midas.xlsx', 'release_midas.csv'],
  unit: 'patient',
  labels: BINARY_LABELS,
  // The archive's files are named .jpg, .jpeg or in capitals, and some are cropped again under
  // another name.
  stemKey: (stem) => stem.toLowerCase().replace(/_cropped$/, ''),
  ...rowsBy(Row, ['midas_record_id', 'midas_file_name', 'midas_path'], 'midas_file_name', (row) => {
    const diagnosis = diagnosisOf(row.midas_path);
    return {
      id: stemOf(row.midas_file_name),
      image: row.midas_file_name,
      patient: row.midas_record_id,
      diagnosis,
      words: wordsIn('MIDAS', diagnosis),
      fitzpatrick: skinTypeOf(row.midas_fitzpatrick),
      clinical: {
        age: row.midas_age,
        gender: row.midas_gender || undefined,
        location: row.midas_location || undefined,
        length_mm: row['length_(mm)'],
        width_mm: row['width_(mm)'],
      },
      leftOut: /^d(ermo|ermato)?scope/i.test(row.midas_distance ?? '')
        ? 'dermoscopic image'
        : diagnosis === ''
          ? 'no pathology (healthy skin or not biopsied)'
          : undefined,
    };
  }),
};
