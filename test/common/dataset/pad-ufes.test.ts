// A PAD-UFES-20 folder: read as published; every kind of bad folder is refused or reported by name.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectDataset } from '../../../common/dataset/inspect.js';
import { openDataset } from '../../../common/dataset/open.node.js';
import { readFolder } from '../../../common/dataset/folder.node.js';
import { HAS_PAD_UFES, PAD_UFES } from '../../support/shared-data.js';

const COLUMNS =
  'patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,hurt,changed,bleed,elevation,img_id,biopsed';

interface RowFields {
  patient: string;
  image: string;
  label?: string;
  skin?: string;
  age?: string;
  split?: string;
}
const line = ({ patient, image, label = 'NEV', skin = '', age = '55', split }: RowFields): string =>
  `${patient},881,False,False,POMERANIA,POMERANIA,${age},False,FEMALE,True,True,True,True,${skin},NECK,6.0,5.0,${label},True,True,False,True,UNK,True,${image},True${split === undefined ? '' : `,${split}`}`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-pad-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), content);
}
const image = (format: 'png' | 'jpeg' = 'png'): Promise<Buffer> =>
  sharp({ create: { width: 20, height: 16, channels: 3, background: '#b07060' } })
    .toFormat(format)
    .toBuffer();
const metadata = (rows: RowFields[], newline = '\n'): Promise<void> =>
  put(
    'metadata.csv',
    [rows[0]?.split === undefined ? COLUMNS : `${COLUMNS},split`, ...rows.map(line), ''].join(
      newline,
    ),
  );

describe('reading a folder', () => {
  it('finds images nested anywhere, of any extension and case, by their stem', async () => {
    await metadata([
      { patient: 'PAT_1', image: 'PAT_1_1_1.png', skin: '3.0' },
      { patient: 'PAT_2', image: 'PAT_2_1_2.png', label: 'MEL' },
      { patient: 'PAT_2', image: 'PAT_2_1_3.png', label: 'BCC' },
      { patient: 'PAT_3', image: 'PAT_3_1_4', label: 'SEK' },
    ]);
    await put('imgs_part_1/imgs_part_1/PAT_1_1_1.png', await image());
    await put('imgs_part_2/PAT_2_1_2.JPG', await image('jpeg'));
    await put('PAT_2_1_3.jpeg', await image('jpeg'));
    await put('images/deep/er/PAT_3_1_4.PNG', await image());
    const { samples, problems } = await readFolder(dir);
    expect(problems).toEqual([]);
    expect(
      samples.map(({ id, label, patient, fitzpatrick }) => [id, label, patient, fitzpatrick]),
    ).toEqual([
      ['PAT_1_1_1', 'NEV', 'PAT_1', 3],
      ['PAT_2_1_2', 'MEL', 'PAT_2', undefined],
      ['PAT_2_1_3', 'BCC', 'PAT_2', undefined],
      ['PAT_3_1_4', 'SEK', 'PAT_3', undefined],
    ]);
    for (const sample of samples)
      expect(await sample.load()).toMatchObject({ width: 20, height: 16 });
  });

  it("keeps what was known of patient and lesion: empty values as missing, columns that aren't there absent, whether a biopsy was taken never", async () => {
    await put(
      'metadata.csv',
      'patient_id,img_id,diagnostic,age,fitspatrick,region,gender,biopsed\nP,a.png,NEV,55,,NECK,,True\n',
    );
    await put('a.png', await image());
    const { samples } = await readFolder(dir);
    expect(samples[0]!.clinical).toStrictEqual({
      age: 55,
      fitspatrick: undefined,
      gender: undefined,
      region: 'NECK',
    });
  });

  it('accepts a byte-order mark, CRLF and a last line without newline', async () => {
    await metadata([{ patient: 'PAT_1', image: 'a.png' }], '\r\n');
    await put('a.png', await image());
    await put('metadata.csv', `\uFEFF${COLUMNS}\r\n${line({ patient: 'PAT_1', image: 'a.png' })}`);
    expect((await readFolder(dir)).samples.map((sample) => sample.patient)).toEqual(['PAT_1']);
  });

  it('follows a split column', async () => {
    await metadata([
      { patient: 'P1', image: 'a.png', split: 'heldout' },
      { patient: 'P2', image: 'b.png', split: 'train' },
    ]);
    await put('a.png', await image());
    await put('b.png', await image());
    expect((await readFolder(dir, { seed: 3 })).samples.map((sample) => sample.split)).toEqual([
      'heldout',
      'train',
    ]);
  });

  it('splits by patient and seed where there is no split column', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      patient: `P${i >> 1}`,
      image: `i${i}.png`,
      label: ['NEV', 'BCC', 'MEL'][i % 3]!,
    }));
    await metadata(rows);
    for (const row of rows) await put(row.image, new Uint8Array());
    const splits = async (seed: number): Promise<string[]> =>
      (await readFolder(dir, { seed })).samples.map(
        (sample) => `${sample.patient} ${sample.split}`,
      );
    expect(await splits(1)).toEqual(await splits(1));
    expect(await splits(1)).not.toEqual(await splits(2));
    expect(new Set(await splits(1)).size).toBe(30);
  });
});

