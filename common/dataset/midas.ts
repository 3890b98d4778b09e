// MIDAS (MRA-MIDAS, Stanford AIMI, doi:10.71718/15nz-jv40; Chiou et al. 2025, NEJM AI,
// doi:10.1056/AIdbp2400732): lesions with their pathology, photographed by smartphone from 15 and
// 30 cm, and through a dermatoscope.
import { z } from 'zod';
import { BINARY_LABELS } from '../model/labels.js';
import { type Archive, stemOf } from './archive.js';
import { DIAGNOSES, type Words } from './diagnoses.js';
import { checkRows, fileName, number, optionalText, text } from './table.js';

const Row = z.object({
  midas_record_id: text.min(1),
  midas_file_name: fileName,
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
const COLUMNS = ['midas_record_id', 'midas_file_name', 'midas_path'];
const WORDS: Readonly<Record<string, Words>> = DIAGNOSES.MIDAS;
const ROMAN = ['i', 'ii', 'iii', 'iv', 'v', 'vi'];

/** "malignant- bcc" and "7-Malignant-bcc" are the same diagnosis. */
const diagnosisOf = (path: string): string =>
  path
    .toLowerCase()
    .replace(/^\d+\s*-\s*/, '')
    .replace(/\s*-\s*/g, '-')
    .trim();

/** "ii fair skin, blue eyes" → 2. */
function skinType(given: string | undefined): number | undefined {
  const at = ROMAN.indexOf((given ?? '').toLowerCase().split(/\W/)[0]!);
  return at < 0 ? undefined : at + 1;
}

export const MIDAS: Archive = {
  name: 'MIDAS',
  citation: 'MRA-MIDAS, Chiou et al. 2024, https://doi.org/10.71718/15nz-jv40',
  licence: 'the research use agreement of Stanford AIMI',
  tables: ['release_midas.xlsx', 'release_midas.csv'],
  columns: COLUMNS,
  imageColumn: 'midas_file_name',
  unit: 'patient',
  labels: BINARY_LABELS,
  ownLabels: false,
  // The archive's files are named .jpg, .jpeg or in capitals, and some are cropped again under
  // another name.
  stemKey: (stem) => stem.toLowerCase().replace(/_cropped$/, ''),
  rows: (table, file) =>
    checkRows(table, Row, COLUMNS, file).map((row) => {
      const diagnosis = diagnosisOf(row.midas_path);
      return {
        line: row.line,
        id: stemOf(row.midas_file_name),
        image: row.midas_file_name,
        patient: row.midas_record_id,
        diagnosis,
        words: WORDS[diagnosis],
        fitzpatrick: skinType(row.midas_fitzpatrick),
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
