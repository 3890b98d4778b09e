// The console in a real browser on a real coordinator: a study from its form to its model, with agents as processes of their own; and what it makes of a large one.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { evaluate } from '../../common/learning/evaluate.js';
import { decodeModel, encodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { createStudent } from '../../common/model/student.js';
import { parseStudyYaml } from '../../common/protocol/study.js';
import { strings } from '../../coordinator/console/strings.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { createStudy, EVALUATION_DATA, nano, runCoordinator, temporaryFolder, type TestCoordinator } from '../support/coordinator.js';
import { Member } from '../support/member.js';
import { complaintsOf, openWindow, seriousBarriers } from '../support/pages.js';
import { launch, succeed } from '../support/processes.js';
import { seedRounds } from '../support/seeded-rounds.js';

const t = strings;
const TABS = ['overview', 'results', 'clinics', 'audit', 'downloads', 'report'] as const;

async function signIn(page: Page, { url, token }: TestCoordinator): Promise<void> {
  await page.goto(`${url}/console/`);
  await page.getByLabel(t.signIn.token, { exact: true }).fill(token);
  await page.getByRole('button', { name: t.signIn.button }).click();
  await page.getByRole('button', { name: t.signOut }).waitFor();
}
const tab = (page: Page, name: keyof typeof t.tabs) => page.getByRole('tab', { name: t.tabs[name] }).click();
/** Attached, not visible: a flat line has no height. */
const curve = (page: Page) => page.locator('[data-testid=curves] path.recharts-line-curve').first().waitFor({ state: 'attached' });

describe.skipIf(noBrowser)(`the console${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, { timeout: 300_000 }, () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    [browser, folder] = await Promise.all([launchBrowser(), temporaryFolder()]);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  describe('a study of two clinics', () => {
    let coordinator: TestCoordinator;
    let page: Page;
    let complaints: string[];
    let id: string;
    beforeAll(async () => {
      coordinator = await runCoordinator();
      page = await (await openWindow(browser)).newPage();
      page.setDefaultTimeout(60_000);
      complaints = complaintsOf(page, coordinator.url);
    });
    afterAll(() => coordinator?.close());

    it('lets in only who has the admin token, which is in no address and no lasting storage', async () => {
      await page.goto(`${coordinator.url}/console/`);
      expect(await seriousBarriers(page)).toEqual([]);
      await page.getByLabel(t.signIn.token, { exact: true }).fill('not-the-token');
      await page.getByRole('button', { name: t.signIn.button }).click();
      await page.getByText(t.signIn.wrong).waitFor();
      expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
      await signIn(page, coordinator);
      await page.getByText(t.studies.emptyTitle).waitFor();
      expect([page.url().includes(coordinator.token), await page.evaluate('JSON.stringify(localStorage) + document.cookie').then((s) => String(s).includes(coordinator.token))]).toEqual([false, false]);
      await page.reload();
      await page.getByText(t.studies.emptyTitle).waitFor();
    });

    it('is created through the form, which names mistakes beside their fields and writes study.yaml', async () => {
      await page.getByRole('link', { name: t.studies.create }).click();
      await page.getByRole('button', { name: t.create.submit }).click();
      const name = page.getByLabel(t.create.fields['name']![0]);
      expect([await name.getAttribute('aria-invalid'), await name.evaluate((e) => document.activeElement === e)]).toEqual(['true', true]);
      await name.fill('Console study');
      await page.getByLabel(t.create.fields['rounds']![0], { exact: true }).fill('0');
      await page.getByText(/>=1/).waitFor();
      await page.getByLabel(t.create.fields['rounds']![0], { exact: true }).fill('2');
      await page.getByLabel(t.create.fields['cohort.deadlineSeconds']![0]).fill('600');
      await page.getByText(t.create.model.upload).click();
      const start = { name: 'nano.safetensors', mimeType: 'application/octet-stream', buffer: Buffer.from(encodeModel(nano())) };
      await page.locator('input[type=file]').setInputFiles({ ...start, buffer: start.buffer.subarray(0, 5000) });
      await page.getByRole('alert').getByText(/safetensors|model/i).first().waitFor(); // a cut file is refused, with a reason
      await page.locator('input[type=file]').setInputFiles(start);
      await page.getByText(/Uploaded,/).waitFor();
      await page.getByLabel(t.create.fields['evaluation.data']![0]).fill('/nowhere');
      await page.getByRole('button', { name: t.create.data.check }).click();
      await page.getByText(/nowhere/).first().waitFor();
      await page.getByLabel(t.create.fields['evaluation.data']![0]).fill(EVALUATION_DATA);
      await page.getByRole('button', { name: t.create.data.check }).click();
      await page.getByText(/24 photographs/).waitFor();
      await page.getByRole('button', { name: new RegExp(t.create.sections['training']!.title) }).click();
      await page.getByLabel(t.create.fields['training.trainFrom']![0]).fill('features.3');
      await page.getByLabel(t.create.fields['training.epochs']![0]).fill('1');
      await page.getByLabel(t.create.fields['training.variants']![0]).fill('1');
      complaints.splice(0); // the two refusals
      const [yaml] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: t.download }).click()]);
      const config = parseStudyYaml(await readFile(await yaml.path(), 'utf8'));
      expect(config).toMatchObject({ name: 'Console study', rounds: 2, model: 'nano.safetensors', training: { trainFrom: 'features.3', epochs: 1 }, evaluation: { data: EVALUATION_DATA } });
      await page.getByRole('button', { name: t.create.submit }).click();
      await page.getByText(t.clinic.none).waitFor();
      const [study] = await coordinator.admin.studies();
      id = study!.id;
      expect((await coordinator.admin.study(id)).config).toEqual(config);
    });

    it('invites clinics by a link whose secret is in its fragment, and approves them by their fingerprints', async () => {
      for (const name of ['North', 'South']) {
        await page.getByRole('button', { name: t.clinic.invite }).click();
        await page.getByLabel(t.invite.name).fill(name);
        await page.getByRole('button', { name: t.invite.make }).click();
        const link = new URL(await page.getByRole('textbox', { name: t.invite.link }).inputValue());
        expect([link.origin, link.pathname, link.search]).toEqual([coordinator.url, '/clinic/', '']);
        await page.getByRole('img', { name: t.invite.qr }).waitFor();
        await page.getByRole('dialog').getByRole('button', { name: t.close }).last().click();
        const enrolled = await succeed(['clinic', 'enrol', link.hash.replace('#invitation=', ''), '--home', join(folder, name), '--name', name]);
        await page.getByTestId('pending').getByRole('button', { name: t.clinic.approve }).click(); // it appears by itself
        const shown = await page.getByTestId('fingerprint').innerText();
        expect(enrolled).toContain(shown);
        await page.getByRole('button', { name: t.clinic.same }).click();
        await page.getByTestId('clinics').getByText(name).waitFor();
      }
      expect((await coordinator.admin.study(id)).clinics.map((c) => c.state)).toEqual(['approved', 'approved']);
    });

    it('runs with real agents before one’s eyes: the feed, the clinics, the curves', async () => {
      await tab(page, 'overview');
      await page.getByText(t.overview.nextStart).waitFor();
      await page.getByRole('button', { name: t.actions.start }).click();
      await page.locator('[data-status=running]').waitFor();
      await page.getByText(t.overview.waiting(0, 2)).waitFor();
      const agents = ['North', 'South'].map((name, i) => launch(['clinic', 'run', '--home', join(folder, name), '--data', `synthetic:site=${i + 1}&images=12&seed=${i + 1}&size=64&split=train`, '--json']));
      await page.getByTestId('feed').getByText(t.feed.aggregated('Round 1', 2, 2)).waitFor({ timeout: 180_000 });
      await page.getByTestId('feed').getByText(t.feed.update('North', 'Round 1', '12')).waitFor();
      await page.locator('[data-status=completed]').waitFor({ timeout: 120_000 });
      expect(await Promise.all(agents.map((a) => a.ended))).toEqual([0, 0]);
      await curve(page);
      const view = await coordinator.admin.study(id);
      expect(await page.getByTestId('curves').getAttribute('aria-label')).toContain(`round ${view.best!.round} is best`);
      await tab(page, 'results');
      await page.locator('table.confusion td').first().waitFor(); // a round's metrics are fetched when they are looked at
      expect(await page.getByTestId('rounds').locator('tbody tr').count()).toBe(3);
      const shown = await page.locator('table.confusion td').allInnerTexts();
      expect(shown.filter((cell) => cell !== '').map(Number)).toEqual(view.evaluations.find((e) => e.round === view.best!.round)!.heldout.confusion.flat());
      expect(complaints).toEqual([]);
    });

    it('gives the best model, whose predictions are the coordinator’s to the last digit; metrics as CSV; the whole audit chain', async () => {
      await tab(page, 'downloads');
      const download = async (name: string) => {
        const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
        return { name: file.suggestedFilename(), bytes: new Uint8Array(await readFile(await file.path())) };
      };
      const { bytes, name } = await download(`${t.downloads.best}: ${t.downloads.safetensors}`);
      expect(name).toBe('console-study-best.safetensors');
      const view = await coordinator.admin.study(id);
      const expected = view.evaluations.find((e) => e.round === view.best!.round)!.heldout;
      await useEngine('wasm');
      const model = decodeModel(bytes);
      const { samples } = await openDataset(EVALUATION_DATA, { labels: model.labels, seed: view.config.seed });
      expect(await evaluate(createStudent(model), samples.filter((s) => s.split === 'heldout'), { trainFrom: 'features.3', seed: view.config.seed })).toEqual(expected);
      const zip = await download(`${t.downloads.last}: ${t.downloads.zip}`);
      const files = unzipSync(zip.bytes);
      expect(Object.keys(files).toSorted()).toEqual(expect.arrayContaining(['model.json', 'model.safetensors']));
      for (const [file, content] of Object.entries(files)) if (file !== 'model.safetensors') await writeFile(join(folder, file), content);
      expect((await loadModel(folder)).parameters.values).toEqual(decodeModel(await coordinator.admin.model(id, 'last')).parameters.values);
      const csv = new TextDecoder().decode((await download(t.downloads.csv)).bytes).trim().split('\r\n');
      expect([csv.length, csv.find((row) => row.startsWith(`${view.best!.round},1,heldout,balancedAccuracy,`))?.split(',')[4]]).toEqual([1 + 3 * 2 * 7, String(expected.balancedAccuracy)]);
      await tab(page, 'audit');
      await page.getByRole('button', { name: t.audit.verify }).click();
      await page.getByText(/The chain is whole/).waitFor();
    });

    it('shows the truth again after the coordinator was stopped and started', async () => {
      await tab(page, 'clinics');
      const port = Number(new URL(coordinator.url).port);
      await coordinator.stop();
      await page.getByText(t.offline).waitFor();
      coordinator = await runCoordinator(coordinator.dataDir, port);
      await page.getByText(t.offline).waitFor({ state: 'detached' });
      const [clinic] = (await coordinator.admin.study(id)).clinics;
      await coordinator.admin.decide(id, clinic!.id, 'revoke');
      await page.getByTestId('clinics').getByText(t.clinic.state.revoked).first().waitFor();
    });

    it.each(['light', 'dark'] as const)('has nothing that axe finds serious, on any page, in %s colours, on a phone too', async (scheme) => {
      for (const phone of [false, true]) {
        const window = await openWindow(browser, { scheme, phone });
        const other = await window.newPage();
        await signIn(other, coordinator);
        const found: string[] = [];
        const look = async (name: string) => found.push(...(await seriousBarriers(other)).map((barrier) => `${name}: ${barrier}`));
        await other.getByText('Console study').waitFor();
        await look('studies');
        await other.goto(`${coordinator.url}/console/#/new`);
        await other.getByText('models/start').first().waitFor();
        await look('new');
        for (const name of TABS) {
          await other.goto(`${coordinator.url}/console/#/studies/${id}/${name}`);
          await other.getByText('Console study').first().waitFor();
          if (name === 'results' || name === 'report') await other.locator('table.confusion').first().waitFor();
          await look(name);
          expect([name, await other.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([name, true]); // nothing runs off the side
        }
        expect(found).toEqual([]);
        await window.close();
      }
    });
  });

  it('shows 50 clinics and 500 rounds at once, and a change to them within a moment', async () => {
    const first = await runCoordinator();
    const id = await createStudy(first.admin, { rounds: 1000 });
    const members: Member[] = [];
    for (let i = 0; i < 50; i++) members.push(await Member.approved(first.admin, id, `Clinic ${String(i + 1).padStart(2, '0')}`));
    await first.stop();
    const attempt = await seedRounds(first.dataDir, { study: id, clinics: members.map((m) => m.id), rounds: 500, open: { returned: 20 } });
    const coordinator = await runCoordinator(first.dataDir);
    const page = await (await openWindow(browser)).newPage();
    page.setDefaultTimeout(60_000);
    const complaints = complaintsOf(page, coordinator.url);
    await signIn(page, coordinator);
    const timed = async (what: string, work: () => Promise<unknown>) => {
      const began = performance.now();
      await work();
      console.info(`50 clinics, 500 rounds: ${what} in ${Math.round(performance.now() - began)} ms`);
    };
    await timed('overview', async () => {
      await page.goto(`${coordinator.url}/console/#/studies/${id}`);
      await curve(page);
    });
    await page.getByText(t.overview.returned(20, 50)).waitFor();
    expect(await page.locator('[data-testid=curves] path.recharts-line-curve').first().getAttribute('d').then((d) => d!.split(/[LC]/).length)).toBeGreaterThan(500);
    await timed('results', async () => {
      await tab(page, 'results');
      await page.locator('table.confusion').waitFor();
    });
    await timed('clinics', async () => {
      await tab(page, 'clinics');
      await page.getByText('Clinic 50').waitFor();
    });
    members[49]!.close();
    const late = Object.assign(members[49]!, { url: coordinator.url });
    await late.join();
    late.tell('progress', { round: 501, attempt, phase: 'training', fraction: 0.37 });
    await timed('a clinic’s progress', () => page.getByText(`${t.clinic.phase.training}, 37%`).waitFor());
    expect(complaints).toEqual([]);
    late.close();
    await coordinator.close();
  });
});
