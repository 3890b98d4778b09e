// HAM10000, ISIC 2024 and MIDAS in their own file layouts: read, translated into each label set,
// and refused with a clear error if something is wrong.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../../common/dataset/open.node.js';
import { HAM10000_LABELS, LABEL_SETS, type LabelSet } from '../../../common/model/labels.js';
import { HAM10000, HAS_HAM10000 } from '../../support/shared-data.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-archive-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), content);
}
async function images(...files: string[]): Promise<void> {
  const jpeg = await sharp({
    create: { width: 20, height: 16, channels: 3, background: '#b07060' },
  })
    .jpeg()
    .toBuffer();
  for (const file of files) await put(file, jpeg);
}
const labelled = async (labels?: LabelSet) => {
  const { samples, leftOut } = await openDataset(dir, { labels });
  return [Object.fromEntries(samples.map(({ id, label }) => [id, label])), leftOut];
};
const refused = async (code: string, message: RegExp, labels?: LabelSet): Promise<void> => {
  await expect(openDataset(dir, { labels })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
};

describe('HAM10000', () => {
  const COLUMNS = 'lesion_id,image_id,dx,dx_type,age,sex,localization,dataset';
  const row = (lesion: string, image: string, dx: string): string =>
    `${lesion},${image},${dx},histo,75.0,female,back,vidir_modern`;
  const ALL = [
    row('HAM_1', 'ISIC_1', 'nv'),
    row('HAM_1', 'ISIC_2', 'nv'),
    row('HAM_2', 'ISIC_3', 'mel'),
    row('HAM_3', 'ISIC_4', 'vasc'),
    row('HAM_4', 'ISIC_5', 'akiec'),
  ];
  const table = (
    rows: readonly string[],
    name = 'HAM10000_metadata.csv',
    columns = COLUMNS,
  ): Promise<void> => put(name, [columns, ...rows].join('\n'));
  beforeEach(() =>
    images(
      'HAM10000_images_part_1/ISIC_1.jpg',
      'HAM10000_images_part_1/ISIC_2.jpg',
      'HAM10000_images_part_2/ISIC_3.jpg',
      'HAM10000_images_part_2/ISIC_4.jpg',
      'HAM10000_images_part_2/ISIC_5.jpg',
    ),
  );

  it('is read from both image folders, with seven classes, the lesion as unit, and its metadata', async () => {
    await table(ALL);
    const { samples, problems } = await openDataset(dir);
    expect(problems).toEqual([]);
    expect(samples.map(({ id, label, patient }) => `${id} ${label} ${patient}`)).toEqual([
      'ISIC_1 nv HAM_1',
      'ISIC_2 nv HAM_1',
      'ISIC_3 mel HAM_2',
      'ISIC_4 vasc HAM_3',
      'ISIC_5 akiec HAM_4',
    ]);
    expect(samples[0]!.split).toBe(samples[1]!.split);
    expect(samples[0]!.clinical).toEqual({ age: 75, sex: 'female', localization: 'back' });
    expect(await samples[3]!.load()).toMatchObject({ width: 20, height: 16 });
  });

  it.each(['HAM10000_metadata', 'HAM10000_metadata.tab'])(
    'is read from %s with tabs, as the Dataverse gives it',
    async (name) => {
      await table(
        ALL.map((line) => line.replaceAll(',', '\t')),
        name,
        COLUMNS.replaceAll(',', '\t'),
      );
      expect((await openDataset(dir)).samples).toHaveLength(5);
    },
  );

  it("is translated into PAD-UFES-20's labels and into benign and malignant; images without a label are left out and counted", async () => {
    await table(ALL);
    expect(await labelled(LABEL_SETS['pad-ufes'])).toEqual([
      { ISIC_1: 'NEV', ISIC_2: 'NEV', ISIC_3: 'MEL', ISIC_5: 'ACK' },
      { vasc: 1 },
    ]);
    expect(await labelled(LABEL_SETS.binary)).toEqual([
      {
        ISIC_1: 'benign',
        ISIC_2: 'benign',
        ISIC_3: 'malignant',
        ISIC_4: 'benign',
        ISIC_5: 'malignant',
      },
      undefined,
    ]);
  });

  it('leaves out and counts an unknown diagnosis, and one that the labels lack; refuses labels that match none', async () => {
    await table([...ALL, row('HAM_9', 'ISIC_9', 'wart')]);
    expect((await labelled())[1]).toEqual({ 'unknown diagnosis "wart"': 1 });
    expect((await labelled(LABEL_SETS['pad-ufes']))[1]).toEqual({
      vasc: 1,
      'unknown diagnosis "wart"': 1,
    });
    await table(ALL);
    expect(await labelled({ names: ['nv', 'mel'], malignant: ['mel'] })).toEqual([
      { ISIC_1: 'nv', ISIC_2: 'nv', ISIC_3: 'mel' },
      { vasc: 1, akiec: 1 },
    ]);
    await refused(
      'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      /no diagnosis of it is known. It has "nv" \(2\), "mel" \(1\), "vasc" \(1\), "akiec" \(1\); known are cat, dog/,
      { names: ['cat', 'dog'], malignant: [] },
    );
  });

  it('refuses a missing column and an image listed twice, and names missing files', async () => {
    await put('HAM10000_metadata.csv', 'lesion_id,image_id\nHAM_1,ISIC_1\n');
    await refused('LENTIGO_DATA_METADATA_INVALID', /column dx is missing/);
    await table([...ALL, row('HAM_1', 'ISIC_1', 'mel')]);
    await refused(
      'LENTIGO_DATA_METADATA_INVALID',
      /rows 2 and 7, column image_id: ISIC_1 stands twice, with different content/,
    );
    await table([...ALL, row('HAM_9', 'ISIC_9', 'nv')]);
    expect((await openDataset(dir)).problems).toEqual([
      {
        id: 'ISIC_9',
        code: 'LENTIGO_DATA_IMAGE_MISSING',
        message: expect.stringContaining('row 7: no image ISIC_9'),
      },
    ]);
  });

  it('refuses a lesion on both sides of a split; of train and test it makes three splits, no lesion in two', async () => {
    const columns = 'lesion_id,image_id,dx,split';
    await table(['HAM_1,ISIC_1,nv,train', 'HAM_1,ISIC_2,nv,test'], 'metadata.csv', columns);
    await refused(
      'LENTIGO_DATA_SPLIT_LEAK',
      /1 lesion is in more than one split: HAM_1 \(row \d+: \w+, row \d+: \w+\)/,
    );
    const rows = Array.from(
      { length: 60 },
      (_, i) => `HAM_${i >> 1},I_${i},${['nv', 'mel', 'bcc'][i % 3]},${i < 40 ? 'train' : 'test'}`,
    );
    await images(...rows.map((_, i) => `images/I_${i}.jpg`));
    await table(rows, 'metadata.csv', columns);
    const { samples } = await openDataset(dir);
    const count = (split: string): number =>
      samples.filter((sample) => sample.split === split).length;
    expect([count('train'), count('validation'), count('heldout')]).toEqual([32, 8, 20]);
    expect(new Set(samples.map(({ patient, split }) => `${patient} ${split}`)).size).toBe(30);
  });

  it.skipIf(!HAS_HAM10000)(
    '1,663 real images are all there, of seven classes (skipped where they are absent)',
    async () => {
      const { samples, problems } = await openDataset(HAM10000);
      expect([samples.length, problems]).toEqual([1663, []]);
      expect(new Set(samples.map(({ label }) => label))).toEqual(new Set(HAM10000_LABELS.names));
      expect(samples.filter(({ split }) => split === 'heldout')).toHaveLength(416);
    },
  );
});

describe('ISIC 2024', () => {
  const COLUMNS =
    'isic_id,target,patient_id,age_approx,sex,tbp_lv_A,tbp_lv_location,iddx_full,iddx_1,iddx_3,tbp_lv_dnn_lesion_confidence,copyright_license';
  const row = (id: string, target: string, patient: string, iddx3: string): string =>
    `${id},${target},${patient},60.0,male,20.24,Right Leg - Upper,"x, y",${target === '1' ? 'Malignant' : 'Benign'},${iddx3},97.5,CC-BY`;
  const ALL = [
    row('ISIC_1', '0', 'IP_1', ''),
    row('ISIC_2', '0', 'IP_1', 'Nevus'),
    row('ISIC_3', '1', 'IP_2', 'Melanoma in situ'),
    row('ISIC_4', '0', 'IP_3', 'Something rare'),
  ];
  const table = (rows: readonly string[]): Promise<void> =>
    put('train-metadata.csv', [COLUMNS, ...rows].join('\n'));
  beforeEach(() => images(...[1, 2, 3, 4].map((i) => `train-image/image/ISIC_${i}.jpg`)));

  it('is benign or malignant by its target, by patient, with the measurements that a tabular teacher may read', async () => {
    await table(ALL);
    const { samples } = await openDataset(dir);
    expect(samples.map(({ id, label, patient }) => `${id} ${label} ${patient}`)).toEqual([
      'ISIC_1 benign IP_1',
      'ISIC_2 benign IP_1',
      'ISIC_3 malignant IP_2',
      'ISIC_4 benign IP_3',
    ]);
    expect(samples[0]!.clinical).toEqual({
      age_approx: 60,
      sex: 'male',
      tbp_lv_A: 20.24,
      tbp_lv_location: 'Right Leg - Upper',
    });
  });

  it('has labels of PAD-UFES-20 only where the finer diagnosis is given; the others are left out and counted', async () => {
    await table(ALL);
    expect(await labelled(LABEL_SETS['pad-ufes'])).toEqual([
      { ISIC_2: 'NEV', ISIC_3: 'MEL' },
      { Benign: 1, 'Something rare': 1 },
    ]);
    expect(await labelled(LABEL_SETS.ham10000)).toEqual([
      { ISIC_2: 'nv', ISIC_3: 'mel' },
      { Benign: 1, 'Something rare': 1 },
    ]);
  });

  it('refuses a missing column, an unknown target and a doubled image, and names missing files', async () => {
    await put('train-metadata.csv', 'isic_id,target\nISIC_1,0\n');
    await refused('LENTIGO_DATA_METADATA_INVALID', /column patient_id is missing/);
    await table([...ALL, row('ISIC_5', '2', 'IP_9', '')]);
    await refused(
      'LENTIGO_DATA_METADATA_INVALID',
      /row 6, column target is not 0 or 1 \(it is "2"\)/,
    );
    await table([...ALL, row('ISIC_3', '0', 'IP_2', 'Nevus')]);
    await refused(
      'LENTIGO_DATA_METADATA_INVALID',
      /rows 4 and 6, column isic_id: ISIC_3 stands twice/,
    );
    await table([...ALL, row('ISIC_9', '0', 'IP_9', '')]);
    expect((await openDataset(dir)).problems.map(({ id }) => id)).toEqual(['ISIC_9']);
  });
});

describe('MIDAS', () => {
  const COLUMNS = [
    '',
    'midas_record_id',
    'midas_file_name',
    'midas_iscontrol',
    'midas_distance',
    'midas_location',
    'midas_path',
    'midas_gender',
    'midas_age',
    'midas_fitzpatrick',
    'length_(mm)',
    'width_(mm)',
  ];
  const row = (record: string, file: string, distance: string, path: string): string[] => [
    '0',
    record,
    file,
    path === '' ? 'yes' : 'no',
    distance,
    'l cheek',
    path,
    'female',
    '61',
    'iii darker white skin',
    '7',
    '5',
  ];
  const ALL = [
    row('r1', 's-prd-1.jpg', '6in', 'malignant- bcc'),
    row('r1', 's-prd-2.jpeg', '1ft', 'malignant- bcc'),
    row('r1', 's-prd-3.jpg', 'dscope', 'malignant- bcc'),
    row('r2', 's-prd-4.jpg', '1ft', 'benign-fibrous papule'),
    row('r3', 's-prd-5.jpg', 'n/a - virtual', 'malignant- ak'),
    row('r4', 's-prd-6.jpg', '1ft', ''),
  ];
  const csv = (rows: readonly string[][], columns = COLUMNS): Promise<void> =>
    put('release_midas.csv', [columns, ...rows].map((cells) => cells.join(',')).join('\n'));
  beforeEach(() =>
    images(
      'S-PRD-1.JPG',
      'more/s-prd-2.jpg',
      's-prd-3.jpg',
      's-prd-4_cropped.jpg',
      's-prd-5.jpg',
      's-prd-6.jpg',
    ),
  );

  it("takes the smartphone photographs with a pathology, whatever the files' endings, and translates them", async () => {
    await csv(ALL);
    const { samples, problems } = await openDataset(dir);
    expect(problems).toEqual([]);
    expect(
      samples.map(
        ({ id, label, patient, fitzpatrick }) => `${id} ${label} ${patient} ${fitzpatrick}`,
      ),
    ).toEqual([
      's-prd-1 malignant r1 3',
      's-prd-2 malignant r1 3',
      's-prd-4 benign r2 3',
      's-prd-5 malignant r3 3',
    ]);
    const others = { 'dermoscopic image': 1, 'no pathology (healthy skin or not biopsied)': 1 };
    expect(await labelled()).toEqual([expect.anything(), others]);
    expect(await labelled(LABEL_SETS['pad-ufes'])).toEqual([
      { 's-prd-1': 'BCC', 's-prd-2': 'BCC', 's-prd-5': 'ACK' },
      { ...others, 'benign-fibrous papule': 1 },
    ]);
  });

  it('is read from the Excel file as published', async () => {
    const cell = (at: string, value: string): string =>
      /^\d+$/.test(value)
        ? `<c r="${at}"><v>${value}</v></c>`
        : `<c r="${at}" t="inlineStr"><is><t>${value}</t></is></c>`;
    const sheet = [COLUMNS, ...ALL]
      .map(
        (cells, r) =>
          `<row r="${r + 1}">${cells.map((value, c) => cell(`${'ABCDEFGHIJKL'[c]}${r + 1}`, value)).join('')}</row>`,
      )
      .join('');
    const xml = (content: string): Uint8Array =>
      strToU8(`<?xml version="1.0" encoding="UTF-8"?>${content}`);
    await put(
      'release_midas.xlsx',
      zipSync({
        '[Content_Types].xml': xml(
          '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        ),
        'xl/workbook.xml': xml(
          '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        ),
        'xl/_rels/workbook.xml.rels': xml(
          '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        ),
        'xl/worksheets/sheet1.xml': xml(
          `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${sheet}</sheetData></worksheet>`,
        ),
      }),
    );
    const fromExcel = await openDataset(dir);
    await rm(join(dir, 'release_midas.xlsx'));
    await csv(ALL);
    const plain = ({ samples }: typeof fromExcel) =>
      samples.map((sample) => ({ ...sample, load: undefined }));
    expect(plain(fromExcel)).toEqual(plain(await openDataset(dir)));
    expect(fromExcel.samples[0]!.clinical).toEqual({
      age: 61,
      gender: 'female',
      location: 'l cheek',
      length_mm: 7,
      width_mm: 5,
    });
    await put('release_midas.xlsx', 'no Excel file');
    await refused('LENTIGO_DATA_METADATA_INVALID', /not a readable Excel file/);
  });

  it('refuses a missing column and a doubled image; counts an unknown pathology; names missing files', async () => {
    await csv(
      ALL.map((cells) => cells.slice(0, 3)),
      COLUMNS.slice(0, 3),
    );
    await refused('LENTIGO_DATA_METADATA_INVALID', /column midas_path is missing/);
    await csv([...ALL, row('r9', 's-prd-9.jpg', '6in', 'malignant- wart')]);
    expect((await labelled())[1]).toMatchObject({ 'unknown diagnosis "malignant-wart"': 1 });
    await csv([...ALL, row('r1', 's-prd-1.jpg', '6in', 'malignant- scc')]);
    await refused(
      'LENTIGO_DATA_METADATA_INVALID',
      /rows 2 and 8, column midas_file_name: s-prd-1.jpg stands twice/,
    );
    await csv([...ALL, row('r9', 's-prd-9.jpg', '6in', 'malignant- scc')]);
    expect((await openDataset(dir)).problems.map(({ id }) => id)).toEqual(['s-prd-9']);
  });
});

it('a folder that holds no table of any archive is refused', async () => {
  await refused(
    'LENTIGO_DATA_NO_METADATA',
    /metadata.csv, .*train-metadata.csv.*release_midas.csv, or a CSV with the columns file and diagnosis\), and no folder called by a diagnosis/,
  );
});
