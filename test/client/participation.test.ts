// The clinic's side of the protocol against a real coordinator's sockets, blobs, uploads and keys.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statusOf } from '../../client/agent/status.js';
import type { Store } from '../../client/participation/store.js';
import { createTrainer } from '../../client/participation/train-round.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { createIdentity, fingerprint } from '../../common/crypto/identity.js';
import { type ErrorCode, LentigoError } from '../../common/errors.js';
import { MemoryFeatureCache } from '../../common/training/feature-cache.js';
import type { Trainer } from '../../client/participation/round.js';
import { countingTrainer, type Running, TestClinic } from './clinic.js';
import { Peer } from './peer.js';

/** For what comes within milliseconds on a machine that isn't busy with others. */
const SOON = { timeout: 20_000 };

/** Trains to a delta of this value everywhere. */
const deltaOf =
  (value: number): Trainer =>
  async () => ({
    delta: new Float32Array(96 * 6 + 6).fill(value),
    samples: 9,
    leftOut: [],
    loss: 0.5,
  });
const failing =
  (error: Error): Trainer =>
  async () => {
    throw error;
  };

let peer: Peer;
let clinic: TestClinic;
const running: Running[] = [];
const start = async (...args: Parameters<TestClinic['start']>) => {
  const run = await clinic.start(...args);
  running.push(run);
  return run;
};

beforeEach(async () => {
  peer = await Peer.open();
  clinic = await TestClinic.enrolled(peer);
});
afterEach(async () => {
  for (const run of running.splice(0)) await run.stop();
  await clinic.close();
  await peer.close();
});