describe('a bad folder', () => {
  it('without metadata.csv is refused', async () => {
    await expect(readFolder(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_NO_METADATA',
      message: expect.stringContaining(dir),
    });
    await expect(openDataset(join(dir, 'nowhere'))).rejects.toMatchObject({
      code: 'LENTIGO_PATH',
      message: expect.stringContaining('nowhere'),
    });
  });

  it('an unknown diagnosis is left out, counted and named; nothing but unknown ones is refused', async () => {
    await metadata([
      { patient: 'P1', image: 'a.png' },
      { patient: 'P2', image: 'b.png', label: 'WART' },
    ]);
    await put('a.png', await image());
    const { samples, leftOut } = await readFolder(dir);
    expect(samples.map(({ id }) => id)).toEqual(['a']);
    expect(leftOut).toEqual({ 'unknown diagnosis "WART"': 1 });
    await metadata([{ patient: 'P2', image: 'b.png', label: 'WART' }]);
    await expect(readFolder(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      message: expect.stringMatching(/It has "WART" \(1\); known are ACK, BCC/),
    });
  });

  it('a diagnosis outside the given label set is unknown', async () => {
    await metadata([{ patient: 'P1', image: 'a.png', label: 'NEV' }]);
    await expect(
      readFolder(dir, { labels: { names: ['MEL', 'BCC'], malignant: ['MEL'] } }),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_UNKNOWN_DIAGNOSIS' });
  });

  it('a patient in two splits is refused by name', async () => {
    await metadata([
      { patient: 'PAT_8', image: 'a.png', split: 'train' },
      { patient: 'PAT_9', image: 'b.png', split: 'train' },
      { patient: 'PAT_9', image: 'c.png', split: 'heldout' },
    ]);
    const refused = readFolder(dir);
    await expect(refused).rejects.toMatchObject({
      code: 'LENTIGO_DATA_SPLIT_LEAK',
      message: expect.stringContaining('PAT_9'),
    });
    await expect(refused).rejects.not.toThrow(/PAT_8/);
  });

  it.each([
    ['an empty patient', { patient: '' }, /row 2, column patient_id is empty$/],
    [
      'an unknown split',
      { split: 'dev' },
      /row 2, column split is none of train, validation, heldout \(it is "dev"\)/,
    ],
  ])('%s is refused with row and column', async (_, fields, message) => {
    await metadata([{ patient: 'P1', image: 'a.png', ...fields }]);
    const refused = readFolder(dir);
    await expect(refused).rejects.toMatchObject({ code: 'LENTIGO_DATA_METADATA_INVALID' });
    await expect(refused).rejects.toThrow(message);
  });

  it('an image listed twice, a missing column, a shifted row, an empty table, and a half-filled split column are refused', async () => {
    const refused = async (content: string, message: RegExp): Promise<void> => {
      await put('metadata.csv', content);
      await expect(readFolder(dir)).rejects.toMatchObject({
        code: 'LENTIGO_DATA_METADATA_INVALID',
        message: expect.stringMatching(message),
      });
    };
    const row = line({ patient: 'P1', image: 'a.png' });
    const other = line({ patient: 'P2', image: 'a.png' });
    await refused(`${COLUMNS}\n${row}\n${other}\n`, /rows 2 and 3, column img_id: a.png/);
    await refused('patient_id,diagnostic\nP1,NEV\n', /column img_id is missing/);
    await refused(`${COLUMNS}\n${row},shifted\n`, /row 2 has 27 cells, and the header 26/);
    await refused(`${COLUMNS}\n`, /no rows/);
    await refused('', /no rows/);
    await refused(
      `${COLUMNS},split\n${row},train\n${line({ patient: 'P2', image: 'b.png' })},\n`,
      /row 3 names no split/,
    );
  });

  it('a row without its image, and truncated, empty and non-image files are named, and the rest is usable', async () => {
    const whole = await sharp(
      Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 2654435761) >>> 24)),
      { raw: { width: 64, height: 64, channels: 3 } },
    )
      .jpeg()
      .toBuffer();
    await metadata(
      ['good', 'absent', 'cut', 'empty', 'text'].map((name, i) => ({
        patient: `P${i}`,
        image: `${name}.png`,
      })),
    );
    await put('images/good.jpg', whole);
    await put('images/cut.jpg', whole.subarray(0, whole.length / 2));
    await put('images/empty.jpg', new Uint8Array());
    await put('images/text.png', 'no image');
    const dataset = await readFolder(dir);
    expect(dataset.problems).toEqual([
      {
        id: 'absent',
        code: 'LENTIGO_DATA_IMAGE_MISSING',
        message: expect.stringContaining('row 3: no image absent.png'),
      },
    ]);
    expect(dataset.samples.map((sample) => sample.id)).toEqual(['good', 'cut', 'empty', 'text']);
    await expect(dataset.samples[1]!.load()).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_UNREADABLE',
      message: expect.stringContaining('cut.jpg'),
    });
    const inspection = await inspectDataset(dataset);
    expect(inspection).toMatchObject({ samples: 1, patients: 1, byClass: { NEV: 1 } });
    expect(inspection.problems.map(({ id, code }) => `${id} ${code}`)).toEqual([
      'absent LENTIGO_DATA_IMAGE_MISSING',
      'cut LENTIGO_DATA_IMAGE_UNREADABLE',
      'empty LENTIGO_DATA_IMAGE_UNREADABLE',
      'text LENTIGO_DATA_IMAGE_UNREADABLE',
    ]);
  });
});

