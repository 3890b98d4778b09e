// A folder of photographs laid out like the published PAD-UFES-20, in which every name and every
// value is unmistakable.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { openDataset } from '../../common/dataset/open.node.js';
import type { Secret } from './leak-detector.js';

/**
 * Columns with free text. img_id, the numbers and the two small enumerations (diagnostic,
 * fitspatrick) are handled separately.
 */
const TEXTS = [
  'patient_id',
  'lesion_id',
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
  'biopsed',
] as const;
const LABELS = ['ACK', 'BCC', 'MEL', 'NEV', 'SCC', 'SEK'];

export interface Photographs {
  readonly folder: string;
  /** Everything in it that must stay there. */
  readonly secrets: readonly Secret[];
}

/**
 * Writes `count` photographs, alternately JPEG and PNG, 160×120, synthetic lesions with notes in
 * their EXIF. All are training images.
 */
export async function writePhotographs(folder: string, count: number): Promise<Photographs> {
  const { samples } = await openDataset(
    `synthetic:site=3&images=${count}&seed=77&size=160&split=train`,
  );
  const secrets: Secret[] = [
    { name: 'the folder', text: folder },
    { name: 'a folder in it', text: 'imgs_part_vault9' },
  ];
  const columns = [
    ...TEXTS,
    'age',
    'diameter_1',
    'diameter_2',
    'fitspatrick',
    'diagnostic',
    'img_id',
    'split',
  ];
  const rows = [columns.join(',')];
  for (const [i, sample] of samples.entries()) {
    const jpeg = i % 2 === 0;
    const file = `Zurbriggen_${i}_1974-03-0${i % 10}_elbow.${jpeg ? 'jpg' : 'png'}`;
    const { data, width, height } = await sharp(Buffer.from((await sample.load()).data), {
      raw: { width: 160, height: 160, channels: 3 },
    })
      .extract({ left: 0, top: 20, width: 160, height: 120 })
      .raw()
      .toBuffer({ resolveWithObject: true })
      .then((r) => ({ data: r.data, width: r.info.width, height: r.info.height }));
    const note = `Photographed by Dr Qvistgaard, visit ${i}`;
    const image = sharp(data, { raw: { width, height, channels: 3 } }).withExif({
      IFD0: { ImageDescription: note, Artist: `Qvist-${i}-camera` },
    });
    const bytes = await (jpeg ? image.jpeg({ quality: 92 }) : image.png()).toBuffer();
    const path = join(folder, 'imgs_part_vault9', 'imgs_part_vault9', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);

    const texts = TEXTS.map((column) =>
      column === 'patient_id' ? `PAT-Wojciechowska-${i >> 1}` : `${column}~xq${i}`,
    );
    const numbers = [`${40 + i}.7071${i}`, `${600 + i}.3125${i}`, `${700 + i}.5625${i}`];
    rows.push(
      [...texts, ...numbers, String(1 + (i % 6)), LABELS[i % LABELS.length]!, file, 'train'].join(
        ',',
      ),
    );

    secrets.push(
      { name: 'a file name', text: file },
      { name: 'a file name without its ending', text: file.replace(/\.\w+$/, '') },
      { name: 'a note in a photograph', text: note },
      { name: 'a note in a photograph', text: `Qvist-${i}-camera` },
    );
    secrets.push(
      ...[...TEXTS.entries()].map(([c, column]) => ({
        name: `metadata: ${column}`,
        text: texts[c]!,
      })),
    );
    secrets.push(
      ...numbers.map((text, n) => ({
        name: `metadata: ${['age', 'diameter_1', 'diameter_2'][n]!}`,
        text,
      })),
    );
    secrets.push({ name: "bytes of a photograph's file", bytes });
  }
  await writeFile(join(folder, 'metadata.csv'), `${rows.join('\n')}\n`);
  secrets.push({
    name: 'a line of metadata.csv',
    bytes: await readFile(join(folder, 'metadata.csv')),
  });
  return { folder, secrets };
}
