// A whole study by its runner, without sockets or a database: real keys, real sealed updates and
// real files, under a strategy that remembers.
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAnnouncement } from '../../../client/participation/announcement.js';
import { toBase64 } from '../../../common/crypto/base64.js';
import { sealUpdate } from '../../../common/crypto/envelope.js';
import { clinicIdOf, createIdentity } from '../../../common/crypto/identity.js';
import { decodeState, encodeState } from '../../../common/federation/strategy-state.js';
import { strategyOf } from '../../../common/federation/strategies/index.js';
import { trainableSpecs } from '../../../common/model/architecture.js';
import { decodeParameters, encodeModel, encodeParameters } from '../../../common/model/encoding.js';
import type { Announcement, RoundOver } from '../../../common/protocol/round.js';
import { StudyConfig } from '../../../common/protocol/study.js';
import { Random } from '../../../common/random.js';
import { encodings } from '../../../common/update/encoding.js';
import { runAggregateJob } from '../../../coordinator/aggregation/aggregate-job.js';
import { checkUpdate } from '../../../coordinator/aggregation/check-update.js';
import { StudyRunner } from '../../../coordinator/rounds/runner.js';
import type { Checkpoint, StudyState } from '../../../coordinator/rounds/state.js';
import { Blobs } from '../../../coordinator/storage/blobs.js';
import { SealedUpdates } from '../../../coordinator/storage/sealed.js';
import { serverMomentum } from '../../common/federation/server-momentum.js';
import { nano, temporaryFolder } from '../../support/coordinator.js';
import { deltaFor } from '../../support/member.js';
import { aStudy, someMetrics } from '../storage/fixtures.js';
import { MemoryStore, silent } from './fakes.js';

const MOMENTUM = 0.5;
const identity = createIdentity();
const clinicId = await clinicIdOf(identity.publicKey);
const studyIdentity = createIdentity();
const TRAIN_FROM = 'classifier';
const SPECS = trainableSpecs('nano', nano().labels.names.length, TRAIN_FROM);

let folder: string;
let blobs: Blobs;
let files: SealedUpdates;
let store: MemoryStore;
let runner: StudyRunner;
let uploads: Map<string, string>;
/** What validation says of each evaluated round, in order. */
let scores: number[];
let heard: [event: string, message: unknown][];
let wake: () => void;

/** What a checkpoint's blobs hold: the parameters, and the strategy's velocity. */
async function contents({ parameters, strategyState }: Checkpoint) {
  return {
    w: decodeParameters(await blobs.read(parameters.sha256), SPECS).values,
    v: decodeState(await blobs.read(strategyState!.sha256))['velocity']!,
  };
}

beforeEach(async () => {
  folder = await temporaryFolder();
  [blobs, files, store] = [await Blobs.in(folder), new SealedUpdates(folder), new MemoryStore()];
  [uploads, scores, heard] = [new Map(), [], []];
});
afterEach(async () => {
  await runner.close();
  await rm(folder, { recursive: true, maxRetries: 10 });
});

async function draft(evaluation: object = {}): Promise<StudyState> {
  const study = aStudy();
  const model = nano();
  const config = StudyConfig.parse({
    name: 'Momentum',
    model: 'nano',
    rounds: 4,
    strategy: { name: serverMomentum.name, momentum: MOMENTUM },
    training: { trainFrom: TRAIN_FROM },
    cohort: { minimum: 1, quorum: 1, deadlineSeconds: 3600 },
    updates: { encoding: 'float32', maxNorm: 100 },
    evaluation: { data: 'synthetic:site=1', ...evaluation },
  });
  const trainable = model.parameters.subset(new Set(SPECS.map((s) => s.name)));
  const initial = strategyOf(config.strategy).init(trainable);
  const next = {
    parameters: await blobs.put(encodeParameters(trainable)),
    strategyState: await blobs.put(encodeState(initial)),
  };
  const start = await blobs.put(encodeModel(model));
  const state: StudyState = { ...study.state, config, start, next };
  await store.createStudy({ ...study, state, publicKey: toBase64(studyIdentity.publicKey) }, []);
  store.addClinic(state.id, clinicId, 'approved', toBase64(identity.publicKey));
  return state;
}

async function run(state: StudyState): Promise<StudyRunner> {
  const record = await store.study(state.id);
  const parts = {
    store,
    blobs,
    files,
    log: silent,
    now: Date.now,
    onEvaluating: () => undefined,
    inbox: {
      finished: async ({ sha256 }: { sha256: string }) => uploads.get(sha256)!,
      forget: async () => undefined,
    },
    presence: {
      connected: () => [clinicId],
      send: (_study: string, event: string, message: unknown) => {
        heard.push([event, message]);
        wake?.();
      },
      dismiss: () => undefined,
      onChange: () => undefined,
    },
    aggregator: { check: checkUpdate, aggregate: runAggregateJob },
    evaluator: {
      evaluate: async () => {
        const validation = { ...someMetrics(), balancedAccuracy: scores.shift()! };
        return { validation, heldout: someMetrics(), seconds: 1 };
      },
    },
  };
  return new StudyRunner(record, studyIdentity.secretKey, parts);
}

