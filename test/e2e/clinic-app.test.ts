// The clinic's app in Chromium with a real coordinator, over HTTPS: two browsers and one Node agent
// take part in a study; with reload, network cut, revocation, wrong passphrase, and a hundred
// photographs.
import { readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '../../common/dataset/sample.js';
import { fingerprint } from '../../common/crypto/identity.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { ClinicApp, PASSPHRASE, selfSigned, writePhotographs } from '../support/clinic-app.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';
import { seriousBarriers } from '../support/pages.js';
import { clinicRows } from '../support/tables.js';
import { launch, type Running, succeed } from '../support/processes.js';

const folder = await temporaryFolder();
const tls = selfSigned(folder);
const missing = noBrowser ?? (tls ? undefined : 'there is no openssl');

/** Every byte that the app stores, as text in which an ASCII word can be found. */
const STORED = `new Promise((resolve, reject) => {
  const request = indexedDB.open('lentigo-clinic');
  request.onerror = reject;
  request.onsuccess = () => {
    const store = request.result.transaction('files').objectStore('files');
    let text = '';
    store.openCursor().onsuccess = ({ target: { result } }) => {
      if (!result) return resolve(text);
      text += JSON.stringify(result.key) + new TextDecoder('latin1').decode(result.value);
      result.continue();
    };
  };
})`;

describe.skipIf(missing)(`the clinic's app${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let coordinator: TestCoordinator;
  let browser: Browser;
  let study: string;
  let north: ClinicApp;
  let south: ClinicApp;
  let east: Running;
  let photographs: readonly Sample[];
  const at = (name: string) => join(folder, name);
  const invite = async (name: string, of = study) =>
    (await coordinator.admin.invite(of, name, 1)).invitation;
  const approve = async (name: string) => {
    const clinic = (await coordinator.admin.study(study)).clinics.find((c) => c.name === name)!;
    await coordinator.admin.decide(study, clinic.id, 'approve');
    return clinic;
  };

  beforeAll(async () => {
    // This process is also the administrator; agents and browsers are given the certificate in
    // their own ways.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    coordinator = await runCoordinator(undefined, 0, { tls });
    study = await createStudy(coordinator.admin, {
      rounds: 3,
      training: { trainFrom: 'features.3' },
      cohort: { minimum: 3, quorum: 3 },
      updates: { maxSamples: 1000 },
    });
    browser = await launchBrowser();
    photographs = await writePhotographs(
      at('north'),
      'synthetic:site=1&images=100&seed=3&size=256&split=train',
    );
    await writePhotographs(at('south'), 'synthetic:site=2&images=8&seed=4&size=256&split=train');
    await succeed(
      ['clinic', 'enrol', await invite('East'), '--home', at('east'), '--name', 'East'],
      { env: { NODE_EXTRA_CA_CERTS: tls!.cert } },
    );
    east = launch(
      [
        'clinic',
        'run',
        '--home',
        at('east'),
        '--data',
        'synthetic:site=3&images=8&seed=1&size=64&split=train',
        '--json',
      ],
      { env: { NODE_EXTRA_CA_CERTS: tls!.cert } },
    );
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await east?.kill('SIGTERM');
    await coordinator?.close();
    await rm(folder, { recursive: true });
  });

  it('enrols with the link of an invitation, shows the fingerprint that the coordinator sees, and goes on by itself once it is approved', async () => {
    north = await ClinicApp.open(browser, coordinator.url, { invitation: await invite('North') });
    await north.sees('What never leaves it');
    expect(await seriousBarriers(north.page)).toEqual([]);
    const read = await north.enrol('North');
    await north.sees('Waiting for approval…');
    expect(await seriousBarriers(north.page)).toEqual([]);
    expect(new URL(north.page.url()).hash).not.toContain('invitation');
    const clinic = await approve('North');
    expect(read).toBe(fingerprint(clinic.id));
    await approve('East');
    await north.standing('Connected');
  });

  it('enrols with a pasted link, too, and says what is wrong with a truncated one', async () => {
    south = await ClinicApp.open(browser, coordinator.url, {
      look: { phone: true, scheme: 'dark' },
    });
    await south.setPassphrase();
    await south.go('Take part');
    const invitation = await invite('South');
    await south.page.getByLabel('Your invitation').fill(invitation.slice(0, -30));
    await south.sees(/not a whole invitation/);
    await south.page
      .getByLabel('Your invitation')
      .fill(`${coordinator.url}/clinic/#invitation=${invitation}`);
    await south.page.getByLabel('Name of your clinic').fill('South');
    await south.button('Enrol').click();
    await south.sees('Waiting for approval…');
    expect(await seriousBarriers(south.page)).toEqual([]);
    await approve('South');
    await south.standing('Connected');
  });

  it('imports a folder of a hundred photographs whole, names what it can’t take, and takes nothing twice', async () => {
    const [damaged, gone] = [photographs[7]!.id, photographs[8]!.id];
    const whole = await readFile(at(`north/images/${damaged}.jpg`));
    await writeFile(at(`north/images/${damaged}.jpg`), whole.subarray(0, 20));
    const moved = await readFile(at(`north/images/${gone}.jpg`));
    await unlink(at(`north/images/${gone}.jpg`));
    await north.importFolder(at('north'));
    await north.sees('98 photographs added');
    await north.sees(new RegExp(`${damaged}.*can't be read`));
    await north.sees(new RegExp(`The table names ${gone}`));
    await writeFile(at(`north/images/${damaged}.jpg`), whole);
    await writeFile(at(`north/images/${gone}.jpg`), moved);
    await north.importFolder(at('north'));
    await north.sees('98 photographs were here already.');
    await north.sees('100 photographs, 100 to train on');
    expect(await seriousBarriers(north.page)).toEqual([]);
  }, 300_000);

  it('stores nothing readable in the browser: no picture, no name, no diagnosis, no key', async () => {
    const stored = await north.page.evaluate<string>(STORED);
    expect(stored.length).toBeGreaterThan(500_000);
    for (const secret of [
      'JFIF',
      'secretKey',
      'diagnostic',
      'FOREARM',
      photographs[0]!.patient,
      photographs[0]!.id,
      'North',
      PASSPHRASE,
    ])
      expect(stored.includes(secret), secret).toBe(false);
  });

  it('takes photographs one by one, with the reason when one is poor, and lets them be described and deleted', async () => {
    const [first, second] = (
      await writePhotographs(
        at('south-more'),
        'synthetic:site=2&images=2&seed=9&size=256&split=train',
      )
    ).map(({ id }) => at(`south-more/images/${id}.jpg`));
    await writePhotographs(at('small'), 'synthetic:site=2&images=1&seed=9&size=64');
    await south.go('Photographs');
    await south.page.getByTestId('add-files').setInputFiles(first!);
    await south.sees('The photograph is good.');
    await south.page.getByRole('combobox', { name: 'Diagnosis' }).click();
    await south.page.getByRole('option', { name: /Melanoma/ }).click();
    expect(await seriousBarriers(south.page)).toEqual([]);
    await south.button('Save').click();
    await south.sees('1 photograph, 1 to train on');
    await south.page
      .getByTestId('add-files')
      .setInputFiles([
        second!,
        ...(await writePhotographs(at('small'), 'synthetic:site=2&images=1&seed=9&size=64')).map(
          ({ id }) => at(`small/images/${id}.jpg`),
        ),
      ]);
    await south.sees(/1 photograph added/);
    await south.sees(/too small/);
    await south.button(/^No diagnosis/).click();
    await south.button('Delete').click();
    await south.button('Delete').click();
    await south.sees('1 photograph, 1 to train on');
    // The rest of this clinic's photographs, each with its known diagnosis.
    for (const i of [0, 1, 2, 3, 4]) {
      const { id } = (
        await writePhotographs(
          at(`south-${i}`),
          `synthetic:site=2&images=1&seed=${20 + i}&size=256&split=train`,
        )
      )[0]!;
      await south.page.getByTestId('add-files').setInputFiles(at(`south-${i}/images/${id}.jpg`));
      await south.page.getByRole('combobox', { name: 'Diagnosis' }).click();
      await south.page.getByRole('option').nth(i).click();
      await south.button('Save').click();
      await south.sees(`${i + 2} photographs, ${i + 2} to train on`);
    }
  }, 300_000);

  it('takes part in three rounds beside an agent; a reload in mid-training, a wrong passphrase and a cut network lose nothing', async () => {
    await north.go('Take part');
    await south.go('Take part');
    await coordinator.admin.act(study, 'start');
    await north.page
      .getByTestId('phase')
      .filter({ hasText: /Preparing|Training/ })
      .waitFor();
    await north.page.reload();
    await north.unlock('Löwenzahn im Sand');
    await north.sees('LENTIGO_PASSPHRASE_WRONG');
    await south.window.setOffline(true);
    await south.standing('No connection');
    await north.unlock(PASSPHRASE);
    await north.go('Take part');
    await south.window.setOffline(false);
    const view = await studyUntil(
      coordinator.admin,
      study,
      ({ status }) => status === 'completed',
      400,
    );
    const rounds = view.rounds.filter((r) => r.number > 0 && r.phase === 'closed');
    expect(rounds.map((r) => [r.number, r.updates.length])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(await east.ended).toBe(0);

    const clinic = view.clinics.find(({ name }) => name === 'North')!.id;
    await north.standing('The study has ended');
    const rows = north.page.getByTestId('sent').locator('> li');
    await rows.nth(2).waitFor();
    for (const row of await rows.all()) await row.getByRole('button', { name: 'Details' }).click();
    const sent = await rows.allInnerTexts();
    expect(sent).toHaveLength(3);
    for (const { number, updates } of rounds) {
      const { sha256, samples } = updates.find((update) => update.clinic === clinic)!;
      expect(sent.find((row) => row.includes(sha256))).toMatch(
        new RegExp(`^Round ${number}\\s+${samples} photographs`),
      );
      expect(samples).toBe(100);
    }
  }, 600_000);

  it("predicts with the labels' names and a heat map, before and after its own training, and says that this is no diagnosis", async () => {
    await north.go('Predict');
    await north.sees(/Not a diagnosis/);
    await north.page
      .getByTestId('predict-file')
      .setInputFiles(at(`north/images/${photographs[0]!.id}.jpg`));
    const shares = async () =>
      (await north.page.getByTestId('probabilities').innerText())
        .match(/[\d.]+(?=%)/g)!
        .map(Number);
    const before = await shares();
    expect(before).toHaveLength(6);
    expect(before.reduce((a, b) => a + b)).toBeGreaterThan(97);
    expect(before.reduce((a, b) => a + b)).toBeLessThan(103);
    expect(await seriousBarriers(north.page)).toEqual([]);
    // The study is over: its best and its last model, as its console labels them.
    const { best } = await coordinator.admin.study(study);
    const name = (round: number) => (round === 0 ? 'the starting model' : `round ${round}`);
    await north.page
      .getByTestId('model-name')
      .filter({ hasText: `Best: ${name(best!.round)}, by balanced accuracy on validation` })
      .waitFor();
    await north.sees(/Measured by the study coordinator on \d+ photographs/);
    await north.page
      .getByText(`Last: ${name(3)}`)
      .first()
      .click();
    await north.page.getByTestId('malignancy').waitFor();
    await north.page.getByText('After your training in round 3').first().click();
    await north.sees('How good it is, nobody measured');
    await north.page.getByTestId('malignancy').waitFor();
    expect(await shares()).toHaveLength(6);
  });

  it('exports what a person can read and this app can import, and forgets everything when it is told to', async () => {
    await north.go('Settings');
    expect(await seriousBarriers(north.page)).toEqual([]);
    const [download] = await Promise.all([
      north.page.waitForEvent('download'),
      north.button('Export all photographs').click(),
    ]);
    const files = unzipSync(await readFile(await download.path()));
    const { rows } = await clinicRows(files['metadata.csv']!);
    expect(
      rows
        .map(({ id, diagnosis, patient, fitzpatrick }) =>
          [id, diagnosis, patient, fitzpatrick].join(),
        )
        .toSorted(),
    ).toEqual(
      photographs
        .map(({ id, label, patient, fitzpatrick }) => [id, label, patient, fitzpatrick].join())
        .toSorted(),
    );
    for (const { id } of photographs)
      expect(
        Buffer.from(files[`images/${id}.jpg`]!).equals(
          await readFile(at(`north/images/${id}.jpg`)),
        ),
      ).toBe(true);

    await north.button('Delete everything').click();
    await north.page.getByLabel('Type DELETE to confirm').fill('DELETE');
    await north.page.getByRole('dialog').getByRole('button', { name: 'Delete everything' }).click();
    await north.sees('Learn together. Photographs stay here.');
    expect(
      await north.page.evaluate(
        'indexedDB.databases().then((all) => Promise.all(all.map(({ name }) => new Promise((resolve) => { const r = indexedDB.open(name); r.onsuccess = () => { const db = r.result; resolve([...db.objectStoreNames].length ? new Promise((done) => { const c = db.transaction("files").objectStore("files").count(); c.onsuccess = () => done(c.result); }) : 0); }; })))).then((counts) => counts.reduce((a, b) => a + b, 0))',
      ),
    ).toBe(0);
  });

  it('shows the error code when it is revoked, and keeps its photographs', async () => {
    const other = await createStudy(coordinator.admin);
    const app = await ClinicApp.open(browser, coordinator.url, {
      invitation: await invite('Gone', other),
    });
    await app.enrol('Gone');
    const { id } = (await coordinator.admin.study(other)).clinics[0]!;
    await coordinator.admin.decide(other, id, 'approve');
    await app.standing('Connected');
    await coordinator.admin.decide(other, id, 'revoke');
    await app.standing('Stopped');
    await app.sees('LENTIGO_CLINIC_REVOKED');
    await app.go('Photographs');
    await app.sees('Your first photograph');
    await app.window.close();
  });
});
