// A study's actor: one step at a time, stored before it is performed, whatever the store does.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StudyActor } from '../../../coordinator/rounds/actor.js';
import type { Effect } from '../../../coordinator/rounds/machine.js';
import type { StudyState } from '../../../coordinator/rounds/state.js';
import { error, MemoryStore, promised, settled, silent, smallStudy } from './fakes.js';

const ADMIN = { actor: 'admin' };
const ATTEMPT = '0198c0de-0000-7000-8000-000000000003';

let store: MemoryStore;
let actor: StudyActor;
/** What the actor did, in order. */
let performed: { effect: Effect; stored: StudyState; ms: number }[];
let told: [before: string, after: string][];
/** What performing does; by default nothing. */
let work: (effect: Effect) => Promise<void>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  store = new MemoryStore();
  [performed, told] = [[], []];
  work = async () => undefined;
  const study = smallStudy();
  await store.createStudy(study, []);
  actor = actorOf(study.state);
});
afterEach(async () => {
  await actor.close();
  vi.useRealTimers();
});

function actorOf(state: StudyState): StudyActor {
  const began = performance.now();
  return new StudyActor(state, {
    store,
    log: silent,
    perform: (effect) => {
      performed.push({ effect, stored: store.stored(state.id), ms: performance.now() - began });
      return work(effect);
    },
    onStep: (before, after) => told.push([before.status, after.status]),
  });
}
const effects = () => performed.map(({ effect }) => effect.type);
const start = () => actor.apply({ type: 'start' }, ADMIN);
const stored = () => store.stored(actor.state.id);

describe('steps', () => {
  it('are taken one after the other, each from the state that the one before left', async () => {
    const gates = [promised(), promised()];
    let transitions = 0;
    store.gate = (method) => (method === 'transition' ? gates[transitions++]!.promise : undefined);
    const steps = [start(), actor.apply({ type: 'pause' }, ADMIN)];
    await settled();
    expect([transitions, actor.state.status]).toEqual([1, 'draft']);
    gates[0]!.resolve();
    await steps[0];
    await settled();
    expect([transitions, actor.state.status]).toEqual([2, 'running']);
    gates[1]!.resolve();
    await Promise.all(steps);
    expect(actor.state).toMatchObject({ status: 'paused', version: 2 });
    expect(stored()).toEqual(actor.state);
    expect(store.audit.map((e) => e.action)).toEqual(['start', 'pause']);
  });

  it('of a refused request leave everything as it was, and the next one is taken', async () => {
    await expect(actor.apply({ type: 'resume' }, ADMIN)).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_STATE',
    });
    expect([store.audit, effects()]).toEqual([[], []]);
    await start();
    expect(actor.state.status).toBe('running');
  });

  it('that change nothing are not stored', async () => {
    const late = { type: 'deadline', attempt: ATTEMPT, now: 1 } as const;
    expect(await actor.apply(late, ADMIN)).toBeNull();
    expect(store.calls).not.toContain('transition');
  });

  it('are stored before anything is performed or told', async () => {
    const gate = promised();
    store.gate = (method) => (method === 'transition' ? gate.promise : undefined);
    const step = start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([effects(), told]).toEqual([[], []]);
    gate.resolve();
    await step;
    expect(told).toEqual([['draft', 'running']]);
    expect(performed).toMatchObject([{ effect: { type: 'plan' }, stored: { status: 'running' } }]);
  });

  it('that the store refuses are not performed, and the state stays', async () => {
    store.fails.transition = [error('LENTIGO_INTERNAL')];
    await expect(start()).rejects.toMatchObject({ code: 'LENTIGO_INTERNAL' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect([effects(), told, actor.state.status]).toEqual([[], [], 'draft']);
  });

  it('may be several in one piece of work that no other step comes between', async () => {
    const gate = promised();
    const both = actor.serially(async (dispatch) => {
      await dispatch({ type: 'start' }, ADMIN);
      await gate.promise;
      await dispatch({ type: 'plan', attempt: ATTEMPT }, ADMIN);
    });
    const stop = actor.apply({ type: 'stop', now: 1 }, ADMIN);
    await settled();
    expect(store.audit.map((e) => e.action)).toEqual(['start']);
    gate.resolve();
    await Promise.all([both, stop]);
    expect(store.audit.map((e) => e.action)).toEqual(['start', 'plan', 'stop']);
  });
});