describe('a round', () => {
  it("is trained on the clinic's own images, sealed, uploaded and receipted, and the study ends it", async () => {
    await useEngine();
    const { samples } = await openDataset('synthetic:site=1&images=10&seed=3&size=64&split=train');
    const cache = new MemoryFeatureCache();
    const { training, updates } = peer.announce(clinic.id);
    const announcement = peer.announce(clinic.id, {
      training: { ...training, epochs: 3 },
      updates: { ...updates, encoding: 'int8' },
    });
    const run = await start(createTrainer(samples, async () => cache));
    await run.until('receipt');
    peer.status = 'completed';
    peer.send('study', peer.notice());
    expect(await run.done).toMatchObject({ status: 'completed' });

    const [update] = peer.accepted;
    expect(peer.accepted).toHaveLength(1);
    expect(update!.header).toMatchObject({
      study: peer.study,
      round: 1,
      attempt: announcement.attempt,
      clinic: clinic.id,
      base: announcement.base.sha256,
      encoding: 'int8',
      samples: 10,
    });
    expect(update!.delta.some((v) => v !== 0)).toBe(true);
    expect(
      peer.progress.some(
        ({ phase }) => phase === 'training' || phase === 'preparing' || phase === 'downloading',
      ),
    ).toBe(true);
    const { rounds, fingerprint: shown } = await statusOf(clinic.folder);
    expect(shown).toBe(fingerprint(clinic.id));
    expect(rounds).toMatchObject([{ round: 1, samples: 10, sha256: update!.sha256 }]);
    expect(rounds[0]!.norm).toBeCloseTo(Math.hypot(...update!.delta), 6);
  });

  it('is ignored when this clinic is not in its cohort', async () => {
    peer.announce('0'.repeat(32));
    const train = countingTrainer();
    const run = await start(train);
    await run.until('connected');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(train.calls).toBe(0);
    expect(run.events.map((e) => e.event)).toEqual(['connected']);
  });

  it('goes on without the clinic when its update is late', async () => {
    peer.submitErrors = [new LentigoError('LENTIGO_UPDATE_LATE', 'too late')];
    peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    expect(await run.until('missed')).toMatchObject({ code: 'LENTIGO_UPDATE_LATE', round: 1 });
    peer.announce(clinic.id, { round: 2 });
    expect(await run.until('receipt')).toMatchObject({ round: 2 });
  });

  it('sends an update again if the coordinator did not receive it whole', async () => {
    peer.submitErrors = [new LentigoError('LENTIGO_UPDATE_MALFORMED', 'not whole')];
    peer.announce(clinic.id);
    const train = countingTrainer();
    await (await start(train)).until('receipt');
    expect({
      trained: train.calls,
      uploads: peer.uploadsCreated,
      accepted: peer.accepted.length,
    }).toEqual({ trained: 1, uploads: 2, accepted: 1 });
  });

  it('that is repeated seals the update again but does not train again', async () => {
    const first = peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    await run.until('receipt');
    peer.send('round-over', { round: 1, attempt: first.attempt, outcome: 'failed' });
    await run.until('round-over');
    const second = peer.announce(clinic.id);
    await expect.poll(() => peer.accepted.length, SOON).toBe(2);
    expect(peer.accepted.map((a) => a.header.attempt)).toEqual([first.attempt, second.attempt]);
    expect(train.calls).toBe(1);
  });

  it('that is over stops the training', async () => {
    const { attempt } = peer.announce(clinic.id);
    let stopped = false;
    let begin!: () => void;
    const began = new Promise<void>((resolve) => (begin = resolve));
    const run = await start(async (_, { signal }) => {
      begin();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped = true;
      throw signal.reason;
    });
    await began;
    peer.send('round-over', { round: 1, attempt, outcome: 'failed' });
    await run.until('round-over');
    expect(stopped).toBe(true);
    expect(run.events.some((e) => e.event === 'error')).toBe(false);
  });

  it('that fails here is declined by its code, and the next one is taken part in', async () => {
    const failures: [code: ErrorCode, train: Trainer][] = [
      [
        'LENTIGO_UPDATE_NOT_FINITE',
        async (...job) => ({ ...(await deltaOf(0.1)(...job)), loss: NaN }),
      ],
      ['LENTIGO_UPDATE_NOT_FINITE', deltaOf(Infinity)],
      ['LENTIGO_UPDATE_NORM', deltaOf(1e6)],
      ['LENTIGO_UPDATE_SAMPLES', createTrainer([], async () => new MemoryFeatureCache())],
      [
        'LENTIGO_DATA_IMAGE_UNREADABLE',
        failing(new LentigoError('LENTIGO_DATA_IMAGE_UNREADABLE', 'Anna_Muster.jpg is damaged.')),
      ],
      [
        'LENTIGO_ENGINE_UNAVAILABLE',
        failing(new LentigoError('LENTIGO_ENGINE_UNAVAILABLE', 'lost')),
      ],
      ['LENTIGO_INTERNAL', failing(new RangeError('Array buffer allocation failed'))],
    ];
    let broken: Trainer | undefined;
    const run = await start((...job) => (broken ?? countingTrainer())(...job));
    for (const [i, [code, train]] of failures.entries()) {
      broken = train;
      const { attempt } = peer.announce(clinic.id, { round: i + 1 });
      await expect.poll(() => peer.declined.length, SOON).toBe(i + 1);
      expect(peer.declined[i]).toEqual({ round: i + 1, attempt, code });
    }
    expect(peer.tickets).toBe(0);
    broken = undefined;
    const round = failures.length + 1;
    peer.announce(clinic.id, { round });
    expect(await run.until('receipt')).toMatchObject({ round });
    expect(run.events.filter((e) => e.event === 'declined')).toHaveLength(failures.length);
  });

  it('that was declined unheard is declined again after a restart, without training', async () => {
    peer.declineErrors = [new LentigoError('LENTIGO_DATABASE', 'gone')];
    const { attempt } = peer.announce(clinic.id);
    const run = await start(deltaOf(NaN));
    await expect.poll(() => peer.declineErrors.length, SOON).toBe(0);
    await run.stop();
    expect(peer.declined).toEqual([]);
    const train = countingTrainer();
    await (await start(train)).until('declined');
    expect([train.calls, peer.declined]).toEqual([
      0,
      [{ round: 1, attempt, code: 'LENTIGO_UPDATE_NOT_FINITE' }],
    ]);
  });

  it('that the coordinator takes no update of any more is not declined', async () => {
    peer.submitErrors = [new LentigoError('LENTIGO_UPDATE_LATE', 'too late')];
    peer.announce(clinic.id);
    await (await start(countingTrainer())).until('missed');
    peer.announce(clinic.id, { round: 2 });
    await expect.poll(() => peer.accepted.length, SOON).toBe(1);
    expect(peer.declined).toEqual([]);
  });

  it('never sends an update beyond the bounds of the study', async () => {
    const { updates } = peer.announce(clinic.id);
    peer.announce(clinic.id, { updates: { ...updates, maxNorm: 1e-6 } });
    const run = await start(countingTrainer());
    expect(await run.until('error')).toMatchObject({ code: 'LENTIGO_UPDATE_NORM', round: 1 });
    expect(peer.tickets).toBe(0);
  });
});

