// How updates are taken in: checked once, stored, recorded, and only then receipted.
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { createIdentity } from '../../../common/crypto/identity.js';
import { openSigned } from '../../../common/crypto/signed.js';
import { TAGS } from '../../../common/crypto/signature.js';
import { Receipt, type Signed } from '../../../common/protocol/round.js';
import type { CheckJob, CheckedUpdate } from '../../../coordinator/aggregation/check-update.js';
import { StudyActor } from '../../../coordinator/rounds/actor.js';
import { Intake } from '../../../coordinator/rounds/intake.js';
import type { SentUpdate } from '../../../coordinator/rounds/ports.js';
import type { ClinicRecord } from '../../../coordinator/rounds/records.js';
import { openedOf, type OpenRound, type StudyState } from '../../../coordinator/rounds/state.js';
import { aCheckpoint, anOpenRound, sha256 } from '../storage/fixtures.js';
import { error, MemoryFiles, MemoryStore, promised, settled, silent, smallStudy } from './fakes.js';

const identity = createIdentity();
const [ONE, TWO, STRANGER] = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(32)] as const;

let store: MemoryStore;
let files: MemoryFiles;
let actor: StudyActor;
let intake: Intake;
let round: OpenRound;
let one: ClinicRecord;
let two: ClinicRecord;
/** Uploads that are whole, by clinic and hash. */
let uploads: Set<string>;
let checks: CheckJob[];
/** The check of an update; by default it is what was submitted last. */
let check: (job: CheckJob) => Promise<CheckedUpdate>;

const bytesOf = (name: string) => sha256(name);
const submission = (name: string) => ({
  round: round.number,
  attempt: round.attempt,
  sha256: bytesOf(name),
});
const checked = (name: string): CheckedUpdate => ({
  sha256: bytesOf(name),
  bytes: 1000,
  samples: 12,
  norm: 0.5,
});
/** Uploads an update whole, and submits it. */
const send = (clinic: ClinicRecord, name: string): Promise<Signed> => {
  uploads.add(`${clinic.id}/${bytesOf(name)}`);
  return intake.accept(clinic, submission(name));
};
const state = (): StudyState => store.stored(actor.state.id);
const counted = () => openedOf(state().round!)!.updates.map((u) => [u.clinic, u.sha256]);
const refusals = () =>
  store.audit
    .filter((e) => e.action === 'update-refused')
    .map((e) => e.detail as { clinic: string; code: string; refusals: number });
const refused = (code: string) => expect.objectContaining({ code });
/** The deadline comes. */
const isOver = () =>
  actor.apply({ type: 'deadline', attempt: round.attempt, now: 1 }, { actor: 'coordinator' });

beforeEach(async () => {
  [store, files, uploads, checks] = [new MemoryStore(), new MemoryFiles(), new Set(), []];
  round = anOpenRound(aCheckpoint(), { number: 3, cohort: [ONE, TWO] });
  const study = smallStudy({ status: 'running', completed: 2, round });
  await store.createStudy(study, []);
  [one, two] = [ONE, TWO].map((id) => store.addClinic(study.state.id, id)) as [
    ClinicRecord,
    ClinicRecord,
  ];
  await files.saveKey(round.attempt, new Uint8Array(32));
  let last = '';
  check = async () => ({ ...checked(''), sha256: last });
  actor = new StudyActor(study.state, {
    store,
    log: silent,
    perform: async () => undefined,
    onStep: () => undefined,
  });
  intake = new Intake({
    study,
    secretKey: identity.secretKey,
    store,
    files,
    actor,
    now: () => 7,
    log: silent,
    inbox: {
      async finished({ clinic, sha256: hash }: SentUpdate) {
        last = hash;
        if (!uploads.delete(`${clinic}/${hash}`)) throw error('LENTIGO_UPDATE_MALFORMED');
        return 'upload';
      },
      forget: async () => undefined,
    },
    aggregator: {
      aggregate: () => Promise.reject(new Error('nothing is aggregated here')),
      check(job) {
        checks.push(job);
        return check(job);
      },
    },
  });
});

