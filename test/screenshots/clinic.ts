// The clinic's app, with synthetic lesions: in a study of the starting model, and in one whose
// training takes a while.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { ClinicApp, writePhotographs } from '../support/clinic-app.js';
import { createStudy, runCoordinator, temporaryFolder } from '../support/coordinator.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Shot } from './capture.js';

const NAME = 'Praxis am Hafen';

/**
 * Prepares the studies.
 * @returns the shots, and a function that ends what they need
 */
export async function clinicShots(): Promise<{ shots: Shot[]; close: () => Promise<void> }> {
  const coordinator = await runCoordinator();
  const folder = await temporaryFolder();
  const { admin, url } = coordinator;
  const samples = await writePhotographs(
    folder,
    'synthetic:site=0&images=20&seed=12&size=480&split=train',
  );
  const photograph = join(folder, 'images', `${samples[2]!.id}.jpg`);
  const cohort = { minimum: 1, quorum: 1, deadlineSeconds: 1800 };
  const large = async () => {
    const config = StudyConfig.parse({
      name: 'Smartphone lesions, five clinics',
      model: 'models/start',
      rounds: 30,
      cohort,
      evaluation: { data: 'synthetic:site=1&images=24&seed=9&size=64' },
    });
    return (
      await admin.createStudy({
        config,
        start: await admin.uploadModel(
          encodeModel(await loadModel(`${PACKAGE_ROOT}/models/start`)),
        ),
      })
    ).id;
  };
  const small = () =>
    createStudy(admin, { rounds: 30, training: { trainFrom: 'features.0', epochs: 60 }, cohort });

  const open = async (page: Page, hash = '') => {
    page.setDefaultTimeout(180_000);
    await page.goto(`${url}/clinic/${hash}`);
    return new ClinicApp(page);
  };
  const enrolled = async (page: Page, study: string) => {
    const app = await open(page, `#invitation=${(await admin.invite(study, NAME, 72)).invitation}`);
    await app.enrol(NAME);
    return app;
  };
  const atWork = async (page: Page, study: string) => {
    const app = await enrolled(page, study);
    await app.importFolder(folder);
    await admin.decide(study, (await admin.study(study)).clinics[0]!.id, 'approve');
    await app.go('Take part');
    await app.standing('Connected');
    await admin.act(study, 'start');
    await page
      .getByTestId('phase')
      .filter({ hasText: /Preparing|Training/ })
      .waitFor();
    return app;
  };
  const collected = async (page: Page) => {
    const app = await open(page);
    await app.setPassphrase();
    await app.importFolder(folder);
    await page
      .getByRole('alert')
      .or(page.locator('.mantine-Alert-root'))
      .getByRole('button')
      .click();
    await page.locator('li img').nth(3).waitFor();
    return app;
  };

  const shots: Shot[] = [
    {
      name: 'welcome',
      show: async (page) =>
        void (await open(
          page,
          `#invitation=${(await admin.invite(await small(), NAME, 72)).invitation}`,
        )),
    },
    { name: 'fingerprint', show: async (page) => void (await enrolled(page, await small())) },
    { name: 'photographs', show: async (page) => void (await collected(page)) },
    {
      name: 'photograph',
      show: async (page) => {
        await collected(page);
        await page.locator('li button').nth(3).click();
        await page.getByRole('dialog').locator('img').waitFor();
      },
    },
    {
      name: 'rounds',
      show: async (page) => {
        await atWork(page, await small());
        await page.getByTestId('phase').filter({ hasText: 'Training' }).waitFor();
        await page.getByText(/ left$/).waitFor();
      },
    },
    {
      name: 'predict',
      show: async (page) => {
        const app = await atWork(page, await large());
        await app.button('Pause').click();
        await app.standing('Paused');
        await app.go('Predict');
        await page.getByTestId('predict-file').setInputFiles(photograph);
        await page.getByTestId('probabilities').waitFor();
        await page.evaluate('window.scrollTo(0, 0)');
      },
    },
  ];
  return {
    shots: shots.map((shot) => ({ ...shot, name: `clinic-${shot.name}` })),
    close: async () => {
      await coordinator.close();
      await rm(folder, { recursive: true });
    },
  };
}