describe('trust', () => {
  it('a coordinator with another key than the pinned one is refused before the clinic proves anything', async () => {
    peer.impostor = createIdentity();
    const run = await start(countingTrainer());
    await expect(run.done).rejects.toMatchObject({ code: 'LENTIGO_CHALLENGE_FAILED' });
    expect(peer.proofs).toBe(0);
  });

  it('a coordinator that shows the pinned key but cannot sign with it is refused', async () => {
    peer.impostor = { publicKey: peer.identity.publicKey, secretKey: createIdentity().secretKey };
    const run = await start(countingTrainer());
    await expect(run.done).rejects.toMatchObject({ code: 'LENTIGO_CHALLENGE_FAILED' });
    expect(peer.proofs).toBe(0);
  });

  it('an announcement with a bad signature is ignored', async () => {
    peer.forger = createIdentity();
    peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    expect(await run.until('error')).toMatchObject({ code: 'LENTIGO_CHALLENGE_FAILED' });
    expect(train.calls).toBe(0);
    peer.forger = undefined;
    peer.announce(clinic.id);
    await run.until('receipt');
  });

  it('a clinic that is not approved yet waits and shows its fingerprint', async () => {
    peer.refuse = new LentigoError('LENTIGO_CLINIC_NOT_APPROVED', 'not yet');
    const run = await start(countingTrainer());
    expect(await run.until('waiting-approval')).toMatchObject({
      fingerprint: fingerprint(clinic.id),
    });
    peer.refuse = undefined;
    await run.until('connected');
  });

  it('a revoked clinic ends', async () => {
    peer.refuse = new LentigoError('LENTIGO_CLINIC_REVOKED', 'withdrawn');
    await expect((await start(countingTrainer())).done).rejects.toMatchObject({
      code: 'LENTIGO_CLINIC_REVOKED',
    });
  });
});

describe('blobs', () => {
  it('an altered blob is discarded and fetched again', async () => {
    peer.alteredBlobs = 1;
    peer.announce(clinic.id);
    await (await start(countingTrainer())).until('receipt');
    expect(peer.blobRequests).toEqual(['start@0', 'start@0', 'base@0']);
  });

  it('a blob that is altered twice is not trained on', async () => {
    peer.alteredBlobs = 2;
    peer.announce(clinic.id);
    const train = countingTrainer();
    expect(await (await start(train)).until('error')).toMatchObject({
      code: 'LENTIGO_BLOB_CORRUPT',
    });
    expect(train.calls).toBe(0);
  });

  it('a download that is cut goes on where it stopped', async () => {
    peer.cutBlobs = 1;
    peer.announce(clinic.id);
    await (await start(countingTrainer())).until('receipt');
    expect(peer.blobRequests[0]).toBe('start@0');
    expect(peer.blobRequests[1]).toBe(`start@${peer.start.length >> 1}`);
  });

  it('the starting model is fetched once for all rounds', async () => {
    peer.announce(clinic.id);
    const run = await start(countingTrainer());
    await run.until('receipt');
    await run.stop();
    peer.announce(clinic.id, { round: 2 });
    await (await start(countingTrainer())).until('receipt');
    expect(peer.blobRequests).toEqual(['start@0', 'base@0']);
  });
});

describe('connection', () => {
  it('a lost connection is made again, with a new proof, while training goes on', async () => {
    peer.announce(clinic.id);
    let calls = 0;
    const run = await start(async () => {
      calls++;
      peer.cut();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { delta: new Float32Array(96 * 6 + 6).fill(0.01), samples: 9, leftOut: [], loss: 0.5 };
    });
    await run.until('receipt');
    expect(calls).toBe(1);
    expect(peer.proofs).toBe(2);
  });
});