describe('an update', () => {
  it('is checked for what the round and the clinic are, placed, counted and receipted', async () => {
    const signed = await send(one, 'first');
    const receipt = openSigned(TAGS.receipt, Receipt, signed, identity.publicKey);
    expect(receipt).toEqual({
      study: actor.state.id,
      round: 3,
      attempt: round.attempt,
      clinic: ONE,
      sha256: bytesOf('first'),
      samples: 12,
      audit: sha256(JSON.stringify(store.audit)),
    });
    expect(checks).toMatchObject([
      {
        path: files.path(round.attempt, ONE),
        expected: {
          study: actor.state.id,
          round: 3,
          attempt: round.attempt,
          clinic: ONE,
          clinicKey: one.key,
          base: round.from.parameters.sha256,
          count: 96 * 6 + 6,
          ...actor.state.config.updates,
        },
      },
    ]);
    expect(counted()).toEqual([[ONE, bytesOf('first')]]);
    expect(store.audit).toMatchObject([{ actor: ONE, action: 'update', detail: { samples: 12 } }]);
  });

  it('that is declined is recorded once, with who and why, and closes a round that waits for nobody else', async () => {
    const code = 'LENTIGO_UPDATE_SAMPLES';
    const wanted = { round: 3, attempt: round.attempt };
    await expect(intake.decline(two, { ...wanted, round: 4, code })).rejects.toEqual(
      refused('LENTIGO_ROUND_UNKNOWN'),
    );
    await send(one, 'first');
    await intake.decline(two, { ...wanted, code });
    expect(state().round).toMatchObject({
      phase: 'aggregating',
      declines: [{ clinic: TWO, name: two.name, code }],
    });
    expect(store.audit.at(-1)).toEqual({
      actor: TWO,
      action: 'decline',
      detail: { clinic: TWO, name: two.name, ...wanted, code },
    });
    await expect(intake.decline(two, { ...wanted, code })).rejects.toEqual(
      refused('LENTIGO_UPDATE_LATE'),
    );
    expect(store.audit).toHaveLength(2);
  });

  it('sent twice at once is checked once, and gets one receipt', async () => {
    const gate = promised();
    check = async () => {
      await gate.promise;
      return checked('first');
    };
    const answers = [send(one, 'first'), send(one, 'first'), send(one, 'first')];
    await settled();
    gate.resolve();
    const [first, ...others] = await Promise.all(answers);
    expect(others).toEqual([first, first]);
    expect(checks).toHaveLength(1);
    expect(store.audit.map((e) => e.action)).toEqual(['update']);
  });

  it('sent again after it was accepted gets the same receipt, without a check, also when the round is over', async () => {
    const receipt = await send(one, 'first');
    expect(await send(one, 'first')).toEqual(receipt);
    await isOver();
    expect(state().round!.phase).toBe('aggregating');
    expect(await send(one, 'first')).toEqual(receipt);
    expect(checks).toHaveLength(1);
    expect(refusals()).toEqual([]);
  });

  it('that is another than the accepted one is refused, and the accepted one stays', async () => {
    await send(one, 'first');
    await expect(send(one, 'second')).rejects.toEqual(refused('LENTIGO_UPDATE_CONFLICT'));
    expect(counted()).toEqual([[ONE, bytesOf('first')]]);
    expect(await files.has(round.attempt, ONE)).toBe(true);
    expect(checks).toHaveLength(1);
    expect(refusals()).toMatchObject([{ clinic: ONE, code: 'LENTIGO_UPDATE_CONFLICT' }]);
  });

  it('that is another than the one being checked is refused, and does not touch its file', async () => {
    const gate = promised();
    check = async () => {
      await gate.promise;
      return checked('first');
    };
    const first = send(one, 'first');
    await settled();
    await expect(send(one, 'second')).rejects.toEqual(refused('LENTIGO_UPDATE_CONFLICT'));
    expect(await files.has(round.attempt, ONE)).toBe(true);
    gate.resolve();
    await first;
    expect(counted()).toEqual([[ONE, bytesOf('first')]]);
    // of the same moment, the clinic itself may still ask for its receipt
    expect(await send(one, 'first')).toEqual(await first);
  });

  it('of one clinic does not wait for the check of another', async () => {
    const gate = promised();
    check = async ({ expected }) => {
      if (expected.clinic === ONE) await gate.promise;
      return checked(expected.clinic === ONE ? 'first' : 'second');
    };
    const slow = send(one, 'first');
    await send(two, 'second');
    expect(counted()).toEqual([[TWO, bytesOf('second')]]);
    gate.resolve();
    await slow;
    expect(counted()).toHaveLength(2);
  });

  it('whose round closes while it is checked is late, and not counted', async () => {
    await send(two, 'second');
    const gate = promised();
    check = async () => {
      await gate.promise;
      return checked('first');
    };
    const late = send(one, 'first');
    await settled();
    await isOver();
    gate.resolve();
    await expect(late).rejects.toEqual(refused('LENTIGO_UPDATE_LATE'));
    expect(counted()).toEqual([[TWO, bytesOf('second')]]);
    expect(refusals()).toMatchObject([{ clinic: ONE, code: 'LENTIGO_UPDATE_LATE' }]);
  });

  it('is named where it does not belong: late, of a round to come, not invited, of another round', async () => {
    const stranger = store.addClinic(actor.state.id, STRANGER);
    const to = (clinic: ClinicRecord, change: object) =>
      intake.accept(clinic, { ...submission('first'), ...change });
    await expect(to(one, { round: 4 })).rejects.toEqual(refused('LENTIGO_ROUND_UNKNOWN'));
    await expect(to(one, { attempt: randomUUID() })).rejects.toEqual(
      refused('LENTIGO_UPDATE_LATE'),
    );
    await expect(to(one, { round: 2 })).rejects.toEqual(refused('LENTIGO_UPDATE_OTHER_ROUND'));
    await expect(to(stranger, {})).rejects.toEqual(refused('LENTIGO_UPDATE_OTHER_ROUND'));
    await isOver();
    await expect(to(one, {})).rejects.toEqual(refused('LENTIGO_UPDATE_LATE'));
    expect(checks).toEqual([]);
    expect(refusals().map((r) => r.code)).toEqual([
      'LENTIGO_ROUND_UNKNOWN',
      'LENTIGO_UPDATE_LATE',
      'LENTIGO_UPDATE_OTHER_ROUND',
      'LENTIGO_UPDATE_OTHER_ROUND',
      'LENTIGO_UPDATE_LATE',
    ]);
  });

  it('that fails its check is discarded and recorded, and a right one is taken after it', async () => {
    check = async () => {
      throw error('LENTIGO_UPDATE_NORM');
    };
    await expect(send(one, 'first')).rejects.toEqual(refused('LENTIGO_UPDATE_NORM'));
    expect(await files.has(round.attempt, ONE)).toBe(false);
    expect(store.audit).toMatchObject([
      {
        actor: ONE,
        action: 'update-refused',
        detail: {
          clinic: ONE,
          round: 3,
          attempt: round.attempt,
          sha256: bytesOf('first'),
          code: 'LENTIGO_UPDATE_NORM',
          refusals: 1,
        },
      },
    ]);
    check = async () => checked('second');
    await send(one, 'second');
    expect(counted()).toEqual([[ONE, bytesOf('second')]]);
  });

  it('that is not the one that was submitted is refused and discarded', async () => {
    check = async () => checked('another');
    await expect(send(one, 'first')).rejects.toEqual(refused('LENTIGO_UPDATE_ALTERED'));
    expect(await files.has(round.attempt, ONE)).toBe(false);
    expect(counted()).toEqual([]);
  });

  it('that a killed coordinator had placed but not recorded is found again, although its upload is gone', async () => {
    await files.adopt(round.attempt, ONE);
    const receipt = await intake.accept(one, submission('first'));
    expect(openSigned(TAGS.receipt, Receipt, receipt, identity.publicKey).sha256).toBe(
      bytesOf('first'),
    );
    expect(counted()).toEqual([[ONE, bytesOf('first')]]);
  });

  it('of which nothing was uploaded is refused by what the inbox says', async () => {
    await expect(intake.accept(one, submission('first'))).rejects.toEqual(
      refused('LENTIGO_UPDATE_MALFORMED'),
    );
    expect(checks).toEqual([]);
  });
});