describe('a store that does not acknowledge a step', () => {
  it('and has stored it: the state is read again before the next step, and its effects are performed', async () => {
    store.lost.push(error('LENTIGO_DATABASE'));
    await expect(start()).rejects.toMatchObject({ code: 'LENTIGO_DATABASE' });
    expect([actor.state.status, effects()]).toEqual(['draft', []]);
    await actor.apply({ type: 'pause' }, ADMIN); // a draft can't be paused
    expect(store.calls.slice(-2)).toEqual(['study', 'transition']);
    expect(told).toEqual([
      ['draft', 'running'],
      ['running', 'paused'],
    ]);
    expect(effects()).toEqual(['plan']);
    expect(actor.state).toEqual(stored());
  });

  it('reads it again by itself when no step follows', async () => {
    store.lost.push(error('LENTIGO_DATABASE'));
    await start().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(500);
    expect([actor.state, effects()]).toEqual([stored(), ['plan']]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(effects()).toEqual(['plan']);
  });

  it('and has not: the state stays, nothing is performed, and the step can be taken again', async () => {
    store.fails.transition = [error('LENTIGO_DATABASE')];
    await start().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([actor.state.status, effects()]).toEqual(['draft', []]);
    await start();
    expect([actor.state.status, effects()]).toEqual(['running', ['plan']]);
  });

  it('is asked ever more slowly while it does not answer: after 0.5 s, then twice as long up to 15 s', async () => {
    const began = performance.now();
    const asked: number[] = [];
    store.gate = (method) => {
      if (method === 'study') asked.push(performance.now() - began);
    };
    store.lost.push(error('LENTIGO_DATABASE'));
    store.fails.study = Array.from({ length: 7 }, () => error('LENTIGO_DATABASE'));
    await start().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toEqual([500, 1500, 3500, 7500, 15_500, 30_500, 45_500, 60_500]);
    expect([actor.state.status, effects()]).toEqual(['running', ['plan']]);
  });

  it('because another process changed the study: it is read again, and the study carries on from there', async () => {
    store.overwrite({ ...stored(), status: 'running' });
    await expect(start()).rejects.toMatchObject({ code: 'LENTIGO_STUDY_CHANGED' });
    await vi.advanceTimersByTimeAsync(500);
    expect([actor.state, effects()]).toEqual([stored(), ['plan']]);
    await actor.apply({ type: 'plan', attempt: ATTEMPT }, ADMIN);
    expect(stored()).toMatchObject({ round: { attempt: ATTEMPT, phase: 'evaluating' } });
  });
});

describe('an effect', () => {
  it('that finds no space is tried again ever more slowly: after 0.5 s, then twice as long up to 15 s', async () => {
    let left = 7;
    work = async () => {
      if (left-- > 0) throw error('LENTIGO_DISK_FULL');
    };
    await start();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(performed.map(({ ms }) => ms)).toEqual([
      0, 500, 1500, 3500, 7500, 15_500, 30_500, 45_500,
    ]);
    expect(stored().status).toBe('running');
  });

  it('that waited is left alone once the study has gone on', async () => {
    work = async () => {
      throw error('LENTIGO_DISK_FULL');
    };
    await start();
    await actor.apply({ type: 'stop', now: 1 }, ADMIN);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(effects()).toEqual(['plan']);
  });

  it('that fails otherwise pauses the study with its reason', async () => {
    work = async (effect) => {
      if (effect.type === 'evaluate') throw new Error('the images are gone');
    };
    await start();
    await actor.apply({ type: 'plan', attempt: ATTEMPT }, ADMIN);
    await settled();
    expect(stored()).toMatchObject({
      status: 'paused',
      reason: expect.stringMatching(/^evaluate failed: the images are gone \(LENTIGO_INTERNAL\) ./),
    });
    expect(store.audit.at(-1)).toMatchObject({
      actor: 'coordinator',
      action: 'work-failed',
      detail: { reason: stored().reason },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(effects()).toEqual(['plan', 'evaluate']); // until a person resumes it
    work = async () => undefined;
    await actor.apply({ type: 'resume' }, ADMIN);
    expect(effects()).toEqual(['plan', 'evaluate', 'evaluate']);
  });

  it('whose failure can not be recorded is recorded later', async () => {
    await start();
    work = async () => {
      throw new Error('broken');
    };
    await actor.apply({ type: 'plan', attempt: ATTEMPT }, ADMIN);
    store.fails.transition = [error('LENTIGO_DATABASE'), error('LENTIGO_DATABASE')];
    await settled();
    expect(stored().status).toBe('running');
    await vi.advanceTimersByTimeAsync(5000);
    expect(stored()).toMatchObject({ status: 'paused', reason: expect.stringContaining('broken') });
  });

  it('is performed again by a coordinator that starts', async () => {
    await start();
    await actor.apply({ type: 'plan', attempt: ATTEMPT }, ADMIN);
    await actor.close();
    performed = [];
    actor = actorOf(stored());
    actor.begin();
    expect(effects()).toEqual(['evaluate']);
  });
});

describe('a closed actor', () => {
  it('has finished the step in hand, and takes no further one', async () => {
    const gate = promised();
    store.gate = (method) => (method === 'transition' ? gate.promise : undefined);
    const inHand = start();
    const waiting = actor.apply({ type: 'pause' }, ADMIN);
    waiting.catch(() => undefined);
    await settled();
    let closed = false;
    const closing = actor.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(false);
    gate.resolve();
    await Promise.all([inHand, closing]);
    expect(stored().status).toBe('running');
    for (const late of [waiting, actor.apply({ type: 'stop', now: 1 }, ADMIN)])
      await expect(late).rejects.toMatchObject({ code: 'LENTIGO_UNREACHABLE' });
    expect(store.calls.filter((c) => c === 'transition')).toHaveLength(1);
    expect(effects()).toEqual([]); // carried on after the next start
  });

  it('tries nothing again', async () => {
    work = async () => {
      throw error('LENTIGO_DATABASE');
    };
    await start();
    await settled();
    await actor.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(effects()).toEqual(['plan']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
