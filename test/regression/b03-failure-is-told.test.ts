// A clinic that can't deliver an update says so, and nobody waits for it.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { enrolHome, openHome } from '../../client/agent/home.js';
import { Participant } from '../../client/participation/participant.js';
import { createTrainer } from '../../client/participation/train-round.js';
import { studyReport } from '../../commands/study-report.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { MemoryFeatureCache } from '../../common/training/feature-cache.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import {
  createStudy,
  dataDirectory,
  runCoordinator,
  type StudyChanges,
  studyUntil,
  temporaryFolder,
} from '../support/coordinator.js';
import { Member } from '../support/member.js';
import { launchCoordinator } from '../support/processes.js';

beforeAll(async () => void (await useEngine('wasm')));
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).toReversed()) await work();
});

/** A whole study with these clinics, each with its number of images. @returns its last view */
async function study(changes: StudyChanges, clinics: Readonly<Record<string, number>>) {
  const coordinator = await runCoordinator();
  cleanUp.push(() => coordinator.close());
  const { admin } = coordinator;
  const id = await createStudy(admin, changes);
  const stop = new AbortController();
  for (const [name, images] of Object.entries(clinics)) {
    const folder = await temporaryFolder();
    cleanUp.push(() => rm(folder, { recursive: true }));
    const { invitation } = await admin.invite(id, name, 1);
    await enrolHome(parseInvitation(invitation), folder, name);
    const { identity, enrolment, store } = await openHome(folder);
    await admin.decide(id, enrolment.clinic, 'approve');
    const { samples } = await openDataset(
      `synthetic:site=1&images=${images}&seed=3&size=64&split=train`,
    );
    const train = createTrainer(samples, async () => new MemoryFeatureCache());
    const running = new Participant({
      enrolment,
      identity,
      store,
      train,
      onEvent: () => undefined,
    }).run(stop.signal);
    cleanUp.push(() => {
      stop.abort();
      return running;
    });
  }
  await admin.act(id, 'start');
  const view = await studyUntil(
    admin,
    id,
    (v) => v.status === 'completed' || v.status === 'paused',
    100,
  );
  return { view, audit: await admin.audit(id) };
}

it('with too few images: the round closes with the update of the other, and says who declined and why', async () => {
  const { view, audit } = await study(
    { rounds: 2, updates: { minSamples: 8 }, cohort: { minimum: 2, quorum: 1 } },
    { North: 10, South: 5 },
  );
  expect(view.status).toBe('completed');
  const south = view.clinics.find((c) => c.name === 'South')!;
  const declines = [{ clinic: south.id, name: 'South', code: 'LENTIGO_UPDATE_SAMPLES' }];
  for (const round of view.rounds.slice(1))
    expect(round).toMatchObject({ phase: 'closed', declines, updates: [{ samples: 10 }] });
  expect(south).toMatchObject({ now: 'declined', declined: 'LENTIGO_UPDATE_SAMPLES' });
  expect(studyReport(view)).toMatch(/Rounds 1–2: South declined \(LENTIGO_UPDATE_SAMPLES\): /);
  expect(audit.entries.filter((e) => e.action === 'decline')).toMatchObject(
    [1, 2].map((round) => ({
      actor: south.id,
      detail: { name: 'South', round, code: 'LENTIGO_UPDATE_SAMPLES' },
    })),
  );
});

it('with training that diverges at every clinic: the study pauses at once, with the advice', async () => {
  const { view } = await study(
    {
      training: {
        trainFrom: 'features.0',
        epochs: 2,
        optimiser: 'sgd',
        learningRate: 10,
        momentum: 0.99,
        focalGamma: 0,
      },
    },
    { North: 10, South: 12 },
  );
  expect(view.status).toBe('paused');
  expect(view.reason).toMatch(
    /^round 1 can't succeed: 0 of 2 clinics returned an update; the quorum is 2\. .*declined \(LENTIGO_UPDATE_N(OT_FINITE|ORM)\).*lower training\.learningRate/,
  );
  expect(view.clinics.map((c) => c.progress)).toEqual([null, null]);
});

it('that declined stays declined when the coordinator is killed, and the round closes without it', async () => {
  const dataDir = await dataDirectory();
  cleanUp.push(() => rm(dataDir, { recursive: true }));
  let coordinator = await launchCoordinator(dataDir);
  const { url } = coordinator;
  const admin = new ConsoleClient(
    url,
    (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
  );
  const id = await createStudy(admin, { rounds: 1, cohort: { minimum: 2, quorum: 1 } });
  const [one, two] = [
    await Member.approved(admin, id, 'One'),
    await Member.approved(admin, id, 'Two'),
  ];
  for (const member of [one, two]) await member.join();
  await admin.act(id, 'start');
  const { round, attempt } = await one.round(1);
  const decline = { round, attempt, code: 'LENTIGO_DISK_FULL' };
  expect(await one.ask('decline', decline)).toEqual({ ok: true, value: {} });
  await coordinator.kill('SIGKILL');
  coordinator = await launchCoordinator(dataDir, ['--port', new URL(url).port]);
  for (const member of [one, two]) await member.join();
  expect(await one.ask('decline', decline)).toEqual({ ok: true, value: {} }); // once more is no change
  const announced = await two.round(1);
  expect(await two.send(announced, await two.seal(announced))).toMatchObject({ ok: true });
  const view = await studyUntil(admin, id, (v) => v.status === 'completed');
  expect(view.rounds.at(-1)).toMatchObject({
    phase: 'closed',
    declines: [{ clinic: one.id, name: 'One', code: 'LENTIGO_DISK_FULL' }],
    updates: [{ clinic: two.id }],
  });
  const { entries, chain } = await admin.audit(id);
  expect([entries.filter((e) => e.action === 'decline').length, chain.ok]).toEqual([1, true]);
  for (const member of [one, two]) member.close();
  await coordinator.kill('SIGTERM');
});
