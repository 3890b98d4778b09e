// The clinic's app alone: its download size, use without a network, and training on WebGPU.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metadataCsv } from '../../../client/web/photographs/export-zip.js';
import {
  FIELDS,
  fieldProblem,
  labelIn,
  type Photograph,
  trains,
} from '../../../client/web/photographs/photograph.js';
import { BINARY_LABELS, HAM10000_LABELS, PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { launchBrowser, noBrowser } from '../../support/browser.js';
import { ClinicApp, PASSPHRASE, writePhotographs } from '../../support/clinic-app.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  temporaryFolder,
  type TestCoordinator,
} from '../../support/coordinator.js';
import { seriousBarriers } from '../../support/pages.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';
import { clinicRows } from '../../support/tables.js';

const photograph = (name: string, fields: Photograph['fields']): Photograph => ({
  id: crypto.randomUUID(),
  name,
  type: 'image/jpeg',
  bytes: 1,
  sha256: '0'.repeat(64),
  width: 1,
  height: 1,
  added: '2026-01-01T00:00:00Z',
  quality: [],
  fields,
});

describe('the data of photographs', () => {
  it('is exported as a table that reads back the same', async () => {
    const fields = {
      diagnostic: 'MEL',
      patient_id: 'A, "B"\nC',
      age: '61',
      fitspatrick: '4',
      region: 'BACK',
      itch: 'True',
      diameter_1: '6.5',
    };
    const { rows, notes } = await clinicRows(
      metadataCsv([photograph('one', fields), photograph('two', { diagnostic: 'NEV' })]),
    );
    expect(notes).toEqual([]);
    expect(
      Object.fromEntries(
        FIELDS.flatMap((f) =>
          rows[0]!.fields[f] === undefined ? [] : [[f, String(rows[0]!.fields[f])]],
        ),
      ),
    ).toEqual(fields);
  });

  it('decides whether one is used for training: it has a diagnosis, and its table does not reserve it', () => {
    expect(
      [
        {},
        { diagnostic: 'XXX' },
        { diagnostic: 'MEL' },
        { diagnostic: 'MEL', split: 'train' },
        { diagnostic: 'MEL', split: 'heldout' },
      ].map((fields) => trains(photograph('p', fields), PAD_UFES_LABELS)),
    ).toEqual([false, false, true, true, false]);
  });

  it.each([
    ['PAD-UFES-20’s', PAD_UFES_LABELS, ['SCC', 'NEV', undefined, undefined]],
    ['HAM10000’s', HAM10000_LABELS, [undefined, 'nv', 'vasc', undefined]],
    ['benign or malignant', BINARY_LABELS, ['malignant', 'benign', 'benign', undefined]],
    [
      'its own',
      { names: ['Naevus', 'toString'], malignant: [] },
      [undefined, undefined, undefined, 'toString'],
    ],
  ])('is read in a study’s words, %s, where they have one for it', (_name, labels, expected) => {
    expect(
      ['SCC', 'nv', 'vasc', 'toString'].map((diagnostic) => labelIn({ diagnostic }, labels)),
    ).toEqual(expected);
  });

  it('is checked like a table: an age of 200 and a seventh skin type are refused', () => {
    expect(
      [fieldProblem('age', '200'), fieldProblem('fitspatrick', '7')].every(
        (problem) => problem !== undefined,
      ),
    ).toBe(true);
    expect([
      fieldProblem('age', '61'),
      fieldProblem('fitspatrick', '6'),
      fieldProblem('age', ''),
    ]).toEqual([undefined, undefined, undefined]);
  });
});

