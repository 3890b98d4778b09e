// The round machine: its decisions one by one, and what holds whatever happens in whatever order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../common/errors.js';
import { StudyConfig } from '../../../common/protocol/study.js';
import type { ChangeStudy } from '../../../common/protocol/console.js';
import { pending, step, type Event } from '../../../coordinator/rounds/machine.js';
import { openedOf, type StudyState } from '../../../coordinator/rounds/state.js';

const blob = (name: string) => ({ sha256: name, bytes: 1 });
/** The parameters of a round, and what the strategy remembers of it. */
const checkpoint = (name: string) => ({
  parameters: blob(name),
  strategyState: blob(`${name}/state`),
});
const draft = (over: object = {}): StudyState => ({
  id: 'study',
  version: 0,
  config: StudyConfig.parse({
    name: 's',
    model: 'm',
    rounds: 3,
    cohort: { minimum: 3, quorum: 2, attempts: 2 },
    evaluation: { data: 'd', ...over },
  }),
  status: 'draft',
  reason: null,
  start: blob('start'),
  next: checkpoint('base0'),
  completed: 0,
  best: null,
  sinceBest: 0,
  misses: 0,
  round: null,
});
const update = (clinic: string) => ({ clinic, sha256: clinic, bytes: 1, samples: 10, norm: 1 });
const decline = (clinic: string, code: ErrorCode = 'LENTIGO_DISK_FULL', now = 5): Event => ({
  type: 'decline',
  attempt: 'r1',
  decline: { clinic, name: `Praxis ${clinic}`, code },
  now,
});
const run = (state: StudyState, ...events: Event[]) =>
  events.reduce((s, e) => step(s, e).state, state);
const open = (attempt: string): Event => ({
  type: 'open',
  attempt,
  cohort: ['c', 'a', 'b'],
  roundKey: 'k',
  terms: { body: attempt, signature: 's' },
  now: 1000,
});
const evaluatedStart: Event[] = [
  { type: 'start' },
  { type: 'plan', attempt: 'r0' },
  { type: 'evaluated', attempt: 'r0', score: 0.3, now: 1 },
];
const round = (n: number, score: number): Event[] => [
  { type: 'plan', attempt: `r${n}` },
  open(`r${n}`),
  ...['a', 'b', 'c'].map((c): Event => ({ type: 'update', attempt: `r${n}`, update: update(c) })),
  { type: 'aggregated', attempt: `r${n}`, result: checkpoint(`base${n}`) },
  { type: 'evaluated', attempt: `r${n}`, score, now: n },
];