describe.skipIf(!HAS_PAD_UFES)(
  'the real photographs of PAD-UFES-20 (skipped where they are absent)',
  () => {
    it('992 samples of 726 patients, all images there, no patient in two splits', async () => {
      const { samples, problems } = await readFolder(PAD_UFES);
      expect(problems).toEqual([]);
      expect(samples).toHaveLength(992);
      expect(new Set(samples.map((sample) => sample.patient)).size).toBe(726);
      expect(new Set(samples.map((sample) => `${sample.patient} ${sample.split}`)).size).toBe(726);
      const count = (split: string): number =>
        samples.filter((sample) => sample.split === split).length;
      expect([count('train'), count('validation'), count('heldout')]).toEqual([594, 145, 253]);
      expect(samples.filter((sample) => sample.fitzpatrick === 2)).toHaveLength(363);
      for (const sample of samples.slice(0, 20))
        expect(Math.min((await sample.load()).width, (await sample.load()).height)).toBe(256);
    });

    it('three clinics share the training patients, and see the same validation and held-out samples', async () => {
      const shares = await Promise.all(
        [1, 2, 3].map((clinic) => openDataset(`${PAD_UFES}?clinics=3&clinic=${clinic}`)),
      );
      const training = shares.map((share) =>
        share.samples.filter((sample) => sample.split === 'train'),
      );
      expect(training.map((samples) => samples.length)).toEqual([198, 198, 198]);
      expect(new Set(training.flat().map((sample) => sample.id)).size).toBe(594);
      const patients = training.map(
        (samples) => new Set(samples.map((sample) => sample.patient)).size,
      );
      expect(new Set(training.flat().map((sample) => sample.patient)).size).toBe(
        patients.reduce((a, b) => a + b),
      );
      for (const share of shares)
        expect(share.samples.filter((sample) => sample.split === 'heldout')).toHaveLength(253);
    });
  },
);
