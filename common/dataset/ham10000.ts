// HAM10000 (Tschandl, Rosendahl & Kittler 2018, doi:10.7910/DVN/DBW86T): dermoscopic images, up to
// six per lesion. It doesn't identify patients, so splits go by lesion.
import { z } from 'zod';
import { stemOf } from '../images/file-type.js';
import { HAM10000_LABELS } from '../model/labels.js';
import { type Archive, rowsBy } from './archive.js';
import { imagePath, neededText, number, optionalText, splitWord, text } from './cells.js';
import { wordsIn } from './diagnoses.js';

const Row = z.object({
  lesion_id: neededText,
  image_id: imagePath,
  dx: text,
  dx_type: optionalText,
  age: number(0, 130),
  sex: optionalText,
  localization: optionalText,
  split: splitWord,
});
export const HAM10000: Archive = {
  name: 'HAM10000',
  citation: 'Tschandl et al. 2018, https://doi.org/10.7910/DVN/DBW86T',
  licence: 'CC BY-NC 4.0',
  tables: ['metadata.csv', 'HAM10000_metadata.csv', 'HAM10000_metadata.tab', 'HAM10000_metadata'],
  unit: 'lesion',
  labels: HAM10000_LABELS,
  ...rowsBy(
    Row,
    ['lesion_id', 'image_id', 'dx'],
    'image_id',
    ({ lesion_id, image_id, dx, age, sex, localization, split }) => ({
      id: stemOf(image_id),
      image: image_id,
      patient: lesion_id,
      diagnosis: dx,
      words: wordsIn('HAM10000', dx),
      split,
      clinical: { age, sex: sex || undefined, localization: localization || undefined },
    }),
  ),
};