describe('a refusal', () => {
  it('is recorded one by one a hundred times for each clinic, then the 200th, the 400th, the 800th', async () => {
    for (let i = 0; i < 900; i++)
      await expect(intake.accept(one, submission(`${i}`))).rejects.toThrow();
    await expect(intake.accept(two, submission('x'))).rejects.toThrow();
    const of = (clinic: string) =>
      refusals()
        .filter((r) => r.clinic === clinic)
        .map((r) => r.refusals);
    expect(of(ONE)).toEqual([...Array.from({ length: 100 }, (_, i) => i + 1), 200, 400, 800]);
    expect(of(TWO)).toEqual([1]);
  });

  it.each(['LENTIGO_DATABASE', 'LENTIGO_DISK_FULL'] as const)(
    'for the moment (%s) is not recorded: nothing is wrong with the update, which is taken when it comes again',
    async (code) => {
      store.fails.transition = [error(code)];
      await expect(send(one, 'first')).rejects.toEqual(refused(code));
      expect(refusals()).toEqual([]);
      expect(await files.has(round.attempt, ONE)).toBe(true);
      await send(one, 'first');
      expect(counted()).toEqual([[ONE, bytesOf('first')]]);
      expect(refusals()).toEqual([]);
    },
  );

  it.each(['LENTIGO_DATABASE', 'LENTIGO_DISK_FULL'] as const)(
    'that the store does not take (%s) is told by its own name, and counted by the next one that it takes',
    async (code) => {
      const first = await intake.accept(one, submission('0')).catch((thrown: unknown) => thrown);
      store.fails.record = [error(code)];
      await expect(intake.accept(one, submission('1'))).rejects.toEqual(first);
      await expect(intake.accept(one, submission('2'))).rejects.toEqual(first);
      expect(refusals().map((r) => r.refusals)).toEqual([1, 3]);
    },
  );

  it('because the coordinator stops is not recorded', async () => {
    const gate = promised();
    check = async () => {
      await gate.promise;
      return checked('first');
    };
    const sent = send(one, 'first');
    await settled();
    await actor.close();
    gate.resolve();
    await expect(sent).rejects.toEqual(refused('LENTIGO_UNREACHABLE'));
    expect(refusals()).toEqual([]);
    expect(await files.has(round.attempt, ONE)).toBe(true);
  });

  it('of a database that stored the update and did not say so: the clinic gets its receipt when it asks again', async () => {
    store.lost.push(error('LENTIGO_DATABASE'));
    await expect(send(one, 'first')).rejects.toEqual(refused('LENTIGO_DATABASE'));
    const { receipt } = (await store.receipt(round.attempt, ONE))!;
    expect(await send(one, 'first')).toEqual(receipt);
    expect([checks.length, counted()]).toEqual([1, [[ONE, bytesOf('first')]]]);
  });
});

describe('the largest update', () => {
  it('holds the trainable parameters as the study encodes them, and an envelope around them', () => {
    const values = 96 * 6 + 6;
    expect(intake.largestUpdate()).toBeGreaterThan(values);
    expect(intake.largestUpdate()).toBeLessThan(values * 1.1 + 70 * 1024);
  });
});
