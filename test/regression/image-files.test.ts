// Which file a row of the table means, on disks as they are: masks, thumbnails, what systems leave
// behind, links, names of macOS. Never another file than the one that is meant, without a word.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFolder } from '../../common/dataset/folder.node.js';
import { inspectDataset } from '../../common/dataset/inspect.js';
import { ImageFiles } from '../../common/dataset/match-images.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-files-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), content);
}
/** A picture of this grey. */
const picture = (grey: number): Promise<Buffer> =>
  sharp({
    create: { width: 16, height: 16, channels: 3, background: { r: grey, g: grey, b: grey } },
  })
    .png()
    .toBuffer();
const table = (...images: string[]): Promise<void> =>
  put(
    'metadata.csv',
    [
      'patient_id,img_id,diagnostic',
      ...images.map((image, i) => `P${i},${image},${i % 2 === 0 ? 'NEV' : 'MEL'}`),
      '',
    ].join('\n'),
  );

/** Image → grey of the file that was read for it, or code and message of its problem. */
async function read(): Promise<Record<string, number | string>> {
  const { samples, problems } = await readFolder(dir);
  const greys = samples.map(async (sample) => [sample.id, (await sample.load()).data[0]!] as const);
  return {
    ...Object.fromEntries(await Promise.all(greys)),
    ...Object.fromEntries(problems.map(({ id, code, message }) => [id, `${code} ${message}`])),
  };
}

describe('hidden and system files', () => {
  it.each([
    '.thumbnails/IMG_0.png',
    'images/.AppleDouble/IMG_0.png',
    '__MACOSX/images/IMG_0.png',
    'images/@eaDir/IMG_0.png',
    '$RECYCLE.BIN/IMG_0.png',
    'a/.git/annex/IMG_0.png',
  ])('%s is passed over, and said', async (path) => {
    await table('IMG_0.png');
    await put('images/IMG_0.png', await picture(200));
    await put(path, await picture(10));
    expect(await read()).toEqual({ IMG_0: 200 });
    expect((await readFolder(dir)).notes?.join()).toContain('1 hidden folder');
  });

  it('the ._ files of a Mac are passed over', async () => {
    await table('IMG_0.png');
    await put('IMG_0.png', await picture(200));
    await put('._IMG_0.png', 'Mac OS X');
    expect(await read()).toEqual({ IMG_0: 200 });
    expect((await readFolder(dir)).notes?.join()).toContain('1 hidden file');
  });
});

