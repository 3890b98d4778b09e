// The clinic's app: what a person picks is added, completed or left out, and each is said.
import { copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unknownFolders } from '../../client/web/photographs/import-files.js';
import { mergeFields } from '../../client/web/photographs/merge.js';
import { invalidFields, withoutEmpty } from '../../client/web/photographs/photograph.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { ClinicApp, writePhotographs } from '../support/clinic-app.js';
import { runCoordinator, temporaryFolder, type TestCoordinator } from '../support/coordinator.js';
import { CASES, HAS_CASES } from '../support/shared-data.js';

describe('a table that comes after its photographs', () => {
  it('fills what is empty, keeps what is there, and names what differs', () => {
    expect(
      mergeFields(
        { diagnostic: 'MEL', age: '61', region: 'back' },
        { diagnostic: 'NEV', age: '61.0', region: 'BACK', patient_id: 'P1', gender: '' },
      ),
    ).toEqual({
      fields: { diagnostic: 'MEL', age: '61', region: 'back', patient_id: 'P1' },
      filled: ['patient_id'],
      conflicts: [{ field: 'diagnostic', here: 'MEL', table: 'NEV' }],
    });
  });

  it.each([
    ['NEV', 'nv'],
    ['nv', 'Naevus'],
    ['MEL', 'malignant melanoma'],
  ])('a diagnosis in another word for it is no conflict: %s, %s', (diagnostic, table) => {
    expect(mergeFields({ diagnostic }, { diagnostic: table }).conflicts).toEqual([]);
  });

  it('a number is kept with a decimal point, whichever was typed', () => {
    expect(withoutEmpty({ age: '47,5', diameter_1: ' 12.25 ', patient_id: '1,5' })).toEqual({
      age: '47.5',
      diameter_1: '12.25',
      patient_id: '1,5',
    });
    expect(invalidFields({ age: '-3', diameter_1: '4,7,5', diameter_2: '4,5' })).toEqual([
      'age',
      'diameter_1',
    ]);
  });

  it('folders that name no diagnosis are told with their photographs', () => {
    expect(
      unknownFolders([
        { image: 'MEL/a.jpg', fields: { diagnostic: 'MEL' } },
        { image: 'Ceratose/b.jpg', fields: {} },
        { image: 'c.jpg', fields: {} },
      ]),
    ).toEqual({ Ceratose: 1 });
  });
});

describe.skipIf(noBrowser)(`in a browser${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  let coordinator: TestCoordinator;
  let browser: Browser;
  let folder: string;
  let at: (path: string) => string;
  beforeAll(async () => {
    [coordinator, browser, folder] = await Promise.all([
      runCoordinator(),
      launchBrowser(),
      temporaryFolder(),
    ]);
    at = (path) => join(folder, path);
    await writePhotographs(at('set'), 'synthetic:site=1&images=6&seed=3&size=256&split=train');
  });
  afterAll(async () => {
    await browser?.close();
    await coordinator?.close();
    await rm(folder, { recursive: true });
  });
  const open = async (): Promise<ClinicApp> => {
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    return app;
  };

  it('images first, their table later, by itself or in the folder: the labels arrive', async () => {
    const app = await open();
    await app.importFolder(at('set/images'));
    await app.sees('6 photographs, 0 to train on');
    await app.page.getByTestId('add-files').setInputFiles(at('set/metadata.csv'));
    await app.sees('6 photographs that were here already: completed from the table.');
    await app.sees('6 photographs, 6 to train on');
    await app.page.getByTestId('import-folder').setInputFiles(at('set'));
    await app.sees('6 photographs were here already.');
    await app.window.close();
  });

  it('masks, hidden and other files never become photographs, and each is counted', async () => {
    await cp(at('set'), at('mixed'), { recursive: true });
    await mkdir(at('mixed/images/.AppleDouble'));
    await mkdir(at('mixed/masks'));
    const [first] = await writePhotographs(
      at('other'),
      'synthetic:site=1&images=1&seed=3&size=256&split=train',
    );
    await writeFile(at(`mixed/images/.AppleDouble/${first!.id}.jpg`), 'Mac OS X');
    await writeFile(at(`mixed/images/._${first!.id}.jpg`), 'Mac OS X');
    await sharp({ create: { width: 256, height: 256, channels: 3, background: '#000' } })
      .png()
      .toFile(at(`mixed/masks/${first!.id}.png`));
    await writeFile(at('mixed/report.pdf'), '%PDF-1.7');
    await writeFile(at('mixed/scan.dat'), Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]));
    const app = await open();
    await app.importFolder(at('mixed'));
    await app.sees('5 photographs added');
    await app.sees(/could be any of 2 different files: images\/.*, masks\//);
    await app.sees(/2 × hidden/);
    await app.sees(/1 × a DICOM file/);
    await app.window.close();
  });

  it('WebP and AVIF are added; what can’t be is named with the way out', async () => {
    await mkdir(at('formats'));
    const [name] = await readdir(at('set/images'));
    const picture = () => sharp(at(`set/images/${name}`));
    await picture().webp({ quality: 90 }).toFile(at('formats/a.webp'));
    await picture().avif().toFile(at('formats/b.avif'));
    await picture().tiff().toFile(at('formats/c.tif'));
    // A PNG's header of 20,000 × 20,000 pixels.
    await writeFile(
      at('formats/d.png'),
      Buffer.from('89504e470d0a1a0a0000000d4948445200004e2000004e200802000000ffffffff', 'hex'),
    );
    const app = await open();
    await app.importFolder(at('formats'));
    await app.sees('2 photographs added');
    await app.sees(/c\.tif is a TIFF or a camera raw file/);
    await app.sees(/20,000 × 20,000 pixels, 400 megapixels; at most 256 are read/);
    await app.window.close();
  });

  it.skipIf(!HAS_CASES)('HEIC is added as JPEG, and shown', async () => {
    await mkdir(at('heic'));
    await copyFile(join(CASES, 'B14-heic/app/IMG_0001.HEIC'), at('heic/IMG_0001.HEIC'));
    const app = await open();
    await app.importFolder(at('heic'));
    await app.sees('1 photograph added');
    await expect
      .poll(() =>
        app.page
          .locator('li img')
          .first()
          .evaluate((image: HTMLImageElement) => image.naturalWidth),
      )
      .toBeGreaterThan(100);
    await app.window.close();
  });
});
