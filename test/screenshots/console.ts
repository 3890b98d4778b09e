// The console's pages, on a coordinator with a study of five clinics in its thirteenth round.
import type { Page } from 'playwright-core';
import { loadModel } from '../../common/model/folder.node.js';
import { encodeModel } from '../../common/model/encoding.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { STRINGS } from '../../coordinator/console/strings/index.js';
import type { Language } from '../../common/web/language.js';
import type { ConsoleClient } from '../../coordinator/console-client.js';
import { runCoordinator } from '../support/coordinator.js';
import { Member } from '../support/member.js';
import { seedRounds } from '../support/seeded-rounds.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Shot } from './capture.js';

type Strings = (typeof STRINGS)[Language];

const CLINICS = [
  'Clinic North',
  'Clinic South',
  'Praxis am Hafen',
  'Hospital San Roque',
  'Dermatologie Lindenhof',
];

const study = async (admin: ConsoleClient, name: string, rounds: number): Promise<string> => {
  const config = StudyConfig.parse({
    name,
    model: 'models/start',
    rounds,
    cohort: { minimum: 3, quorum: 3 },
    evaluation: { data: 'synthetic:site=1,2&images=460' },
  });
  return (
    await admin.createStudy({
      config,
      start: await admin.uploadModel(encodeModel(await loadModel(`${PACKAGE_ROOT}/models/start`))),
    })
  ).id;
};

/** Signed in, at this address of the console. */
async function signIn(
  page: Page,
  strings: Strings,
  { url, token }: { url: string; token: string },
  path = '',
): Promise<void> {
  await page.goto(`${url}/console/`);
  await page.getByLabel(strings.signIn.token, { exact: true }).fill(token);
  await page.getByRole('button', { name: strings.signIn.button }).click();
  await page.getByRole('heading', { name: strings.studies.title }).waitFor();
  if (path !== '') await page.goto(`${url}/console/#${path}`);
}

/**
 * @param language that the windows' user reads
 * @returns the shots, and how to end what they need
 */
export async function consoleShots(
  language: Language = 'en',
): Promise<{ shots: Shot[]; close: () => Promise<void> }> {
  const strings = STRINGS[language];
  const first = await runCoordinator();
  const { admin, dataDir, token } = first;
  const id = await study(admin, 'Smartphone dermoscopy, five clinics', 30);
  await study(admin, 'Pilot with two practices', 10);
  const members: Member[] = [];
  for (const name of CLINICS) members.push(await Member.approved(admin, id, name));
  await Member.enrolled(admin, id, 'Hautarztpraxis Weber');
  await admin.invite(id, 'Clínica Santa Clara', 72);
  const port = Number(new URL(first.url).port);
  await first.stop();
  const attempt = await seedRounds(dataDir, {
    study: id,
    clinics: members.map((m) => m.id),
    rounds: 12,
    open: { returned: 2 },
  });
  const coordinator = await runCoordinator(dataDir, port);
  for (const [i, member] of members.entries()) {
    if (i === 4) continue;
    await member.join();
    if (i >= 2)
      member.tell('progress', {
        round: 13,
        attempt,
        phase: 'training',
        fraction: i === 2 ? 0.84 : 0.37,
        loss: i === 2 ? 0.412 : 0.538,
      });
  }
  const { url } = coordinator;
  const at = (path: string, ready: (page: Page) => Promise<unknown>) => async (page: Page) => {
    await signIn(page, strings, { url, token }, path);
    await ready(page);
  };
  const charts = (page: Page) =>
    page.locator('[data-testid=curves] path.recharts-line-curve').first().waitFor();
  const shots: Shot[] = [
    { name: 'sign-in', show: async (page) => void (await page.goto(`${url}/console/`)) },
    {
      name: 'studies',
      show: at('', (page) => page.getByText('Pilot with two practices').waitFor()),
    },
    {
      name: 'new-study',
      show: at('/new', async (page) => {
        await page
          .getByLabel(strings.create.fields['name']![0])
          .fill('Smartphone dermoscopy, second year');
        await page
          .getByLabel(strings.create.fields['evaluation.data']![0])
          .fill('synthetic:site=1,2&images=460');
        await page.getByRole('button', { name: strings.create.data.check }).click();
        await page.getByText(/460/).first().waitFor();
      }),
    },
    { name: 'overview', show: at(`/studies/${id}`, charts) },
    {
      name: 'results',
      show: at(`/studies/${id}/results`, async (page) => {
        await charts(page);
        await page.getByText(strings.results.confusion).waitFor();
      }),
    },
    {
      name: 'round',
      show: at(`/studies/${id}/results`, async (page) => {
        await charts(page);
        await page.getByText(strings.results.confusion).scrollIntoViewIfNeeded();
        await page.evaluate('window.scrollBy(0, 500)');
      }),
    },
    {
      name: 'clinics',
      show: at(`/studies/${id}/clinics`, (page) =>
        page.getByText('Hautarztpraxis Weber').waitFor(),
      ),
    },
    {
      name: 'approve',
      show: at(`/studies/${id}/clinics`, async (page) => {
        await page
          .getByTestId('pending')
          .getByRole('button', { name: strings.clinic.approve })
          .click();
        await page.getByTestId('fingerprint').waitFor();
      }),
    },
    {
      name: 'invite',
      show: at(`/studies/${id}/clinics`, async (page) => {
        await page.getByRole('button', { name: strings.clinic.invite }).click();
        await page.getByLabel(strings.invite.name).fill('Praxis Dr. Okafor');
        await page.getByRole('button', { name: strings.invite.make }).click();
        await page.getByText(strings.invite.link).waitFor();
      }),
    },
    {
      name: 'audit',
      show: at(`/studies/${id}/audit`, async (page) => {
        await page.getByRole('button', { name: strings.audit.verify }).click();
        await page.getByRole('status').getByText(/\d/).first().waitFor();
      }),
    },
    {
      name: 'downloads',
      show: at(`/studies/${id}/downloads`, (page) =>
        page.getByText(strings.downloads.best, { exact: true }).waitFor(),
      ),
    },
    { name: 'report', show: at(`/studies/${id}/report`, charts) },
  ];
  return {
    shots: shots.map((shot) => ({ ...shot, name: `console-${shot.name}` })),
    close: async () => {
      for (const member of members) member.close();
      await coordinator.close();
    },
  };
}
