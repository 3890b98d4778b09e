// The clinic's app by itself: how much it loads, without a network, and training on WebGPU.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metadataCsv } from '../../../client/web/photographs/export-zip.js';
import { FIELDS, fieldProblem, type Photograph, trains } from '../../../client/web/photographs/photograph.js';
import { parseTable } from '../../../common/dataset/pad-ufes.js';
import { launchBrowser, noBrowser } from '../../support/browser.js';
import { ClinicApp, PASSPHRASE, writePhotographs } from '../../support/clinic-app.js';
import { createStudy, runCoordinator, studyUntil, temporaryFolder, type TestCoordinator } from '../../support/coordinator.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const photograph = (name: string, fields: Photograph['fields']): Photograph => ({ id: crypto.randomUUID(), name, type: 'image/jpeg', bytes: 1, sha256: '0'.repeat(64), width: 1, height: 1, added: '2026-01-01T00:00:00Z', quality: [], fields });

describe('what is known of photographs', () => {
  it('is exported as a table that reads back the same', () => {
    const fields = { diagnostic: 'MEL', patient_id: 'A, "B"\nC', age: '61', fitspatrick: '4', region: 'BACK', itch: 'True', diameter_1: '6.5' };
    const [row] = parseTable(metadataCsv([photograph('one', fields), photograph('two', { diagnostic: 'NEV' })]), 'metadata.csv');
    expect(Object.fromEntries(FIELDS.flatMap((f) => (row![f] === undefined || row![f] === '' ? [] : [[f, String(row![f])]])))).toEqual(fields);
  });

  it('decides whether one trains: it has a diagnosis, and its table did not keep it apart', () => {
    expect([{}, { diagnostic: 'XXX' }, { diagnostic: 'MEL' }, { diagnostic: 'MEL', split: 'train' }, { diagnostic: 'MEL', split: 'heldout' }].map((fields) => trains(photograph('p', fields)))).toEqual([false, false, true, true, false]);
  });

  it('is checked as a table is: an age of 200 and a seventh skin type do not fit', () => {
    expect([fieldProblem('age', '200'), fieldProblem('fitspatrick', '7')].every((problem) => problem !== undefined)).toBe(true);
    expect([fieldProblem('age', '61'), fieldProblem('fitspatrick', '6'), fieldProblem('age', '')]).toEqual([undefined, undefined, undefined]);
  });
});

it('the whole app is less than 2 MB as it travels', async () => {
  const root = join(PACKAGE_ROOT, 'dist/web/clinic');
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = new Map(await Promise.all(files.map(async (file) => [file, (await stat(file)).size] as const)));
  // A browser takes one of the two WASM modules, the one with SIMD.
  const loaded = files.filter((file) => !/\.(gz|br)$/.test(file) && !/tfjs-backend-wasm-(?!simd)[^/]*\.wasm$/.test(file));
  const bytes = loaded.reduce((sum, file) => sum + (sizes.get(`${file}.br`) ?? sizes.get(file)!), 0);
  expect(loaded.some((file) => /simd[^/]*\.wasm$/.test(file))).toBe(true);
  console.log(`the clinic's app: ${(bytes / 1e6).toFixed(2)} MB compressed`);
  expect(bytes).toBeLessThan(2_000_000);
});

describe.skipIf(noBrowser)(`in a browser${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  let coordinator: TestCoordinator;
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    [coordinator, browser, folder] = await Promise.all([runCoordinator(), launchBrowser(), temporaryFolder()]);
  });
  afterAll(async () => {
    await browser?.close();
    await coordinator?.close();
    await rm(folder, { recursive: true });
  });

  it('opens and shows its photographs without a network', async () => {
    await writePhotographs(join(folder, 'offline'), 'synthetic:site=1&images=3&seed=3&size=256&split=train');
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

  it('takes part on WebGPU', async () => {
    await writePhotographs(join(folder, 'webgpu'), 'synthetic:site=1&images=6&seed=3&size=256&split=train');
    const study = await createStudy(coordinator.admin, { rounds: 1, training: { trainFrom: 'features.3' }, cohort: { minimum: 1, quorum: 1 } });
    const { invitation } = await coordinator.admin.invite(study, 'Graphics', 1);
    const app = await ClinicApp.open(browser, coordinator.url, { invitation, search: '?engine=webgpu' });
    await app.enrol('Graphics');
    await app.importFolder(join(folder, 'webgpu'));
    await coordinator.admin.decide(study, (await coordinator.admin.study(study)).clinics[0]!.id, 'approve');
    await app.standing('Connected');
    await coordinator.admin.act(study, 'start');
    const { rounds } = await studyUntil(coordinator.admin, study, ({ status }) => status === 'completed', 300);
    expect(rounds.at(-1)!.updates).toMatchObject([{ samples: 6 }]);
    await app.go('Take part');
    await app.sees('Trains on the graphics processor');
    await app.window.close();
  }, 400_000);
});