describe('a restart', () => {
  const restart = async (train: ReturnType<typeof countingTrainer>, run: Running) => {
    await run.stop();
    peer.silentTo.clear();
    const again = await start(train);
    return again;
  };

  it('while training trains again and sends once', async () => {
    peer.announce(clinic.id);
    const run = await start(
      async (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    );
    await expect.poll(() => peer.blobRequests.length, SOON).toBe(2);
    const train = countingTrainer();
    await (await restart(train, run)).until('receipt');
    expect({ trained: train.calls, accepted: peer.accepted.length }).toEqual({
      trained: 1,
      accepted: 1,
    });
  });

  it('after sealing sends the sealed bytes without training', async () => {
    peer.silentTo.add('ticket');
    peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    await expect.poll(() => peer.tickets, SOON).toBe(1);
    await (await restart(train, run)).until('receipt');
    expect({
      trained: train.calls,
      uploads: peer.uploadsCreated,
      accepted: peer.accepted.length,
    }).toEqual({ trained: 1, uploads: 1, accepted: 1 });
  });

  it('after uploading, before the answer to the submission, neither trains nor uploads and gets the same receipt', async () => {
    peer.silentTo.add('submit');
    peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    await expect.poll(() => peer.accepted.length, SOON).toBe(1);
    await (await restart(train, run)).until('receipt');
    expect({
      trained: train.calls,
      uploads: peer.uploadsCreated,
      accepted: peer.accepted.length,
      submissions: peer.submissions,
    }).toEqual({ trained: 1, uploads: 1, accepted: 1, submissions: 2 });
  });

  it('asks for the receipt even when the round is not announced again', async () => {
    peer.silentTo.add('submit');
    peer.announce(clinic.id);
    const run = await start(countingTrainer());
    await expect.poll(() => peer.accepted.length, SOON).toBe(1);
    peer.announcement = undefined;
    await (await restart(countingTrainer(), run)).until('receipt');
    expect((await statusOf(clinic.folder)).rounds).toHaveLength(1);
  });

  it('asks for it even when the study has ended meanwhile', async () => {
    peer.silentTo.add('submit');
    peer.announce(clinic.id);
    const run = await start(countingTrainer());
    await expect.poll(() => peer.accepted.length, SOON).toBe(1);
    peer.announcement = undefined;
    peer.status = 'completed';
    const again = await restart(countingTrainer(), run);
    expect(await again.done).toMatchObject({ status: 'completed' });
    expect((await statusOf(clinic.folder)).rounds.map((r) => r.sha256)).toEqual(
      peer.accepted.map((a) => a.sha256),
    );
  });

  it('with the receipt sends nothing', async () => {
    peer.announce(clinic.id);
    const train = countingTrainer();
    const run = await start(train);
    await run.until('receipt');
    await run.stop();
    const again = await start(train);
    await again.until('connected');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect({ trained: train.calls, tickets: peer.tickets, submissions: peer.submissions }).toEqual({
      trained: 1,
      tickets: 1,
      submissions: 1,
    });
  });

  it('after a crash at any write sends exactly one update, and never trains again once one was kept', async () => {
    for (let crashAt = 1; ; crashAt++) {
      const before = peer.accepted.length;
      peer.announce(clinic.id, { round: crashAt });
      const train = countingTrainer();
      let trainedKept = false;
      const crash = crashingStore(
        crashAt,
        (name) => (trainedKept ||= name.endsWith('-trained.json')),
      );
      const run = await start(train, crash.wrap);
      await Promise.race([crash.crashed, run.until('receipt')]);
      // Not awaited, because a crashed process finishes nothing.
      void run.stop();
      running.splice(running.indexOf(run), 1);
      const survived = !crash.isDead();
      const again = await start(train);
      await expect
        .poll(async () => (await statusOf(clinic.folder)).rounds.length, { timeout: 10_000 })
        .toBe(crashAt);
      await again.stop();
      expect(peer.accepted.length, `updates after a crash at write ${crashAt}`).toBe(before + 1);
      expect(train.calls, `trainings after a crash at write ${crashAt}`).toBe(
        trainedKept || survived ? 1 : train.calls,
      );
      expect(train.calls).toBeLessThanOrEqual(2);
      if (survived) {
        expect(crashAt).toBeGreaterThan(5);
        break;
      }
    }
  });
});

/** A store whose process dies right after the n-th write: later calls never settle. */
function crashingStore(writes: number, onWrite: (name: string) => void) {
  let left = writes;
  let die!: () => void;
  const crashed = new Promise<void>((resolve) => (die = resolve));
  const dead = new Promise<never>(() => undefined);
  const wrap = (store: Store): Store => {
    const alive = <T>(work: () => Promise<T>): Promise<T> => (left <= 0 ? dead : work());
    return {
      read: (name) => alive(() => store.read(name)),
      append: (name, bytes) => alive(() => store.append(name, bytes)),
      remove: (name) => alive(() => store.remove(name)),
      list: (folder) => alive(() => store.list(folder)),
      write: (name, bytes) =>
        alive(async () => {
          await store.write(name, bytes);
          onWrite(name);
          if (--left > 0) return;
          die();
          await dead;
        }),
    };
  };
  return { wrap, crashed, isDead: () => left <= 0 };
}