describe('several files for one row', () => {
  it.each([
    ['IMG_0.png', 'masks/IMG_0.png', 'photos/IMG_0.jpg'],
    ['IMG_0.jpg', 'photos/IMG_0.jpg', 'segmentation/IMG_0.png'],
    ['IMG_0', 'a/IMG_0.png', 'b/IMG_0.png'],
    ['IMG_0', 'IMG_0.jpg', 'IMG_0.png'],
  ])('%s is ambiguous between %s and %s: both are named, none is read', async (row, one, other) => {
    await table(row);
    await put(one, await picture(10));
    await put(other, await picture(200));
    const { IMG_0: problem } = await read();
    expect(problem).toContain('LENTIGO_DATA_IMAGE_AMBIGUOUS row 2');
    expect(problem).toContain(one);
    expect(problem).toContain(other);
  });

  it('the path that the table gives decides', async () => {
    await table('photos/IMG_0.png', 'photos\\IMG_1.png');
    for (const name of ['IMG_0', 'IMG_1']) {
      await put(`masks/${name}.png`, await picture(10));
      await put(`set/photos/${name}.png`, await picture(200));
    }
    expect(Object.values(await read())).toEqual([200, 200]);
  });

  it('a folder of the table that does not exist is no other folder', async () => {
    await table('left/IMG_0.png');
    await put('right/IMG_0.png', await picture(10));
    expect(Object.values(await read())[0]).toContain('LENTIGO_DATA_IMAGE_MISSING');
  });

  it('a path that leads out of the folder costs its row alone, and is never opened', async () => {
    await put('others/b.png', await picture(10));
    await put('data/b.png', await picture(100));
    await put('data/a.png', await picture(200));
    const rows = ['a.png', '../others/b.png', '..\\b.png', 'x/../../others/b.png'];
    await put('data/labels.csv', ['file,diagnosis', ...rows.map((row) => `${row},mel`)].join('\n'));
    const { samples, problems } = await readFolder(join(dir, 'data'));
    expect(samples.map(({ id }) => id)).toEqual(['a']);
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual(
      ['../others/b.png', '../b.png', 'x/../../others/b.png'].map(
        (path, i) =>
          `LENTIGO_DATA_IMAGE_MISSING row ${i + 3}: ${path} leads out of the folder by "..": it is not looked for`,
      ),
    );
  });

  it('a path of another computer means the file that it ends with', () => {
    const files = new ImageFiles(['IMG_0.jpg', 'a/IMG_1.jpg', 'b/IMG_1.jpg', 'IMG_1.jpg']);
    expect(files.find('Fotos/2024/IMG_0.jpg')).toEqual(['IMG_0.jpg']);
    expect(files.find('home/ana/data/b/IMG_1.jpg')).toEqual(['b/IMG_1.jpg']);
    expect(files.find('home/ana/data/IMG_1.jpg')).toEqual(['IMG_1.jpg']);
    expect(new ImageFiles(['right/IMG_1.jpg']).find('left/IMG_1.jpg')).toEqual([]);
  });

  it('in one folder the extension that the table gives decides', async () => {
    await table('IMG_0.png');
    await put('all/IMG_0.png', await picture(200));
    await put('all/IMG_0.jpg', await picture(10));
    expect(await read()).toEqual({ IMG_0: 200 });
  });

  it('a format that is read goes before one that is not, as cameras write raw files beside', async () => {
    await table('IMG_0');
    await put('IMG_0.jpg', await picture(200));
    await put('IMG_0.NEF', 'raw');
    expect(await read()).toEqual({ IMG_0: 200 });
  });

  it('copies are no ambiguity', async () => {
    await table('IMG_0.png');
    await put('part_1/IMG_0.png', await picture(200));
    await put('PART_1/IMG_0.png', await picture(200));
    expect(await read()).toEqual({ IMG_0: 200 });
  });

  it('two rows never get one file', async () => {
    await table('IMG_0.png', 'img_0.png');
    await put('IMG_0.png', await picture(200));
    expect(await read()).toMatchObject({
      IMG_0: 200,
      img_0: expect.stringContaining('the same file as row 2'),
    });
  });

  it('files that no row names are counted by extension', async () => {
    await table('IMG_0.png');
    await put('IMG_0.png', await picture(200));
    await put('IMG_0_mask.png', await picture(0));
    await put('scan/slide.tif', 'tiff');
    expect((await readFolder(dir)).notes?.join()).toMatch(
      /2 images are in no row of the table: not used \(1 \.png, 1 \.tif/,
    );
  });
});

describe('links', () => {
  it('to folders and files are followed, around circles as well', async () => {
    await table('IMG_0.png', 'IMG_1.png', 'IMG_2.png');
    const elsewhere = await mkdtemp(join(tmpdir(), 'lentigo-elsewhere-'));
    try {
      await writeFile(join(elsewhere, 'IMG_0.png'), await picture(200));
      await writeFile(join(elsewhere, '3f9a'), await picture(150));
      await symlink(elsewhere, join(dir, 'images'));
      await put('own/IMG_2.png', await picture(100));
      await symlink(join(elsewhere, '3f9a'), join(dir, 'own/IMG_1.png'));
      await symlink(dir, join(dir, 'own/again'));
      await symlink(join(dir, 'own'), join(dir, 'a-link-before'));
      expect(await read()).toEqual({ IMG_0: 200, IMG_1: 150, IMG_2: 100 });
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('that lead nowhere or to themselves make that one image missing', async () => {
    await table('IMG_0.png', 'IMG_1.png', 'IMG_2.png');
    await put('IMG_0.png', await picture(200));
    await symlink('nowhere/IMG_1.png', join(dir, 'IMG_1.png'));
    await symlink('IMG_2.png', join(dir, 'IMG_2.png'));
    expect(await read()).toEqual({
      IMG_0: 200,
      IMG_1:
        'LENTIGO_DATA_IMAGE_MISSING row 3: IMG_1.png is a link to nowhere/IMG_1.png, which is not there',
      IMG_2: expect.stringContaining(
        'IMG_2.png is a link to IMG_2.png: it is a link that leads back',
      ),
    });
  });
});

describe('what has a file’s name and is none', () => {
  it('a folder named like an image is searched, and the image is missing', async () => {
    await table('IMG_0.png', 'IMG_1.png');
    await put('IMG_0.png/IMG_1.png', await picture(100));
    expect(await read()).toEqual({
      IMG_0: expect.stringContaining('LENTIGO_DATA_IMAGE_MISSING'),
      IMG_1: 100,
    });
  });

  it('a pipe is named, and not waited for', async () => {
    await table('IMG_0.png');
    await promisify(execFile)('mkfifo', [join(dir, 'IMG_0.png')]);
    expect(await read()).toEqual({ IMG_0: expect.stringContaining('IMG_0.png is not a file') });
  });

  it.skipIf(process.getuid?.() !== 0)(
    'a file and a folder that this user may not read are named',
    async () => {
      await table('IMG_0.png', 'IMG_1.png', 'IMG_2.png');
      await put('IMG_0.png', await picture(200));
      await put('IMG_1.png', await picture(100));
      await put('closed/IMG_2.png', await picture(100));
      const { chmod } = await import('node:fs/promises');
      await chmod(dir, 0o755);
      await chmod(join(dir, 'IMG_1.png'), 0o000);
      await chmod(join(dir, 'closed'), 0o000);
      process.seteuid!(65534);
      try {
        const { samples, problems, notes } = await inspectDataset(await readFolder(dir));
        expect(samples).toBe(1);
        expect(problems.map(({ id, message }) => [id, message])).toEqual([
          ['IMG_2', expect.stringContaining('row 4')],
          ['IMG_1', expect.stringContaining('this user may not read it')],
        ]);
        expect(notes.join()).toContain('the folder closed was not read: this user may not read it');
      } finally {
        process.seteuid!(0);
      }
    },
  );
});

describe('what has a table’s name and is none', () => {
  it('folders and pipes are passed over, links to files are not', async () => {
    await mkdir(join(dir, 'metadata.csv'));
    await mkdir(join(dir, 'metadata.xlsx'));
    await promisify(execFile)('mkfifo', [join(dir, 'HAM10000_metadata.csv')]);
    await symlink('nowhere', join(dir, 'labels.csv'));
    await expect(readFolder(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_NO_METADATA',
      message: expect.stringContaining('HAM10000_metadata.csv is not a file'),
    });
    await put('IMG_0.png', await picture(200));
    await put('metadata.csv/list', 'file,diagnosis\nIMG_0.png,mel\n');
    await symlink('metadata.csv/list', join(dir, 'mine.csv'));
    expect(await read()).toEqual({ IMG_0: 200 });
  });
});

describe('a folder that is none', () => {
  it('is said to be missing, or a file', async () => {
    await put('a.png', await picture(10));
    for (const [path, message] of [
      ['nope', 'nope does not exist.'],
      ['a.png', 'a.png is a file, not a folder.'],
      ['a.png/data', 'a.png/data does not exist.'],
    ] as const)
      await expect(readFolder(join(dir, path))).rejects.toMatchObject({
        code: 'LENTIGO_PATH',
        message: join(dir, message),
      });
  });
});

describe('names as other systems write them', () => {
  it('composed and decomposed letters are the same, in name, folder and extension’s case', () => {
    const nfd = 'Lesões/LESÃO_0.JPG'.normalize('NFD');
    expect(nfd).not.toBe(nfd.normalize('NFC'));
    for (const form of ['NFC', 'NFD'] as const) {
      const other = form === 'NFC' ? 'NFD' : 'NFC';
      const files = new ImageFiles(['Lesões/LESÃO_0.JPG'.normalize(form)]);
      for (const row of ['LESÃO_0.jpg', 'Lesões/LESÃO_0.png', 'lesão_0'])
        expect(files.find(row.normalize(other))).toEqual(['Lesões/LESÃO_0.JPG'.normalize(form)]);
    }
  });

  it('are found on the disk', async () => {
    await table('LESÃO_0.png'.normalize('NFC'), 'Übersicht/Ä.png'.normalize('NFD'));
    await put('LESÃO_0.png'.normalize('NFD'), await picture(200));
    await put('Übersicht/Ä.png'.normalize('NFC'), await picture(100));
    expect(Object.values(await read())).toEqual([200, 100]);
  });

  it('capitals count where both files are there', () => {
    const files = new ImageFiles(['IMG_1.jpg', 'img_1.jpg']);
    expect(files.find('IMG_1')).toEqual(['IMG_1.jpg']);
    expect(files.find('img_1')).toEqual(['img_1.jpg']);
  });
});
