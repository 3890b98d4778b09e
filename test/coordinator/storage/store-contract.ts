// What the store promises, whichever database is under it.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Signed } from '../../../common/protocol/round.js';
import type {
  Checkpoint,
  ClosedRound,
  FailedRound,
  OpenRound,
  Opened,
  RoundState,
  StudyState,
} from '../../../coordinator/rounds/state.js';
import type { Database } from '../../../coordinator/storage/database.js';
import { Store } from '../../../coordinator/storage/store.js';
import {
  aBlob,
  aClinic,
  anOpenRound,
  anUpdate,
  aRound,
  aStudy,
  enrolled,
  runningStudy,
  sha256,
  someMetrics,
} from './fixtures.js';

type WithOpenRound = StudyState & { readonly round: OpenRound };

const receiptFor = (auditHead: string): Signed => ({
  body: JSON.stringify({ audit: auditHead }),
  signature: 'A'.repeat(86) + '==',
});

/**
 * @param missing why there is no such database here; undefined when there is.
 * @param open opens an empty database, with what its tests need cleared away by `close`.
 */
export function storeContract(
  name: string,
  missing: string | undefined,
  open: () => Promise<Database>,
): void {
  if (missing !== undefined) console.warn(`skipped: the store on ${name} (${missing})`);
  describe.skipIf(missing !== undefined)(`the store on ${name}`, () => {
    let database: Database;
    let store: Store;
    let now = Date.UTC(2026, 2, 29, 1, 30, 0, 123);

    beforeAll(async () => {
      database = await open();
      store = new Store(database, () => now);
    });
    afterAll(async () => database.close());

    /** A study with an open round and `clinics` enrolled. */
    async function openRound(clinics: number): Promise<{ state: WithOpenRound; cohort: string[] }> {
      const running = await runningStudy(store);
      const cohort: string[] = [];
      for (let i = 0; i < clinics; i++) cohort.push(await enrolled(store, running.id));
      cohort.sort();
      const opened = { cohort, openedAt: now, deadlineAt: now + 60_000 };
      const round = anOpenRound(running.next, opened);
      const { version } = await store.transition(
        { ...running, round },
        { audit: [{ actor: 'coordinator', action: 'open' }] },
      );
      return { state: { ...running, version, round }, cohort };
    }

    /** The state with one more update, in clinic-id order. */
    function withUpdate(state: WithOpenRound, clinic: string): WithOpenRound {
      const updates = [...state.round.updates, anUpdate(clinic)].sort((a, b) =>
        a.clinic < b.clinic ? -1 : 1,
      );
      return { ...state, round: { ...state.round, updates } };
    }
    const accept = (next: StudyState, clinic: string) =>
      store.transition(next, {
        audit: [{ actor: clinic, action: 'update' }],
        update: { clinic, receipt: receiptFor },
      });
    /** All that is stored of a study. */
    const allOf = async (study: string) => [
      await store.study(study),
      await store.rounds(study),
      await store.audit(study),
      await store.evaluations(study),
    ];

    /** Runs SQL that the audit table's trigger would refuse. */
    async function tamper(sql: string, values: unknown[]): Promise<void> {
      await database.pool.query('ALTER TABLE "AuditEntry" DISABLE TRIGGER audit_append_only');
      await database.pool.query(sql, values);
      await database.pool.query('ALTER TABLE "AuditEntry" ENABLE TRIGGER audit_append_only');
    }

    it('returns a study as it was created, and refuses one it does not have', async () => {
      const study = aStudy();
      const { auditHead } = await store.createStudy(study, [
        { actor: 'admin', action: 'study-created', detail: { name: 'x' } },
      ]);
      expect(await store.study(study.state.id)).toEqual({ ...study, createdAt: now, auditHead });
      expect((await store.studies()).map((s) => s.state.id)).toContain(study.state.id);
      await expect(store.study(randomUUID())).rejects.toMatchObject({
        code: 'LENTIGO_STUDY_UNKNOWN',
      });
      await expect(
        store.transition({ ...study.state, id: randomUUID() }, { audit: [] }),
      ).rejects.toMatchObject({ code: 'LENTIGO_STUDY_UNKNOWN' });
    });

    it('returns any state exactly as a transition wrote it', async () => {
      const { state, cohort } = await openRound(3);
      const blob = fc.record({ sha256: fc.stringMatching(/^[0-9a-f]{64}$/), bytes: fc.nat() });
      const checkpoint: fc.Arbitrary<Checkpoint> = fc.record({
        parameters: blob,
        strategyState: fc.option(blob),
      });
      const time = fc.integer({ min: 0, max: 4e12 });
      const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'));
      const attempt = { number: fc.nat(), attempt: fc.uuid({ version: 7 }), from: checkpoint };
      const opened = {
        cohort: fc.subarray(cohort),
        roundKey: fc.base64String(),
        quorum: fc.nat(),
        declines: fc.constantFrom(
          [],
          [{ clinic: 'ab'.repeat(16), name: 'Praxis', code: 'LENTIGO_DISK_FULL' as const }],
        ),
        terms: fc.record({ body: text, signature: fc.constant('A'.repeat(86) + '==') }),
        openedAt: time,
        deadlineAt: time,
        updates: fc.constant([]),
      };
      const maybeOpened: fc.Arbitrary<Opened | null> = fc.option(fc.record(opened));
      const phase = <P extends RoundState['phase']>(name: P) => ({ phase: fc.constant(name) });
      const round: fc.Arbitrary<RoundState> = fc.oneof(
        fc.record({ ...attempt, ...phase('planned') }),
        fc.record({ ...attempt, ...opened, ...phase('open') }),
        fc.record({ ...attempt, ...opened, ...phase('aggregating') }),
        fc.record({
          ...attempt,
          ...phase('evaluating'),
          opened: maybeOpened,
          result: checkpoint,
        }),
        fc.record({
          ...attempt,
          ...phase('closed'),
          opened: maybeOpened,
          result: checkpoint,
          closedAt: time,
        }),
        fc.record({
          ...attempt,
          ...phase('failed'),
          opened: maybeOpened,
          reason: text,
          closedAt: time,
        }),
      );
      const states = fc.record({
        status: fc.constantFrom('running', 'paused', 'stopped', 'completed'),
        reason: fc.option(text),
        next: checkpoint,
        completed: fc.nat(),
        sinceBest: fc.nat(),
        misses: fc.nat(),
        best: fc.option(
          fc.record({
            round: fc.nat(),
            score: fc.double({ min: 0, max: 1, noNaN: true }),
            result: checkpoint,
          }),
        ),
        round: fc.option(round),
      });
      let { version } = state;
      await fc.assert(
        fc.asyncProperty(states, async (changes) => {
          const next: StudyState = { ...state, ...changes, version };
          const committed = await store.transition(next, { audit: [] });
          expect(committed.version).toBe(version + 1);
          ({ version } = committed);
          expect((await store.study(state.id)).state).toEqual({ ...next, version });
        }),
        { numRuns: 40 },
      );
    });

    it('refuses a step that was computed from an older version, and stores nothing of it', async () => {
      const { state, cohort } = await openRound(2);
      const paused: StudyState = { ...state, status: 'paused', reason: 'first' };
      await store.transition(paused, { audit: [{ actor: 'admin', action: 'pause' }] });
      const before = await allOf(state.id);
      const older: StudyState = { ...withUpdate(state, cohort[0]!), completed: 7 };
      await expect(
        store.transition(older, {
          audit: [{ actor: cohort[0]!, action: 'update' }],
          evaluation: {
            attempt: state.round.attempt,
            validation: someMetrics(),
            heldout: someMetrics(),
            seconds: 1,
            model: aBlob(),
          },
          update: { clinic: cohort[0]!, receipt: receiptFor },
          withdrawn: cohort[1]!,
        }),
      ).rejects.toMatchObject({ code: 'LENTIGO_STUDY_CHANGED' });
      expect(await allOf(state.id)).toEqual(before);
      expect(await store.clinic(state.id, cohort[1]!)).toMatchObject({ state: 'pending' });
      // computed again from what is stored now, it is taken
      const { state: stored } = await store.study(state.id);
      await store.transition({ ...stored, completed: 7 }, { audit: [] });
      expect((await store.study(state.id)).state).toEqual({
        ...paused,
        version: stored.version + 1,
        completed: 7,
      });
    });

    it('takes exactly one of several steps that were computed from the same version', async () => {
      const { state } = await openRound(1);
      const steps = [1, 2, 3, 4].map((completed) =>
        store.transition({ ...state, completed }, { audit: [{ actor: 'admin', action: 'step' }] }),
      );
      const results = await Promise.allSettled(steps);
      const taken = results.flatMap((r, i) => (r.status === 'fulfilled' ? [i + 1] : []));
      expect(taken).toHaveLength(1);
      for (const result of results)
        if (result.status === 'rejected')
          expect(result.reason).toMatchObject({ code: 'LENTIGO_STUDY_CHANGED' });
      expect((await store.study(state.id)).state.completed).toBe(taken[0]);
      expect((await store.audit(state.id)).filter((e) => e.action === 'step')).toHaveLength(1);
    });

    it('adds up what is downloaded for an attempt, and no step forgets it', async () => {
      const { state } = await openRound(1);
      const { attempt } = state.round;
      const bytesDown = async () => [
        (await store.rounds(state.id)).map((r) => r.bytesDown),
        (await store.roundSums(state.id)).map((r) => r.bytesDown),
      ];
      expect(await bytesDown()).toEqual([[0], [0]]);
      await Promise.all([1, 20, 300].map((bytes) => store.addTraffic(attempt, bytes)));
      const aggregating: StudyState = { ...state, round: { ...state.round, phase: 'aggregating' } };
      await store.transition(aggregating, { audit: [] });
      expect(await bytesDown()).toEqual([[321], [321]]);
      await store.addTraffic(attempt, 2 ** 40);
      await store.addTraffic(randomUUID(), 5); // of no attempt: counted nowhere
      expect(await bytesDown()).toEqual([[2 ** 40 + 321], [2 ** 40 + 321]]);
      expect((await store.study(state.id)).state).toEqual({
        ...aggregating,
        version: state.version + 1,
      });
    });

    it('keeps every attempt at a round, with the updates of each', async () => {
      const { state, cohort } = await openRound(2);
      const first = withUpdate(state, cohort[1]!);
      const accepted = await accept(first, cohort[1]!);
      const { number, attempt, from, phase: _, ...opened } = first.round;
      const failed: FailedRound = {
        number,
        attempt,
        from,
        opened,
        phase: 'failed',
        reason: 'quorum missed',
        closedAt: now,
      };
      const missed = await store.transition(
        { ...first, version: accepted.version, misses: 1, round: failed },
        { audit: [{ actor: 'coordinator', action: 'deadline' }] },
      );
      now += 1000;
      const again = aRound(state.next);
      await store.transition(
        { ...first, version: missed.version, misses: 1, round: again },
        { audit: [{ actor: 'coordinator', action: 'plan' }] },
      );
      const rounds = await store.rounds(state.id);
      expect(rounds.map((r) => [r.attempt, r.phase, r.updates.length])).toEqual([
        [failed.attempt, 'failed', 1],
        [again.attempt, 'planned', 0],
      ]);
      expect(rounds[0]!.updates[0]).toEqual({ ...opened.updates[0], acceptedAt: now - 1000 });
      expect(rounds[1]!.plannedAt).toBe(now);
      expect((await store.study(state.id)).state.round).toEqual(again);
    });

    it('signs a receipt that names the audit entry of its update, and gives the same one again', async () => {
      const { state, cohort } = await openRound(1);
      const clinic = cohort[0]!;
      const next = withUpdate(state, clinic);
      const { auditHead, receipt } = await accept(next, clinic);
      expect(receipt).toEqual(receiptFor(auditHead));
      expect((await store.audit(state.id)).at(-1)).toMatchObject({
        hash: auditHead,
        actor: clinic,
        action: 'update',
      });
      expect(await store.receipt(state.round.attempt, clinic)).toEqual({
        sha256: next.round.updates[0]!.sha256,
        receipt,
      });
      expect(await store.receipt(state.round.attempt, 'f'.repeat(32))).toBeNull();
    });

    it('refuses a second update of a clinic in a round, and keeps the first', async () => {
      const { state, cohort } = await openRound(1);
      const first = withUpdate(state, cohort[0]!);
      const { version } = await accept(first, cohort[0]!);
      const second = { ...withUpdate(state, cohort[0]!), version };
      await expect(accept(second, cohort[0]!)).rejects.toMatchObject({
        code: 'LENTIGO_UPDATE_CONFLICT',
      });
      expect((await store.study(state.id)).state).toEqual({ ...first, version });
    });

    it('refuses a state that counts an update which is not stored', async () => {
      const { state, cohort } = await openRound(1);
      await expect(
        store.transition(withUpdate(state, cohort[0]!), { audit: [] }),
      ).rejects.toMatchObject({ code: 'LENTIGO_INTERNAL' });
      expect((await store.study(state.id)).state).toEqual(state);
    });

    it('stores nothing of a transition whose audit entry or receipt fails', async () => {
      const { state, cohort } = await openRound(1);
      const clinic = cohort[0]!;
      const before = await allOf(state.id);
      const next: StudyState = { ...withUpdate(state, clinic), status: 'paused', completed: 1 };
      const evaluation = {
        attempt: state.round.attempt,
        validation: someMetrics(),
        heldout: someMetrics(),
        seconds: 1,
        model: aBlob(),
      };
      // a text column takes no NUL: the database itself refuses the last statement
      const fails = [
        store.transition(next, {
          audit: [
            { actor: clinic, action: 'update' },
            { actor: 'nul \0', action: 'x' },
          ],
          evaluation,
          update: { clinic, receipt: receiptFor },
        }),
        store.transition(next, {
          audit: [{ actor: clinic, action: 'update' }],
          evaluation,
          update: { clinic, receipt: () => Promise.reject(new Error('no key')) },
        }),
      ];
      for (const result of await Promise.allSettled(fails)) expect(result.status).toBe('rejected');
      expect(await allOf(state.id)).toEqual(before);
    });

    it('returns evaluations by round, undefined scores as null', async () => {
      const { state } = await openRound(1);
      const evaluation = {
        attempt: state.round.attempt,
        validation: someMetrics(),
        heldout: someMetrics(),
        seconds: 12.5,
        model: aBlob(),
      };
      const { number, attempt, from, phase: _, ...opened } = state.round;
      const closed: ClosedRound = {
        number,
        attempt,
        from,
        opened,
        phase: 'closed',
        result: { parameters: evaluation.model, strategyState: null },
        closedAt: now,
      };
      await store.transition({ ...state, round: closed }, { audit: [], evaluation });
      expect(await store.evaluations(state.id)).toEqual([
        { ...evaluation, round: 1, evaluatedAt: now },
      ]);
      expect(Object.values(evaluation.validation)).toContain(null);
    });

    it('enrols exactly one of many clinics that use one invitation at once', async () => {
      const { id } = await runningStudy(store);
      const secretHash = sha256(randomUUID());
      await store.invite(id, { clinicName: 'Praxis', secretHash, expiresAt: now + 1000 }, 'admin');
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => store.enrol(id, { secretHash, ...aClinic() })),
      );
      const won = results.filter((r) => r.status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const r of results)
        if (r.status === 'rejected')
          expect(r.reason).toMatchObject({ code: 'LENTIGO_INVITATION_USED' });
      expect(await store.clinics(id)).toEqual([won[0]!.value]);
      expect(await store.invitations(id)).toMatchObject([
        { usedBy: won[0]!.value.id, usedAt: now },
      ]);
    });

    it('answers the key that used an invitation with its present state, also after the invitation expired', async () => {
      const { id } = await runningStudy(store);
      const clinic = aClinic();
      const secretHash = sha256(randomUUID());
      await store.invite(id, { clinicName: 'Praxis', secretHash, expiresAt: now + 1000 }, 'admin');
      expect(await store.enrol(id, { secretHash, ...clinic })).toMatchObject({
        id: clinic.clinicId,
        state: 'pending',
        key: clinic.key,
        name: clinic.name,
      });
      await store.setClinicState(id, clinic.clinicId, 'approved', 'admin');
      const entries = (await store.audit(id)).length;
      now += 5000;
      expect(await store.enrol(id, { secretHash, ...clinic })).toMatchObject({ state: 'approved' });
      expect(await store.audit(id)).toHaveLength(entries);
    });

    it('refuses an invitation that is unknown, expired, or of another study', async () => {
      const [one, other] = [await runningStudy(store), await runningStudy(store)];
      const secretHash = sha256(randomUUID());
      await store.invite(
        one.id,
        { clinicName: 'Praxis', secretHash, expiresAt: now + 1000 },
        'admin',
      );
      await expect(
        store.enrol(one.id, { secretHash: sha256('guessed'), ...aClinic() }),
      ).rejects.toMatchObject({ code: 'LENTIGO_INVITATION_INVALID' });
      await expect(store.enrol(other.id, { secretHash, ...aClinic() })).rejects.toMatchObject({
        code: 'LENTIGO_INVITATION_OTHER_STUDY',
      });
      now += 1000;
      await expect(store.enrol(one.id, { secretHash, ...aClinic() })).rejects.toMatchObject({
        code: 'LENTIGO_INVITATION_EXPIRED',
      });
      expect(await store.clinics(one.id)).toEqual([]);
    });

    it('does not let a revoked clinic back in with another invitation', async () => {
      const { id } = await runningStudy(store);
      const clinic = aClinic();
      for (const state of ['pending', 'revoked']) {
        const secretHash = sha256(randomUUID());
        await store.invite(
          id,
          { clinicName: 'Praxis', secretHash, expiresAt: now + 1000 },
          'admin',
        );
        expect(await store.enrol(id, { secretHash, ...clinic })).toMatchObject({ state });
        await store.setClinicState(id, clinic.clinicId, 'revoked', 'admin');
      }
      expect(await store.clinic(id, clinic.clinicId)).toMatchObject({
        state: 'revoked',
        decidedAt: now,
      });
      await expect(
        store.setClinicState(id, 'f'.repeat(32), 'approved', 'admin'),
      ).rejects.toMatchObject({ code: 'LENTIGO_CLINIC_UNKNOWN' });
    });

    it('writes one unbroken audit chain, however many write to a study at once', async () => {
      const { state, cohort } = await openRound(4);
      const ticked = { b: 1, a: [null, 'ü\u2028\ud800', 1e21, -0.5] };
      const tick = async (): Promise<void> => {
        const { state: stored } = await store.study(state.id);
        await store
          .transition(stored, {
            audit: [{ actor: 'coordinator', action: 'tick', detail: ticked }],
          })
          .catch((thrown: { code?: string }) => {
            if (thrown.code !== 'LENTIGO_STUDY_CHANGED') throw thrown;
            return tick(); // another step came between: computed again
          });
      };
      await Promise.all([
        ...cohort.map((clinic) => store.setClinicState(state.id, clinic, 'approved', 'admin')),
        ...cohort.map(tick),
        store.record(state.id, [{ actor: cohort[0]!, action: 'challenge-failed' }]),
      ]);
      const audit = await store.audit(state.id);
      expect(audit.map((e) => e.seq)).toEqual(audit.map((_, i) => i + 1));
      expect(audit.filter((e) => e.action === 'tick')).toHaveLength(4);
      expect(audit.find((e) => e.action === 'tick')!.detail).toEqual({
        a: [null, 'ü\u2028\ud800', 1e21, -0.5],
        b: 1,
      });
      expect(await store.verifyAudit(state.id)).toEqual({ ok: true, entries: audit.length });
      expect((await store.study(state.id)).auditHead).toBe(audit.at(-1)!.hash);
    });

    it('refuses to change, delete or truncate audit entries', async () => {
      const { id } = await runningStudy(store);
      for (const sql of [
        `UPDATE "AuditEntry" SET actor = 'nobody'`,
        'DELETE FROM "AuditEntry"',
        'TRUNCATE "AuditEntry"',
      ]) {
        await expect(database.pool.query(sql)).rejects.toThrow('append-only');
      }
      expect(await store.verifyAudit(id)).toMatchObject({ ok: true });
    });

    it('finds an audit entry that was altered, moved, dropped or cut off the end around the trigger', async () => {
      const chain = async () => {
        const { id } = await runningStudy(store);
        await store.record(
          id,
          Array.from({ length: 5 }, (_, i) => ({ actor: 'admin', action: `step ${i}` })),
        );
        return id; // six entries
      };
      const tampering: [string, number][] = [
        [`UPDATE "AuditEntry" SET action = 'innocent' WHERE "studyId" = $1 AND seq = 3`, 3],
        [`UPDATE "AuditEntry" SET at = at + interval '1 hour' WHERE "studyId" = $1 AND seq = 4`, 4],
        [
          `UPDATE "AuditEntry" SET seq = CASE seq WHEN 2 THEN 102 ELSE seq END WHERE "studyId" = $1`,
          2,
        ],
        [`DELETE FROM "AuditEntry" WHERE "studyId" = $1 AND seq = 1`, 1],
        [`DELETE FROM "AuditEntry" WHERE "studyId" = $1 AND seq > 4`, 5],
      ];
      for (const [sql, brokenAt] of tampering) {
        const id = await chain();
        expect(await store.verifyAudit(id)).toEqual({ ok: true, entries: 6 });
        await tamper(sql, [id]);
        expect(await store.verifyAudit(id), sql).toEqual({ ok: false, brokenAt });
      }
    });
  });
}
