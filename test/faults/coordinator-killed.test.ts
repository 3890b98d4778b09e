// SIGKILL of the coordinator, fifty times over the phases of one study: it finishes with every
// update counted once, and with the model of an undisturbed study to the bit.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { createStudy, dataDirectory, studyUntil } from '../support/coordinator.js';
import { launchCoordinator } from '../support/processes.js';
import { fixedClinics } from './fixed-clinic.js';

const KILLS = 50;
const SEED = 20_261;
const CLINICS = 3;
const PHASES = ['open', 'uploading', 'aggregating', 'evaluating', 'between'] as const;
type Phase = (typeof PHASES)[number];
/**
 * Milliseconds within which the kill falls after its phase began: about as long as the phase lasts.
 */
const WITHIN: Readonly<Record<Phase, number>> = {
  open: 60,
  uploading: 60,
  aggregating: 120,
  evaluating: 350,
  between: 25,
};
/** A kill that falls after its phase uses up a round more. */
const ROUNDS = KILLS / PHASES.length + 6;

it(`SIGKILL of the coordinator ${KILLS} times, while rounds are open, uploaded to, aggregated, evaluated, and between them: every update counts once, the model is that of an undisturbed study`, async () => {
  const dataDir = await dataDirectory();
  const random = new Random(SEED);
  let coordinator = await launchCoordinator(dataDir);
  const { url } = coordinator;
  const admin = new ConsoleClient(
    url,
    (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
  );
  const aStudy = async () =>
    fixedClinics(
      admin,
      await createStudy(admin, { rounds: ROUNDS, cohort: { minimum: CLINICS, quorum: CLINICS } }),
      CLINICS,
    );

  const disturbed = await aStudy();
  const hit: Record<Phase, number> = {
    open: 0,
    uploading: 0,
    aggregating: 0,
    evaluating: 0,
    between: 0,
  };
  const startSeconds: number[] = [];
  let stored = 'none'; // the phase of the round in the database, by the log
  await admin.act(disturbed.study, 'start');
  for (let kill = 0; kill < KILLS; kill++) {
    const target = PHASES[kill % PHASES.length]!;
    const ending = new AbortController();
    let sends = 0;
    let began = () => {};
    const sending = new Promise<void>((resolve) => (began = resolve));
    const phase = (name: string) =>
      stored === name ? Promise.resolve() : coordinator.until((line) => line['phase'] === name);
    // A clinic that has nothing to send yet leaves the round open.
    const clinics =
      target === 'open'
        ? connectOnly(disturbed)
        : disturbed.takePart(ending.signal, () => {
            sends++;
            began();
          });
    // until the kill, a failure of a clinic fails the test
    const failed = clinics.then(() => new Promise<never>(() => undefined));
    failed.catch(() => undefined);
    const moment = {
      open: () => phase('open'),
      uploading: () => sending,
      aggregating: () => phase('aggregating'),
      evaluating: () => phase('evaluating'),
      between: () => phase('closed'),
    }[target];
    const never = new AbortController();
    const stuck = sleep(120_000, undefined, { signal: never.signal }).then(() => {
      throw new Error(
        `kill ${kill}: in two minutes no moment came that is ${target}; the round was ${stored}\n${coordinator.stdout().slice(-3000)}`,
      );
    });
    stuck.catch(() => undefined);
    await Promise.race([moment(), failed, stuck]).finally(() => never.abort());
    await sleep(random.uniform() * WITHIN[target]);
    expect(await coordinator.kill('SIGKILL')).toBe('SIGKILL');
    ending.abort();
    await clinics.catch(() => undefined);
    for (const member of disturbed.members) member.close();
    const last = coordinator.lines.findLast((line) => typeof line['phase'] === 'string')?.['phase'];
    if (typeof last === 'string') stored = last;
    hit[
      stored === 'open'
        ? sends > 0
          ? 'uploading'
          : 'open'
        : stored === 'aggregating' || stored === 'evaluating'
          ? stored
          : 'between'
    ]++;
    const start = performance.now();
    coordinator = await launchCoordinator(dataDir, ['--port', new URL(url).port]);
    startSeconds.push((performance.now() - start) / 1000);
  }
  console.log(
    `${KILLS} kills (seed ${SEED}): ${JSON.stringify(hit)}; a start took ${startSeconds.toSorted((a, b) => a - b)[KILLS / 2]!.toFixed(1)} s (median)`,
  );
  for (const phase of PHASES) expect(hit[phase], `kills while ${phase}`).toBeGreaterThanOrEqual(5);

  const finish = async (clinics: typeof disturbed) => {
    const ending = new AbortController();
    const taking = clinics.takePart(ending.signal);
    taking.catch(() => undefined);
    const view = await studyUntil(
      admin,
      clinics.study,
      (v) => v.status === 'completed' || v.status === 'paused',
      600,
    );
    ending.abort();
    await taking.catch(() => undefined);
    for (const member of clinics.members) member.close();
    expect(view.status).toBe('completed');
    return view;
  };
  const view = await finish(disturbed);
  const undisturbed = await aStudy();
  await admin.act(undisturbed.study, 'start');
  await finish(undisturbed);

  // One attempt a round, every clinic's update in it once, by the records and by the audit log.
  expect(view.rounds.map((r) => [r.number, r.phase])).toEqual(
    Array.from({ length: ROUNDS + 1 }, (_, n) => [n, 'closed']),
  );
  const ids = disturbed.members.map((m) => m.id);
  for (const { number, updates } of view.rounds.slice(1))
    expect(
      updates.map((u) => u.clinic),
      `round ${number}`,
    ).toEqual(ids);
  const { chain, entries } = await admin.audit(disturbed.study);
  expect(chain.ok).toBe(true);
  const counted = entries
    .filter((e) => e.action === 'update')
    .map((e) => {
      const { round, clinic } = e.detail as { round: number; clinic: string };
      return `${round}/${clinic}`;
    });
  expect(counted).toHaveLength(ROUNDS * CLINICS);
  expect(new Set(counted).size).toBe(ROUNDS * CLINICS);
  expect(view.evaluations.map((e) => e.round)).toEqual(
    Array.from({ length: ROUNDS + 1 }, (_, n) => n),
  );

  const models = async (study: string) =>
    (await admin.audit(study)).entries
      .filter((e) => e.action === 'aggregated')
      .map((e) => (e.detail as { result: string }).result);
  const results = await models(disturbed.study);
  // each round was aggregated once, and changed the model
  expect(new Set(results).size).toBe(ROUNDS);
  expect(results).toEqual(await models(undisturbed.study));
  console.log(
    `${counted.length} updates counted, once each; the model after round ${ROUNDS}: ${results.at(-1)!}, as undisturbed`,
  );
  await coordinator.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
}, 1_200_000);

async function connectOnly({
  members,
}: {
  readonly members: readonly { join(): Promise<unknown> }[];
}): Promise<void> {
  await Promise.all(members.map((member) => member.join()));
}
