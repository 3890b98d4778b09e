// HAM10000 (Tschandl, Rosendahl & Kittler 2018, doi:10.7910/DVN/DBW86T): dermoscopic images, up to
// six per lesion. It doesn't identify patients, so splits go by lesion.
import { z } from 'zod';
import { HAM10000_LABELS } from '../model/labels.js';
import { type Archive, stemOf } from './archive.js';
import { DIAGNOSES, type Words } from './diagnoses.js';
import { checkRows, fileName, number, optionalText, splitWord, text } from './table.js';

const Row = z.object({
  lesion_id: text.min(1),
  image_id: fileName,
  dx: text.min(1),
  dx_type: optionalText,
  age: number(0, 130),
  sex: optionalText,
  localization: optionalText,
  split: splitWord,
});
const COLUMNS = ['lesion_id', 'image_id', 'dx'];
const WORDS: Readonly<Record<string, Words>> = DIAGNOSES.HAM10000;

const known = (value: string | undefined): string | undefined =>
  value === '' || value === 'unknown' ? undefined : value;

export const HAM10000: Archive = {
  name: 'HAM10000',
  citation: 'Tschandl et al. 2018, https://doi.org/10.7910/DVN/DBW86T',
  licence: 'CC BY-NC 4.0',
  tables: ['metadata.csv', 'HAM10000_metadata.csv', 'HAM10000_metadata.tab', 'HAM10000_metadata'],
  columns: COLUMNS,
  imageColumn: 'image_id',
  unit: 'lesion',
  labels: HAM10000_LABELS,
  ownLabels: true,
  rows: (table, file) =>
    checkRows(table, Row, COLUMNS, file).map(
      ({ line, lesion_id, image_id, dx, age, sex, localization, split }) => ({
        line,
        id: stemOf(image_id),
        image: image_id,
        patient: lesion_id,
        diagnosis: dx,
        words: WORDS[dx],
        split,
        clinical: { age, sex: known(sex), localization: known(localization) },
      }),
    ),
};