describe('the round machine', () => {
  it('evaluates the starting model as round 0 and counts it as the best so far', () => {
    const started = run(draft(), { type: 'start' }, { type: 'plan', attempt: 'r0' });
    expect(pending(started)).toEqual([{ type: 'evaluate' }]);
    const after = run(draft(), ...evaluatedStart);
    expect(after.best).toEqual({ round: 0, score: 0.3, result: checkpoint('base0') });
    expect(pending(after)).toEqual([{ type: 'forget', attempt: 'r0' }, { type: 'plan' }]);
  });
  it('announces a round once, not again with each update', () => {
    const planned = run(draft(), ...evaluatedStart, { type: 'plan', attempt: 'r1' });
    const opened = step(planned, open('r1'));
    expect(opened.effects).toEqual([{ type: 'announce' }]);
    expect(
      step(opened.state, { type: 'update', attempt: 'r1', update: update('a') }).effects,
    ).toEqual([]);
  });
  it('aggregates as soon as the whole cohort has returned, in clinic-id order', () => {
    const state = run(draft(), ...evaluatedStart, ...round(1, 0.4).slice(0, 5));
    expect(state.round?.phase).toBe('aggregating');
    expect(openedOf(state.round!)?.updates.map((u) => u.clinic)).toEqual(['a', 'b', 'c']);
  });
  it('aggregates at the deadline with a quorum and fails without one', () => {
    const opened = run(draft(), ...evaluatedStart, { type: 'plan', attempt: 'r1' }, open('r1'), {
      type: 'update',
      attempt: 'r1',
      update: update('a'),
    });
    const missed = run(opened, { type: 'deadline', attempt: 'r1', now: 9 });
    expect(missed.round).toMatchObject({
      phase: 'failed',
      closedAt: 9,
      reason: expect.stringContaining('quorum is 2') as string,
    });
    const met = run(
      opened,
      { type: 'update', attempt: 'r1', update: update('b') },
      { type: 'deadline', attempt: 'r1', now: 9 },
    );
    expect(met.round?.phase).toBe('aggregating');
  });
  it('pauses after too many missed quorums in a row, and tries again when resumed', () => {
    const miss = (a: string): Event[] => [
      { type: 'plan', attempt: a },
      open(a),
      { type: 'deadline', attempt: a, now: 9 },
    ];
    const state = run(draft(), ...evaluatedStart, ...miss('x'), ...miss('y'));
    expect(state.status).toBe('paused');
    const resumed = step(state, { type: 'resume' });
    expect(resumed.effects).toContainEqual({ type: 'plan' });
    expect(run(resumed.state, { type: 'plan', attempt: 'z' }).round?.number).toBe(1);
  });
  it('ignores an update from outside the cohort, a second one, and one for another attempt', () => {
    const opened = run(draft(), ...evaluatedStart, { type: 'plan', attempt: 'r1' }, open('r1'), {
      type: 'update',
      attempt: 'r1',
      update: update('a'),
    });
    for (const e of [
      { attempt: 'r1', update: update('z') },
      { attempt: 'r1', update: update('a') },
      { attempt: 'r0', update: update('b') },
    ]) {
      expect(run(opened, { type: 'update', ...e })).toBe(opened);
    }
  });
  it('lets validation choose the best round and completes after the last', () => {
    const state = run(
      draft(),
      ...evaluatedStart,
      ...round(1, 0.5),
      ...round(2, 0.7),
      ...round(3, 0.6),
    );
    expect(state).toMatchObject({
      status: 'completed',
      completed: 3,
      best: { round: 2, score: 0.7 },
      next: checkpoint('base3'),
    });
    expect(pending(state)).toEqual([{ type: 'forget', attempt: 'r3' }]);
  });
  it('stops early when validation has not improved for `patience` rounds', () => {
    expect(run(draft({ patience: 1 }), ...evaluatedStart, ...round(1, 0.2))).toMatchObject({
      status: 'completed',
      completed: 1,
    });
  });
  it('undoes a round that hurt: the next starts from the best model, and from what the strategy remembered of it', () => {
    const state = run(
      draft({ rollbackBelow: 0.05 }),
      ...evaluatedStart,
      ...round(1, 0.5),
      ...round(2, 0.4),
    );
    expect(state.next).toEqual(checkpoint('base1'));
    expect(run(state, { type: 'plan', attempt: 'r3' }).round?.from).toEqual(checkpoint('base1'));
  });
  it('a revoked clinic leaves the open round with its update', () => {
    const opened = run(
      draft(),
      ...evaluatedStart,
      { type: 'plan', attempt: 'r1' },
      open('r1'),
      { type: 'update', attempt: 'r1', update: update('a') },
      { type: 'update', attempt: 'r1', update: update('b') },
    );
    expect(run(opened, { type: 'revoke', clinic: 'c', now: 2 }).round).toMatchObject({
      phase: 'aggregating',
      cohort: ['a', 'b'],
    });
    expect(run(opened, { type: 'revoke', clinic: 'b', now: 2 }).round).toMatchObject({
      phase: 'open',
      cohort: ['a', 'c'],
      updates: [update('a')],
    });
  });
  describe('a clinic that declines', () => {
    const opened = run(draft(), ...evaluatedStart, { type: 'plan', attempt: 'r1' }, open('r1'));
    const sent = (clinic: string): Event => ({
      type: 'update',
      attempt: 'r1',
      update: update(clinic),
    });

    it('is not waited for: with its quorum the round closes when all others have returned, in whatever order', () => {
      for (const events of [
        [decline('b'), sent('a'), sent('c')],
        [sent('a'), decline('b'), sent('c')],
        [sent('a'), sent('c'), decline('b')],
      ]) {
        expect(run(opened, ...events.slice(0, 2)).round?.phase).toBe('open');
        const { round: closed } = run(opened, ...events);
        expect(closed).toMatchObject({
          phase: 'aggregating',
          updates: [update('a'), update('c')],
          declines: [{ clinic: 'b', name: 'Praxis b', code: 'LENTIGO_DISK_FULL' }],
        });
      }
    });
    it('fails the round at once when the quorum is out of reach, and the reason names who and why', () => {
      const state = run(
        opened,
        sent('a'),
        decline('b'),
        decline('c', 'LENTIGO_ENGINE_UNAVAILABLE'),
      );
      expect(state).toMatchObject({
        status: 'running',
        misses: 1,
        round: {
          phase: 'failed',
          closedAt: 5,
          reason: expect.stringMatching(
            /^1 of 3 .* quorum is 2\. Praxis b declined \(LENTIGO_DISK_FULL\): .*\. Praxis c declined \(LENTIGO_ENGINE_UNAVAILABLE\)/,
          ) as string,
        },
      });
      const again: Event[] = [
        { type: 'plan', attempt: 'r2' },
        open('r2'),
        { ...decline('b'), attempt: 'r2' } as Event,
        { ...decline('c'), attempt: 'r2' } as Event,
      ];
      expect(run(state, ...again)).toMatchObject({ status: 'paused', misses: 2 });
    });
    it('for a reason that would only come again pauses the study at once, with the advice', () => {
      const codes = ['LENTIGO_UPDATE_NOT_FINITE', 'LENTIGO_UPDATE_NOT_FINITE'] as const;
      const state = run(opened, decline('a', codes[0]), decline('b', codes[1]));
      expect(state).toMatchObject({
        status: 'paused',
        reason: expect.stringMatching(
          /^round 1 can't succeed: 0 of 3 .*Praxis a, Praxis b declined \(LENTIGO_UPDATE_NOT_FINITE\).*lower training\.learningRate/,
        ) as string,
      });
      // With one of them for another reason the next attempt may have its quorum.
      expect(run(opened, decline('a', codes[0]), decline('b')).status).toBe('running');
    });
    it('counts once, by its first reason, and not after its update nor from outside the cohort', () => {
      const declined = run(opened, decline('a'));
      expect(run(declined, decline('a'))).toBe(declined);
      expect(run(declined, decline('a', 'LENTIGO_UPDATE_NORM'))).toBe(declined);
      const returned = run(opened, sent('a'));
      expect(run(returned, decline('a'))).toBe(returned);
      expect(run(opened, decline('z'))).toBe(opened);
    });
    it('may still return while the round is open: the update takes the place of the decline', () => {
      const state = run(opened, decline('a'), sent('a'));
      expect(state.round).toMatchObject({ phase: 'open', updates: [update('a')], declines: [] });
    });
    it('and is revoked is gone; a revocation that leaves too few that can deliver fails the round at once', () => {
      const declined = run(opened, decline('a'));
      expect(run(declined, { type: 'revoke', clinic: 'a', now: 2 }).round).toMatchObject({
        phase: 'open',
        cohort: ['b', 'c'],
        declines: [],
      });
      expect(run(declined, { type: 'revoke', clinic: 'b', now: 2 }).round).toMatchObject({
        phase: 'failed',
        reason: expect.stringMatching(/1 are left; the quorum is 2\. Praxis a declined/) as string,
      });
    });
    it('is named at the deadline, too', () => {
      const state = run(opened, decline('a'), { type: 'deadline', attempt: 'r1', now: 9 });
      expect(state.round).toMatchObject({
        phase: 'failed',
        reason: expect.stringMatching(/by the deadline; .*Praxis a declined/) as string,
      });
    });
  });
  it('a failure of aggregation pauses the study, and resuming tries the same round again', () => {
    const aggregating = run(draft(), ...evaluatedStart, ...round(1, 0.4).slice(0, 5));
    const paused = run(aggregating, { type: 'work-failed', attempt: 'r1', reason: 'disk' });
    expect(paused).toMatchObject({ status: 'paused', reason: 'disk' });
    expect(step(paused, { type: 'resume' }).effects).toEqual([{ type: 'aggregate' }]);
  });
  describe('a change', () => {
    const change = (to: ChangeStudy): Event => ({ type: 'change', change: to });
    const completed = run(
      draft({ patience: 2 }),
      ...evaluatedStart,
      ...round(1, 0.2),
      ...round(2, 0.2),
    );
    const paused = run(draft(), ...evaluatedStart, ...round(1, 0.4), { type: 'pause' });

    it('of a completed study lets it be resumed, and it goes on after its last round, with fresh patience', () => {
      expect(completed.status).toBe('completed');
      const changed = run(completed, change({ rounds: 5, deadlineSeconds: 60 }));
      expect(changed).toMatchObject({
        status: 'paused',
        config: { rounds: 5, cohort: { minimum: 3, quorum: 2, deadlineSeconds: 60 } },
      });
      const resumed = step(changed, { type: 'resume' });
      expect(resumed.effects).toContainEqual({ type: 'plan' });
      const opened = run(resumed.state, { type: 'plan', attempt: 'r3' }, open('r3'));
      expect(opened.round).toMatchObject({ number: 3, deadlineAt: 1000 + 60_000 });
      expect(run(resumed.state, ...round(3, 0.2)).status).toBe('running');
    });
    it('does not touch the round that is open', () => {
      const opened = run(paused, { type: 'resume' }, { type: 'plan', attempt: 'r2' }, open('r2'), {
        type: 'pause',
      });
      const changed = run(opened, change({ quorum: 3, deadlineSeconds: 5, rounds: 2 }));
      expect(changed.round).toEqual(opened.round);
      const two = ['a', 'b'].map((c): Event => ({
        type: 'update',
        attempt: 'r2',
        update: update(c),
      }));
      const due = run(changed, ...two, { type: 'deadline', attempt: 'r2', now: 9 });
      expect(due.round?.phase).toBe('aggregating'); // by its own quorum of 2
    });
    it('to the rounds that are done completes the study', () => {
      expect(run(paused, change({ rounds: 1 }))).toMatchObject({
        status: 'completed',
        reason: 'all 1 rounds are done',
      });
    });
    it('is refused while the study runs or once it is stopped, and where it can not be', () => {
      const stopped = run(paused, { type: 'stop', now: 1 });
      for (const state of [draft(), run(draft(), ...evaluatedStart), stopped])
        expect(() => step(state, change({ rounds: 9 }))).toThrow(/while it is paused/);
      expect(() => step(paused, change({ quorum: 4 }))).toThrow(/cohort.minimum 3/);
      expect(() => step(completed, change({ rounds: 1 }))).toThrow(/at round 2/);
      expect(step(paused, change({ rounds: 3, quorum: 2 })).state).toBe(paused);
    });
  });
  it('refuses what the state does not allow', () => {
    expect(() => step(draft(), { type: 'pause' })).toThrow(/draft/);
    const stopped = run(draft(), { type: 'stop', now: 1 });
    expect(() => step(stopped, { type: 'start' })).toThrow(/stopped/);
  });
  it('under any events: rounds only count up, at most one answer a clinic, never outside the cohort, no open round that waits for nobody or in vain, and the best never falls', () => {
    const attempt = fc.constantFrom('r0', 'r1', 'r2', 'r3');
    const clinic = fc.constantFrom('a', 'b', 'c', 'z');
    const event: fc.Arbitrary<Event> = fc.oneof(
      fc.record({ type: fc.constantFrom('start' as const, 'pause' as const, 'resume' as const) }),
      fc.record({ type: fc.constant('stop' as const), now: fc.nat() }),
      fc.record({ type: fc.constant('plan' as const), attempt }),
      attempt.map(open),
      fc.record({ type: fc.constant('update' as const), attempt, update: clinic.map(update) }),
      fc.record({
        type: fc.constant('decline' as const),
        attempt,
        decline: clinic.map((id) => ({
          clinic: id,
          name: id,
          code: 'LENTIGO_UPDATE_NORM' as const,
        })),
        now: fc.nat(),
      }),
      fc.record({ type: fc.constant('deadline' as const), attempt, now: fc.nat() }),
      fc.record({ type: fc.constant('revoke' as const), clinic, now: fc.nat() }),
      fc.record({
        type: fc.constant('aggregated' as const),
        attempt,
        result: attempt.map(checkpoint),
      }),
      fc.record({
        type: fc.constant('evaluated' as const),
        attempt,
        score: fc.double({ min: 0, max: 1, noNaN: true }),
        now: fc.nat(),
      }),
      fc.record({ type: fc.constant('work-failed' as const), attempt, reason: fc.string() }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let state = run(draft(), { type: 'start' });
        for (const e of events) {
          const before = state;
          try {
            state = step(state, e).state;
          } catch {
            continue; // refused: nothing changed
          }
          expect(state.completed).toBeGreaterThanOrEqual(before.completed);
          expect(state.best?.score ?? -1).toBeGreaterThanOrEqual(before.best?.score ?? -1);
          const opened = state.round && openedOf(state.round);
          const clinics = opened?.updates.map((u) => u.clinic) ?? [];
          expect(new Set(clinics).size).toBe(clinics.length);
          for (const c of clinics) expect(opened?.cohort).toContain(c);
          const declined = opened?.declines.map((d) => d.clinic) ?? [];
          const answered = new Set([...clinics, ...declined]);
          expect(answered.size).toBe(clinics.length + declined.length);
          for (const c of declined) expect(opened?.cohort).toContain(c);
          if (opened && state.round?.phase === 'open') {
            expect(answered.size).toBeLessThan(opened.cohort.length);
            expect(opened.cohort.length - declined.length).toBeGreaterThanOrEqual(opened.quorum);
          }
          if (before.status === 'stopped' || before.status === 'completed')
            expect(state).toBe(before);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
