// A whole study in real browsers with a real coordinator over HTTPS, from the console's form to the
// final model, with two clinics in browsers and one agent; and how the console shows a large study.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { evaluate } from '../../common/evaluation/evaluate.js';
import type { Metrics } from '../../common/evaluation/metrics.js';
import { decodeModel, encodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { createStudent, type Model } from '../../common/model/student.js';
import { parseStudyYaml } from '../../common/protocol/study.js';
import { strings } from '../../coordinator/console/strings/index.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { ClinicApp, selfSigned, writePhotographs } from '../support/clinic-app.js';
import {
  createStudy,
  EVALUATION_DATA,
  nano,
  runCoordinator,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';
import { Member } from '../support/member.js';
import { complaintsOf, openWindow, seriousBarriers } from '../support/pages.js';
import { launch, type Running, succeed } from '../support/processes.js';
import { seedRounds } from '../support/seeded-rounds.js';

const t = strings;
const folder = await temporaryFolder();
const tls = selfSigned(folder);
const missing = noBrowser ?? (tls ? undefined : 'there is no openssl');
const TABS = ['overview', 'results', 'clinics', 'audit', 'downloads', 'report'] as const;

async function signIn(page: Page, { url, token }: TestCoordinator): Promise<void> {
  await page.goto(`${url}/console/`);
  await page.getByLabel(t.signIn.token, { exact: true }).fill(token);
  await page.getByRole('button', { name: t.signIn.button }).click();
  await page.getByRole('button', { name: t.signOut }).waitFor();
}
const tab = (page: Page, name: keyof typeof t.tabs) =>
  page.getByRole('tab', { name: t.tabs[name] }).click();
/** Attached, not visible, because a flat line has no height. */
async function curve(page: Page): Promise<{ points: number }> {
  const line = page.locator('[data-testid=curves] path.recharts-line-curve').first();
  await line.waitFor({ state: 'attached' });
  return { points: (await line.getAttribute('d'))!.split(/[LC]/).length };
}

describe.skipIf(missing)(
  `the console${missing ? ` (skipped: ${missing})` : ''}`,
  { timeout: 300_000 },
  () => {
    let browser: Browser;
    beforeAll(async () => void (browser = await launchBrowser()));
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true });
    });

    describe('a study of two clinics in browsers and one with an agent', () => {
      let coordinator: TestCoordinator;
      let page: Page;
      let complaints: string[];
      let id: string;
      let agent: Running;
      const apps: Record<string, ClinicApp> = {};
      const env = { NODE_EXTRA_CA_CERTS: tls?.cert ?? '' };
      beforeAll(async () => {
        // This process checks behind the page as the administrator; agents and browsers are given
        // the certificate in their own ways.
        process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
        coordinator = await runCoordinator(undefined, 0, { tls });
        page = await (await openWindow(browser)).newPage();
        page.setDefaultTimeout(60_000);
        complaints = complaintsOf(page, coordinator.url);
      });
      afterAll(async () => {
        await agent?.kill('SIGTERM');
        await coordinator?.close();
      });

      it('requires the admin token, which is in no address and in no lasting storage', async () => {
        await page.goto(`${coordinator.url}/console/`);
        expect(await seriousBarriers(page)).toEqual([]);
        await page.getByLabel(t.signIn.token, { exact: true }).fill('not-the-token');
        await page.getByRole('button', { name: t.signIn.button }).click();
        await page.getByText(t.signIn.wrong).waitFor();
        expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
        await signIn(page, coordinator);
        await page.getByText(t.studies.emptyTitle).waitFor();
        expect([
          page.url().includes(coordinator.token),
          await page
            .evaluate('JSON.stringify(localStorage) + document.cookie')
            .then((s) => String(s).includes(coordinator.token)),
        ]).toEqual([false, false]);
        await page.reload();
        await page.getByText(t.studies.emptyTitle).waitFor();
      });

      it('is created through the form, which shows mistakes beside their fields and writes study.yaml', async () => {
        await page.getByRole('link', { name: t.studies.create }).click();
        await page.getByRole('button', { name: t.create.submit }).click();
        const name = page.getByLabel(t.create.fields['name']![0]);
        expect([
          await name.getAttribute('aria-invalid'),
          await name.evaluate((e) => document.activeElement === e),
        ]).toEqual(['true', true]);
        await name.fill('Console study');
        await page.getByLabel(t.create.fields['rounds']![0], { exact: true }).fill('0');
        await page.getByText(t.create.wrong.atLeast('1')).waitFor();
        await page.getByLabel(t.create.fields['rounds']![0], { exact: true }).fill('3');
        for (const field of ['cohort.minimum', 'cohort.quorum'])
          await page.getByLabel(t.create.fields[field]![0]).fill('3');
        await page.getByLabel(t.create.fields['cohort.deadlineSeconds']![0]).fill('600');
        await page.getByText(t.create.model.upload).click();
        const start = {
          name: 'nano.safetensors',
          mimeType: 'application/octet-stream',
          buffer: Buffer.from(encodeModel(nano())),
        };
        await page
          .locator('input[type=file]')
          .setInputFiles({ ...start, buffer: start.buffer.subarray(0, 5000) });
        await page
          .getByRole('alert')
          .getByText(/safetensors|model/i)
          .first()
          .waitFor(); // a cut file is refused, with a reason
        await page.locator('input[type=file]').setInputFiles(start);
        await page.getByText(/Uploaded,/).waitFor();
        await page.getByLabel(t.create.fields['evaluation.data']![0]).fill('/nowhere');
        await page.getByRole('button', { name: t.create.data.check }).click();
        await page
          .getByText(/nowhere/)
          .first()
          .waitFor();
        await page.getByLabel(t.create.fields['evaluation.data']![0]).fill(EVALUATION_DATA);
        await page.getByRole('button', { name: t.create.data.check }).click();
        await page.getByText(/24 photographs/).waitFor();
        await page
          .getByRole('button', { name: new RegExp(t.create.sections['training']!.title) })
          .click();
        await page.getByLabel(t.create.fields['training.trainFrom']![0]).fill('features.3');
        await page.getByLabel(t.create.fields['training.epochs']![0]).fill('1');
        await page.getByLabel(t.create.fields['training.variants']![0]).fill('1');
        complaints.splice(0); // the two refusals
        const [yaml] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: t.download }).click(),
        ]);
        const config = parseStudyYaml(await readFile(await yaml.path(), 'utf8'));
        expect(config).toMatchObject({
          name: 'Console study',
          rounds: 3,
          cohort: { minimum: 3, quorum: 3 },
          model: 'nano.safetensors',
          training: { trainFrom: 'features.3', epochs: 1 },
          evaluation: { data: EVALUATION_DATA },
        });
        await page.getByRole('button', { name: t.create.submit }).click();
        await page.getByText(t.clinic.none).waitFor();
        const [study] = await coordinator.admin.studies();
        id = study!.id;
        expect((await coordinator.admin.study(id)).config).toEqual(config);
      });

      it('invites clinics by a link whose secret is in its fragment, and approves them by the fingerprints that they read out', async () => {
        for (const name of ['North', 'South', 'East']) {
          await page.getByRole('button', { name: t.clinic.invite }).click();
          await page.getByLabel(t.invite.name).fill(name);
          await page.getByRole('button', { name: t.invite.make }).click();
          const link = new URL(
            await page.getByRole('textbox', { name: t.invite.link }).inputValue(),
          );
          expect([link.origin, link.pathname, link.search]).toEqual([
            coordinator.url,
            '/clinic/',
            '',
          ]);
          await page.getByRole('img', { name: t.invite.qr }).waitFor();
          await page.getByRole('dialog').getByRole('button', { name: t.close }).last().click();
          const invitation = link.hash.replace('#invitation=', '');
          const read =
            name === 'East'
              ? await succeed(
                  ['clinic', 'enrol', invitation, '--home', join(folder, name), '--name', name],
                  { env },
                )
              : await (apps[name] = await ClinicApp.open(browser, coordinator.url, {
                  invitation,
                  look: { phone: name === 'South' },
                })).enrol(name);
          // It appears by itself.
          await page.getByTestId('pending').getByRole('button', { name: t.clinic.approve }).click();
          expect(read).toContain(await page.getByTestId('fingerprint').innerText());
          await page.getByRole('button', { name: t.clinic.same }).click();
          await page.getByTestId('clinics').getByText(name).waitFor();
        }
        expect((await coordinator.admin.study(id)).clinics.map((c) => c.state)).toEqual([
          'approved',
          'approved',
          'approved',
        ]);
      });

      it('shows three rounds live: the feed, the clinics, the curves', async () => {
        for (const [i, app] of Object.values(apps).entries()) {
          const photographs = join(folder, `photographs-${i}`);
          await writePhotographs(
            photographs,
            `synthetic:site=${i + 2}&images=12&seed=${i + 1}&size=256&split=train`,
          );
          await app.importFolder(photographs);
          await app.go('Take part');
        }
        await tab(page, 'overview');
        await page.getByText(t.overview.nextStart).waitFor();
        await page.getByRole('button', { name: t.actions.start }).click();
        await page.locator('[data-status=running]').waitFor();
        await page.getByText(t.overview.waiting(2, 3)).waitFor();
        agent = launch(
          [
            'clinic',
            'run',
            '--home',
            join(folder, 'East'),
            '--data',
            'synthetic:site=1&images=12&seed=1&size=64&split=train',
            '--json',
          ],
          { env },
        );
        for (const round of ['Round 1', 'Round 3'])
          await page
            .getByTestId('feed')
            .getByText(t.feed.aggregated(round, 3, 3))
            .waitFor({ timeout: 180_000 });
        for (const name of ['North', 'South', 'East'])
          await page
            .getByTestId('feed')
            .getByText(t.feed.update(name, 'Round 2', '12'))
            .waitFor();
        await page.locator('[data-status=completed]').waitFor({ timeout: 120_000 });
        expect(await agent.ended).toBe(0);
        for (const app of Object.values(apps)) await app.standing('The study has ended');
        // The starting model's point, and one per round.
        expect(await curve(page)).toEqual({ points: 1 + 3 });
        const view = await coordinator.admin.study(id);
        expect(await page.getByTestId('curves').getAttribute('aria-label')).toContain(
          `${view.best!.round === 0 ? 'the start' : `round ${view.best!.round}`} is best`,
        );
        await tab(page, 'results');
        // A round's metrics are fetched when they are viewed.
        await page.locator('table.confusion td').first().waitFor();
        expect(await page.getByTestId('rounds').locator('tbody tr').count()).toBe(4);
        const shown = await page.locator('table.confusion td').allInnerTexts();
        expect(shown.filter((cell) => cell !== '').map(Number)).toEqual(
          view.evaluations.find((e) => e.round === view.best!.round)!.heldout.confusion.flat(),
        );
        expect(complaints).toEqual([]);
      }, 600_000);

      it('gives the best and the last model, whose results on the held-out photographs are the coordinator’s to the last digit; metrics as CSV; the whole audit chain', async () => {
        await tab(page, 'downloads');
        const download = async (name: string) => {
          const [file] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', { name }).click(),
          ]);
          return {
            name: file.suggestedFilename(),
            bytes: new Uint8Array(await readFile(await file.path())),
          };
        };
        const view = await coordinator.admin.study(id);
        const resultOf = (round: number) =>
          view.evaluations.find((e) => e.round === round)!.heldout;
        await useEngine('wasm');
        const { samples } = await openDataset(EVALUATION_DATA, { seed: view.config.seed });
        const measured = (model: Model, { operatingPoint }: Metrics) =>
          evaluate(
            createStudent(model),
            samples.filter((s) => s.split === 'heldout'),
            {
              trainFrom: 'features.3',
              seed: view.config.seed,
              threshold: operatingPoint?.threshold ?? null,
            },
          );
        for (const [which, expected] of [
          ['best', resultOf(view.best!.round)],
          ['last', resultOf(3)],
        ] as const) {
          const { bytes, name } = await download(
            `${t.downloads[which]}: ${t.downloads.safetensors}`,
          );
          expect(name).toBe(`console-study-${which}.safetensors`);
          expect(await measured(decodeModel(bytes), expected)).toEqual(expected);
          const files = unzipSync(
            (await download(`${t.downloads[which]}: ${t.downloads.zip}`)).bytes,
          );
          expect(Object.keys(files).toSorted()).toEqual(
            expect.arrayContaining(['model.json', 'model.safetensors']),
          );
          const unpacked = join(folder, which);
          await mkdir(unpacked);
          for (const [file, content] of Object.entries(files))
            if (file !== 'model.safetensors') await writeFile(join(unpacked, file), content);
          expect(await measured(await loadModel(unpacked), expected)).toEqual(expected);
        }
        const expected = resultOf(view.best!.round);
        const csv = new TextDecoder()
          .decode((await download(t.downloads.csv)).bytes)
          .trim()
          .split('\r\n');
        expect([
          csv.length,
          csv
            .find((row) => row.startsWith(`${view.best!.round},1,heldout,balancedAccuracy,`))
            ?.split(',')[4],
        ]).toEqual([1 + 4 * 2 * 7, String(expected.balancedAccuracy)]);
        await tab(page, 'audit');
        await page.getByRole('button', { name: t.audit.verify }).click();
        await page.getByText(/The chain is whole/).waitFor();
      });

      it('shows the current state after the coordinator was restarted', async () => {
        await tab(page, 'clinics');
        const port = Number(new URL(coordinator.url).port);
        await coordinator.stop();
        await page.getByText(t.offline).waitFor();
        coordinator = await runCoordinator(coordinator.dataDir, port, { tls });
        await page.getByText(t.offline).waitFor({ state: 'detached' });
        const [clinic] = (await coordinator.admin.study(id)).clinics;
        await coordinator.admin.decide(id, clinic!.id, 'revoke');
        await page.getByTestId('clinics').getByText(t.clinic.state.revoked).first().waitFor();
      });

      it.each(['light', 'dark'] as const)(
        'has nothing that axe finds serious, on any page, in %s colours, on a phone too',
        async (scheme) => {
          for (const phone of [false, true]) {
            const window = await openWindow(browser, { scheme, phone });
            const other = await window.newPage();
            await signIn(other, coordinator);
            const found: string[] = [];
            const look = async (name: string) =>
              found.push(...(await seriousBarriers(other)).map((barrier) => `${name}: ${barrier}`));
            await other.getByText('Console study').waitFor();
            await look('studies');
            await other.goto(`${coordinator.url}/console/#/new`);
            await other.getByText('models/start').first().waitFor();
            await look('new');
            for (const name of TABS) {
              await other.goto(`${coordinator.url}/console/#/studies/${id}/${name}`);
              await other.getByText('Console study').first().waitFor();
              if (name === 'results' || name === 'report')
                await other.locator('table.confusion').first().waitFor();
              await look(name);
              expect([
                name,
                await other.evaluate('document.documentElement.scrollWidth <= innerWidth'),
              ]).toEqual([name, true]); // nothing runs off the side
              if (name === 'report') continue;
              const box = (await other.getByRole('tab', { selected: true }).boundingBox())!;
              expect([
                name,
                box.x >= 0 && box.x + box.width <= other.viewportSize()!.width,
              ]).toEqual([name, true]);
            }
            expect(found).toEqual([]);
            await window.close();
          }
        },
      );
    });

    it('shows the progress of an evaluation', async () => {
      const coordinator = await runCoordinator();
      const id = await createStudy(coordinator.admin, {
        data: 'synthetic:site=1&images=100&seed=9&size=256',
      });
      const page = await (await openWindow(browser)).newPage();
      page.setDefaultTimeout(60_000);
      await signIn(page, coordinator);
      await page.goto(`${coordinator.url}/console/#/studies/${id}`);
      await page.getByRole('button', { name: t.actions.start }).click();
      const shown = page.getByText(new RegExp(t.overview.evaluating('([1-9]\\d?)%')));
      const percent = async () => Number(/\d+/.exec(await shown.innerText())![0]);
      const first = await percent();
      expect(
        await page
          .getByRole('progressbar', { name: t.overview.phase.evaluating })
          .getAttribute('aria-valuenow')
          .then(Number),
      ).toBeGreaterThanOrEqual(first);
      await page.getByTestId('curves').waitFor();
      await shown.waitFor({ state: 'detached' });
      await coordinator.close();
    });

    it('shows 50 clinics and 500 rounds at once, and a change to them within moments', async () => {
      const first = await runCoordinator();
      const id = await createStudy(first.admin, { rounds: 1000 });
      const members: Member[] = [];
      for (let i = 0; i < 50; i++)
        members.push(
          await Member.approved(first.admin, id, `Clinic ${String(i + 1).padStart(2, '0')}`),
        );
      await first.stop();
      const attempt = await seedRounds(first.dataDir, {
        study: id,
        clinics: members.map((m) => m.id),
        rounds: 500,
        open: { returned: 20 },
      });
      const coordinator = await runCoordinator(first.dataDir);
      const page = await (await openWindow(browser)).newPage();
      page.setDefaultTimeout(60_000);
      const complaints = complaintsOf(page, coordinator.url);
      await signIn(page, coordinator);
      const timed = async (what: string, work: () => Promise<unknown>) => {
        const began = performance.now();
        await work();
        console.info(
          `50 clinics, 500 rounds: ${what} in ${Math.round(performance.now() - began)} ms`,
        );
      };
      await timed('overview', async () => {
        await page.goto(`${coordinator.url}/console/#/studies/${id}`);
        await curve(page);
      });
      await page.getByText(t.overview.returned(20, 50)).waitFor();
      expect((await curve(page)).points).toBeGreaterThan(500);
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
      await timed('a clinic’s progress', () =>
        page.getByText(`${t.clinic.phase.training}, 37%`).waitFor(),
      );
      expect(complaints).toEqual([]);
      late.close();
      await coordinator.close();
    });
  },
);