/** Waits until the runner has sent what `look` finds. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => (wake = resolve));
  }
}
const announced = async (number: number) => {
  const enrolment = { key: toBase64(studyIdentity.publicKey), study: runner.state.id };
  for (let seen = 0; ; seen++) {
    const message = await until(() => heard.filter(([event]) => event === 'round')[seen]);
    const { terms } = await openAnnouncement(message[1] as Announcement, enrolment);
    if (terms.round === number) return terms;
  }
};

/** The clinic's part in a round. @returns its delta */
async function takePart(number: number): Promise<Float32Array> {
  const terms = await announced(number);
  const { study, round, attempt, roundKey, base } = terms;
  const delta = deltaFor(terms, `round ${number}`);
  const sealed = await sealUpdate({
    header: {
      study,
      round,
      attempt,
      clinic: clinicId,
      base: base.sha256,
      encoding: 'float32',
      samples: 12,
    },
    payload: encodings.get('float32').encode(delta, new Random(1)),
    roundKey,
    identity,
  });
  const sha256 = createHash('sha256').update(sealed).digest('hex');
  const path = join(folder, sha256);
  await writeFile(path, sealed);
  uploads.set(sha256, path);
  await runner.intake.accept(await store.clinic(study, clinicId), { round, attempt, sha256 });
  await until(() =>
    heard.find(([event, m]) => event === 'round-over' && (m as RoundOver).attempt === attempt),
  );
  return delta;
}

/** Momentum, a few lines: v ← β v + Δ; w ← w + v. */
function moved({ w, v }: { w: Float32Array; v: Float32Array }, delta: Float32Array) {
  const velocity = v.map((value, i) => MOMENTUM * value + delta[i]!);
  return { w: w.map((value, i) => value + velocity[i]!), v: velocity };
}
const near = (actual: { w: Float32Array; v: Float32Array }, expected: typeof actual): void => {
  for (const part of ['w', 'v'] as const) {
    expect(actual[part].length).toBe(expected[part].length);
    for (let i = 0; i < actual[part].length; i++)
      expect(Math.abs(actual[part][i]! - expected[part][i]!)).toBeLessThan(1e-6);
  }
};

describe('a study under a strategy that remembers', () => {
  it('after a rollback starts from the best round, and from what the strategy remembered of it', async () => {
    const state = await draft({ rollbackBelow: 0.05 });
    const zero = await contents(state.next);
    expect(zero.v.every((value) => value === 0)).toBe(true);
    scores = [0.3, 0.5, 0.6, 0.2, 0.7]; // the third round hurts
    runner = await run(state);
    runner.begin();
    await runner.request('start');

    const one = moved(zero, await takePart(1));
    near(await contents(runner.state.next), one);
    const two = moved(one, await takePart(2));
    near(await contents(runner.state.next), two);
    const best = runner.state.next;
    expect(runner.state.best).toEqual({ round: 2, score: 0.6, result: best });

    await takePart(3);
    expect(runner.state.next).toEqual(best); // undone
    expect(await announced(4)).toMatchObject({ base: best.parameters });
    const four = moved(two, await takePart(4));
    expect(runner.state).toMatchObject({ status: 'completed', completed: 4, best: { round: 4 } });
    near(await contents(runner.state.next), four);
    expect(store.stored(state.id)).toEqual(runner.state);
  });

  it('carries on from the stored state when the coordinator starts again between two rounds', async () => {
    const state = await draft();
    scores = [0.3, 0.5, 0.6, 0.7, 0.8];
    runner = await run(state);
    runner.begin();
    await runner.request('start');
    const one = moved(await contents(state.next), await takePart(1));
    await announced(2);
    await runner.close();

    heard = [];
    runner = await run(state);
    expect(runner.state.next).toEqual(store.stored(state.id).next);
    runner.begin();
    const two = moved(one, await takePart(2));
    near(await contents(runner.state.next), two);
  });

  it('forgets key, updates and scratch files of a round that is over', async () => {
    const state = await draft();
    scores = [0.3, 0.5, 0.6];
    runner = await run(state);
    runner.begin();
    await runner.request('start');
    const { attempt } = await announced(1);
    expect(await files.attempts()).toContain(attempt);
    await takePart(1);
    await announced(2);
    await expect.poll(() => files.attempts(), { timeout: 20_000 }).not.toContain(attempt);
  });
});