it('the whole app is less than 2 MB compressed, and its first page waits for a tenth of that', async () => {
  const root = join(PACKAGE_ROOT, 'dist/web/clinic');
  const files = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const sizes = new Map(
    await Promise.all(files.map(async (file) => [file, (await stat(file)).size] as const)),
  );
  // A browser loads only one of the two WASM modules, the one with SIMD.
  const loaded = files.filter(
    (file) => !/\.(gz|br)$/.test(file) && !/tfjs-backend-wasm-(?!simd)[^/]*\.wasm$/.test(file),
  );
  const bytes = loaded.reduce(
    (sum, file) => sum + (sizes.get(`${file}.br`) ?? sizes.get(file)!),
    0,
  );
  expect(loaded.some((file) => /simd[^/]*\.wasm$/.test(file))).toBe(true);
  const first = [...(await readFile(join(root, 'index.html'), 'utf8')).matchAll(/assets\/[^"]+/g)]
    .map(([file]) => sizes.get(join(root, `${file}.br`)) ?? sizes.get(join(root, file))!)
    .reduce((a, b) => a + b);
  console.log(
    `the clinic's app: ${(bytes / 1e6).toFixed(2)} MB compressed, of which the first page waits for ${(first / 1e6).toFixed(2)}`,
  );
  expect(bytes).toBeLessThan(2_000_000);
  expect(first).toBeLessThan(200_000);
});

describe.skipIf(noBrowser)(`in a browser${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  let coordinator: TestCoordinator;
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    [coordinator, browser, folder] = await Promise.all([
      runCoordinator(),
      launchBrowser(),
      temporaryFolder(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await coordinator?.close();
    await rm(folder, { recursive: true });
  });

  it('opens and shows its photographs without a network', async () => {
    await writePhotographs(
      join(folder, 'offline'),
      'synthetic:site=1&images=3&seed=3&size=256&split=train',
    );
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    await app.importFolder(join(folder, 'offline'));
    await app.page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
    await app.window.setOffline(true);
    await app.page.reload();
    await app.unlock(PASSPHRASE);
    await app.sees('3 photographs, 3 to train on');
    await app.page.locator('li img').first().waitFor();
    await app.go('Settings');
    await app.window.close();
  });

  it("imports a clinic's own table as Excel writes it, and a folder for each diagnosis", async () => {
    const samples = await writePhotographs(
      join(folder, 'own'),
      'synthetic:site=1&images=4&seed=3&size=256&split=train',
    );
    await rm(join(folder, 'own', 'metadata.csv'));
    const rows = samples.map(
      ({ id, label, patient }) => `${id}.jpg;${label.toLowerCase()};José ${patient};45,5`,
    );
    await writeFile(
      join(folder, 'own', 'Fotos.csv'),
      Buffer.from(['Datei;Diagnose;Paciente;Alter', ...rows].join('\r\n'), 'latin1'),
    );
    const others = await writePhotographs(
      join(folder, 'others'),
      'synthetic:site=2&images=2&seed=4&size=256&split=train',
    );
    for (const [i, { id }] of others.entries()) {
      await mkdir(join(folder, 'folders', ['melanoma', 'nevus'][i]!), { recursive: true });
      await rename(
        join(folder, 'others', 'images', `${id}.jpg`),
        join(folder, 'folders', ['melanoma', 'nevus'][i]!, `${id}.jpg`),
      );
    }
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    await app.importFolder(join(folder, 'own'));
    await app.sees('the table is not in UTF-8: it was read as Windows-1252 (Latin-1)');
    await app.sees('4 photographs, 4 to train on');
    await app.importFolder(join(folder, 'folders'));
    await app.sees("the folders' names are the diagnoses");
    await app.sees('6 photographs, 6 to train on');
    await app.window.close();
  });

  it('offers the diagnoses of its study, translates earlier ones into its labels, and excludes those without a label from training', async () => {
    const samples = await writePhotographs(
      join(folder, 'labels'),
      'synthetic:site=1&images=10&seed=3&size=256&split=train',
    );
    expect(samples.filter(({ label }) => label === 'SCC')).toHaveLength(2);
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    await app.importFolder(join(folder, 'labels'));
    await app.sees('10 photographs, 10 to train on');
    const study = await createStudy(coordinator.admin, {
      labels: HAM10000_LABELS,
      rounds: 1,
      cohort: { minimum: 1, quorum: 1 },
    });
    await app.go('Take part');
    await app.page
      .getByLabel('Your invitation')
      .fill((await coordinator.admin.invite(study, 'Seven', 1)).invitation);
    await app.page.getByLabel('Name of your clinic').fill('Seven');
    await app.button('Enrol').click();
    await app.sees('2 photographs with a diagnosis that this study does not know');
    await app.go('Photographs');
    await app.sees('10 photographs, 8 to train on');
    await app.sees(/2 photographs are not of this study’s diagnoses \(Squamous cell carcinoma\)/);
    await app
      .button(/Squamous cell carcinoma.*Not of this study/)
      .first()
      .click();
    await app.sees('Not of this study’s diagnoses: the photograph is kept');
    await app.page.getByRole('combobox', { name: 'Diagnosis' }).click();
    expect(await app.page.getByRole('option').allInnerTexts()).toEqual([
      'Actinic keratosis or carcinoma in situ (akiec)',
      'Basal cell carcinoma (bcc)',
      'Benign keratosis (bkl)',
      'Dermatofibroma (df)',
      'Melanoma (mel)',
      'Nevus (nv)',
      'Vascular lesion (vasc)',
      'Squamous cell carcinoma (SCC)',
    ]);
    expect(await seriousBarriers(app.page)).toEqual([]);
    await app.button('Close').click();
    await app
      .button(/^Nevus/)
      .first()
      .click();
    await app.sees('In this study: Nevus.');
    await app.page.getByRole('combobox', { name: 'Diagnosis' }).click();
    await app.page.getByRole('option', { name: 'Dermatofibroma' }).click();
    await app.button('Save and close').click();
    await app.button(/^Dermatofibroma/).waitFor();
    await coordinator.admin.decide(
      study,
      (await coordinator.admin.study(study)).clinics[0]!.id,
      'approve',
    );
    await app.standing('Connected');
    await coordinator.admin.act(study, 'start');
    const { rounds } = await studyUntil(
      coordinator.admin,
      study,
      ({ status }) => status === 'completed',
      300,
    );
    expect(rounds.at(-1)!.updates).toMatchObject([{ samples: 8 }]);
    await app.window.close();
  }, 400_000);

  it('gives a diagnosis to many photographs at once, and to one after the other by keyboard', async () => {
    const samples = await writePhotographs(
      join(folder, 'many'),
      'synthetic:site=1&images=6&seed=5&size=256&split=train',
    );
    const app = await ClinicApp.open(browser, coordinator.url);
    const { page } = app;
    await app.setPassphrase();
    // Without their table: nobody knows a diagnosis yet.
    await page
      .getByTestId('add-files')
      .setInputFiles(samples.map(({ id }) => join(folder, 'many', 'images', `${id}.jpg`)));
    await app.sees('6 photographs, 0 to train on');
    const tiles = page.locator('[data-photograph]');
    const diagnoses = async () =>
      (await tiles.allInnerTexts()).map((text) => text.split('\n')[0]).join(', ');

    await app.button('Select several').click();
    await tiles.nth(0).click();
    await tiles.nth(2).click({ modifiers: ['Shift'] });
    await app.sees('3 selected');
    expect(await seriousBarriers(page)).toEqual([]);
    await app.button('Fill in…').click();
    await page.getByRole('combobox', { name: 'Diagnosis' }).click();
    await page.getByRole('option', { name: /Melanoma/ }).click();
    await page.getByLabel('Age').fill('61');
    await app.button('Fill in for 3 photographs').click();
    await app.sees('6 photographs, 3 to train on');
    // By keyboard alone: the arrows move, the space bar selects, Enter fills in.
    await tiles.nth(3).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowRight');
    await app.sees('2 selected');
    await page.keyboard.press('Enter');
    await app.sees('Fill in for 2 photographs');
    await app.button('Cancel').click();
    await app.button('Done').click();
    expect(await diagnoses()).toBe(
      'Melanoma, Melanoma, Melanoma, No diagnosis, No diagnosis, No diagnosis',
    );

    await tiles.nth(0).click();
    await app.sees('Photograph 1 of 6');
    await page.keyboard.press('n');
    for (const [at, key] of [
      [4, '4'],
      [5, '2'],
      [6, '1'],
    ] as const) {
      await app.sees(`Photograph ${at} of 6`);
      await page.keyboard.press(key);
      await page.keyboard.press('Enter');
    }
    await app.sees('6 photographs, 6 to train on');
    expect(await diagnoses()).toBe(
      'Melanoma, Melanoma, Melanoma, Nevus, Basal cell carcinoma, Actinic keratosis',
    );
    // What many were given beside it is there, too; and what doesn't fit is said, and not saved.
    await tiles.nth(1).click();
    expect(await page.getByLabel('Age').inputValue()).toBe('61');
    await page.getByLabel('Age').fill('200');
    await app.button('Save and close').click();
    await app.sees('Not saved yet. Please correct: Age.');
    await page.getByLabel('Age').fill('62');
    await app.button('Save and close').click();
    await tiles.nth(1).click();
    expect(await page.getByLabel('Age').inputValue()).toBe('62');
    // A part of it takes its place, with all that is known about it.
    await app.button('Crop').click();
    await app.button('Use this part').click();
    await app.sees('takes the place of the photograph');
    await app.button('Save and close').click();
    await app.sees('6 photographs, 6 to train on');
    expect((await diagnoses()).split(', ').toSorted()).toContain('Melanoma');
    await app.window.close();
  }, 200_000);

  it('speaks the language of its browser, names the study before anything is made, and begins above the fold of a phone', async () => {
    const study = await createStudy(coordinator.admin);
    const { invitation } = await coordinator.admin.invite(study, 'Praxis am Hafen', 1);
    for (const [locale, begin, invited] of [
      ['de-AT', 'Beginnen', 'Sie sind zur Studie „Test study“ eingeladen.'],
      ['pt-PT', 'Começar', 'Você recebeu um convite para o estudo “Test study”.'],
      ['es-MX', 'Empezar', 'Tiene una invitación al estudio «Test study».'],
      ['fr-FR', 'Begin', 'You are invited to the study “Test study”.'],
    ] as const) {
      const window = await browser.newContext({ locale, viewport: { width: 390, height: 844 } });
      const page = await window.newPage();
      await page.goto(`${coordinator.url}/clinic/#invitation=${invitation}`);
      await page.getByText(invited).waitFor();
      await page.getByText('Praxis am Hafen').waitFor();
      const { y, height } = (await page
        .getByRole('button', { name: begin, exact: true })
        .boundingBox())!;
      expect([locale, y + height < 844]).toEqual([locale, true]);
      expect(await seriousBarriers(page)).toEqual([]);
      await window.close();
    }
  });

  it('offers a file where the camera is blocked', async () => {
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    await app.button('Camera').click();
    await app.sees('The camera can’t be used here.');
    const [sample] = await writePhotographs(
      join(folder, 'blocked'),
      'synthetic:site=1&images=1&seed=6&size=256&split=train',
    );
    await app.page
      .getByTestId('camera-file')
      .setInputFiles(join(folder, 'blocked', 'images', `${sample!.id}.jpg`));
    await app.sees('The photograph is good.');
    await app.window.close();
  });

  it('locks after a quarter of an hour without use, and after sleep, and goes on with rounds behind the lock', async () => {
    await writePhotographs(
      join(folder, 'idle'),
      'synthetic:site=1&images=6&seed=3&size=256&split=train',
    );
    const app = await ClinicApp.open(browser, coordinator.url);
    await app.setPassphrase();
    await app.importFolder(join(folder, 'idle'));
    await app.page.clock.install();
    await app.page.reload();
    const opens = async (lead: string) => {
      await app.sees(lead);
      expect(await app.page.getByText('6 photographs').count()).toBe(0);
      await app.unlock(PASSPHRASE);
      await app.sees('6 photographs, 6 to train on');
    };
    const [locked, covered] = [
      'Your photographs are encrypted in this browser.',
      'Hidden while you were away. Rounds go on in the background.',
    ];
    await opens(locked);
    for (let i = 1; i <= 3; i++) {
      await app.page.clock.fastForward('14:00');
      await app.page.mouse.move(100 + i, 100);
    }
    await app.sees('6 photographs, 6 to train on');
    await app.page.clock.fastForward('15:10');
    await opens(locked);
    // No timer fires, as when the machine sleeps: the first touch finds it locked.
    await app.page.clock.setSystemTime(Date.now() + 86_400_000);
    await app.page.mouse.move(200, 200);
    await opens(locked);

    const study = await createStudy(coordinator.admin, {
      rounds: 1,
      cohort: { minimum: 1, quorum: 1 },
    });
    await app.go('Take part');
    await app.page
      .getByLabel('Your invitation')
      .fill((await coordinator.admin.invite(study, 'Idle', 1)).invitation);
    await app.page.getByLabel('Name of your clinic').fill('Idle');
    await app.button('Enrol').click();
    await app.sees('Waiting for approval…');
    await app.page.clock.fastForward('15:10');
    await app.sees(covered);
    await coordinator.admin.decide(
      study,
      (await coordinator.admin.study(study)).clinics[0]!.id,
      'approve',
    );
    await coordinator.admin.act(study, 'start');
    const { rounds } = await studyUntil(
      coordinator.admin,
      study,
      ({ status }) => status === 'completed',
      300,
    );
    expect(rounds.at(-1)!.updates).toMatchObject([{ samples: 6 }]);
    await app.sees(covered);
    await app.unlock('Löwenzahn im Sand');
    await app.sees('LENTIGO_PASSPHRASE_WRONG');
    await app.unlock(PASSPHRASE);
    await app.standing('The study has ended');
    await app.window.close();
  }, 400_000);

  it('takes part on WebGPU', async () => {
    await writePhotographs(
      join(folder, 'webgpu'),
      'synthetic:site=1&images=6&seed=3&size=256&split=train',
    );
    const study = await createStudy(coordinator.admin, {
      rounds: 1,
      training: { trainFrom: 'features.3' },
      cohort: { minimum: 1, quorum: 1 },
    });
    const { invitation } = await coordinator.admin.invite(study, 'Graphics', 1);
    const app = await ClinicApp.open(browser, coordinator.url, {
      invitation,
      search: '?engine=webgpu',
    });
    await app.enrol('Graphics');
    await app.importFolder(join(folder, 'webgpu'));
    await coordinator.admin.decide(
      study,
      (await coordinator.admin.study(study)).clinics[0]!.id,
      'approve',
    );
    await app.standing('Connected');
    await coordinator.admin.act(study, 'start');
    const { rounds } = await studyUntil(
      coordinator.admin,
      study,
      ({ status }) => status === 'completed',
      300,
    );
    expect(rounds.at(-1)!.updates).toMatchObject([{ samples: 6 }]);
    await app.go('Take part');
    await app.sees('Trains on the graphics processor');
    await app.window.close();
  }, 400_000);
});
