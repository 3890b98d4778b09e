// The round machine: a pure function (state, event) → (state, effects). It reads no clock, draws no
// random number and does no I/O,
// so every path can be tested, and a restarted coordinator carries on from the state alone
// (`pending`).
import { LentigoError } from '../../common/errors.js';
import { isBetter } from '../../common/federation/selection.js';
import type { AcceptedUpdate, BlobRef, RoundState, StudyState } from './state.js';

export type Event =
  | { readonly type: 'start' | 'pause' | 'resume' }
  | { readonly type: 'stop'; readonly now: number }
  /** A new attempt at the next round, under a fresh id. */
  | { readonly type: 'plan'; readonly attempt: string }
  /** Enough clinics are there and the round's key is safely on disk. */
  | {
      readonly type: 'open';
      readonly attempt: string;
      readonly cohort: readonly string[];
      readonly roundKey: string;
      readonly now: number;
    }
  /** An update was checked and is safely on disk. */
  | { readonly type: 'update'; readonly attempt: string; readonly update: AcceptedUpdate }
  | { readonly type: 'deadline'; readonly attempt: string; readonly now: number }
  | { readonly type: 'revoke'; readonly clinic: string; readonly now: number }
  | {
      readonly type: 'aggregated';
      readonly attempt: string;
      readonly result: BlobRef;
      readonly bytesDown: number;
    }
  /** `score` is the validation result by the study's selection metric. */
  | {
      readonly type: 'evaluated';
      readonly attempt: string;
      readonly score: number;
      readonly now: number;
    }
  /** Aggregation or evaluation failed: a person must look. */
  | { readonly type: 'work-failed'; readonly attempt: string; readonly reason: string };

export type Effect =
  | { readonly type: 'plan' }
  /** Wait until cohort.minimum approved clinics are connected, then open the round. */
  | { readonly type: 'gather' }
  /** Send the announcement to the cohort and watch the deadline. */
  | { readonly type: 'announce' }
  | { readonly type: 'aggregate' }
  | { readonly type: 'evaluate' }
  /** Delete the attempt's private key and its sealed updates. */
  | { readonly type: 'forget'; readonly attempt: string };

export interface Step {
  readonly state: StudyState;
  readonly effects: readonly Effect[];
}

/**
 * What has to be done in a state, whatever led there: all that a restarted coordinator needs to
 * know. Every effect may be done twice.
 */
export function pending(state: StudyState): readonly Effect[] {
  const { status, round } = state;
  if (status === 'draft') return [];
  const ended = round?.phase === 'closed' || round?.phase === 'failed';
  const forget: Effect[] = ended ? [{ type: 'forget', attempt: round.attempt }] : [];
  if (status === 'stopped' || status === 'completed') return forget;
  const running = status === 'running';
  switch (round?.phase) {
    case 'open':
      return [{ type: 'announce' }]; // pausing lets the open round finish
    case 'aggregating':
      return running ? [{ type: 'aggregate' }] : [];
    case 'evaluating':
      return running ? [{ type: 'evaluate' }] : [];
    case 'planned':
      return running ? [{ type: 'gather' }] : [];
    default:
      return running ? [...forget, { type: 'plan' }] : forget;
  }
}

/**
 * One step of a study.
 * Effects come with a new status, attempt or phase, not with every update. Events about an attempt
 * that is over (a late timer, a repeated result) change nothing.
 * @throws LENTIGO_STUDY_STATE when a person asks for what the state doesn't allow.
 */
export function step(state: StudyState, event: Event): Step {
  const next = reduce(state, event);
  const begun =
    next.status !== state.status ||
    next.round?.attempt !== state.round?.attempt ||
    next.round?.phase !== state.round?.phase;
  return { state: next, effects: begun ? pending(next) : [] };
}

function reduce(state: StudyState, event: Event): StudyState {
  const { status, round, config } = state;
  const refuse = (what: string): never => {
    throw new LentigoError('LENTIGO_STUDY_STATE', `The study is ${status}: it can't be ${what}.`);
  };
  switch (event.type) {
    case 'start':
      return status === 'draft' ? { ...state, status: 'running' } : refuse('started');
    case 'pause':
      return status === 'running'
        ? { ...state, status: 'paused', reason: 'paused by the study coordinator' }
        : refuse('paused');
    case 'resume':
      return status === 'paused'
        ? { ...state, status: 'running', reason: null, misses: 0 }
        : refuse('resumed');
    case 'stop':
      if (status === 'stopped' || status === 'completed') return refuse('stopped');
      return {
        ...state,
        status: 'stopped',
        reason: 'stopped by the study coordinator',
        round: round && inFlight(round) ? fail(round, 'the study was stopped', event.now) : round,
      };
    case 'plan':
      if (status !== 'running' || (round && inFlight(round))) return state;
      return { ...state, round: plan(state, event.attempt) };
    case 'revoke':
      if (round?.phase !== 'open' || !round.cohort.includes(event.clinic)) return state;
      return withoutClinic(state, round, event.clinic, event.now);
    default:
  }
  // The rest concerns one attempt; when that is over, the event comes too late to matter.
  if (!round || round.attempt !== event.attempt) return state;
  switch (event.type) {
    case 'open':
      if (round.phase !== 'planned' || status !== 'running') return state;
      return {
        ...state,
        round: {
          ...round,
          phase: 'open',
          cohort: event.cohort.toSorted(),
          roundKey: event.roundKey,
          openedAt: event.now,
          deadlineAt: event.now + config.cohort.deadlineSeconds * 1000,
        },
      };
    case 'update': {
      if (round.phase !== 'open') return state;
      const { clinic } = event.update;
      if (!round.cohort.includes(clinic) || round.updates.some((u) => u.clinic === clinic))
        return state;
      const updates = [...round.updates, event.update].toSorted((a, b) =>
        a.clinic < b.clinic ? -1 : 1,
      );
      return {
        ...state,
        round: {
          ...round,
          updates,
          phase: updates.length === round.cohort.length ? 'aggregating' : 'open',
        },
      };
    }
    case 'deadline':
      return round.phase === 'open' ? atDeadline(state, round, event.now) : state;
    case 'aggregated':
      return round.phase === 'aggregating'
        ? {
            ...state,
            round: {
              ...round,
              phase: 'evaluating',
              result: event.result,
              bytesDown: event.bytesDown,
            },
          }
        : state;
    case 'evaluated':
      return round.phase === 'evaluating' && round.result
        ? close(state, round, round.result, event.score, event.now)
        : state;
    case 'work-failed':
      return status === 'running'
        ? { ...state, status: 'paused', reason: event.reason }
        : { ...state, reason: event.reason };
  }
}

const inFlight = (round: RoundState): boolean =>
  round.phase !== 'closed' && round.phase !== 'failed';

const fail = (round: RoundState, reason: string, now: number): RoundState => ({
  ...round,
  phase: 'failed',
  reason,
  closedAt: now,
});

/** The next round: number 0 evaluates the starting model, the others train. */
function plan(state: StudyState, attempt: string): RoundState {
  const first = state.best === null;
  return {
    number: first ? 0 : state.completed + 1,
    attempt,
    phase: first ? 'evaluating' : 'planned',
    base: state.base,
    cohort: [],
    roundKey: '',
    openedAt: null,
    deadlineAt: null,
    closedAt: null,
    updates: [],
    bytesDown: 0,
    result: first ? state.base : null,
    reason: null,
  };
}

/**
 * The deadline closes a round that has its quorum and fails one that hasn't; too many misses in a
 * row pause the study.
 */
function atDeadline(state: StudyState, round: RoundState, now: number): StudyState {
  const { quorum, attempts } = state.config.cohort;
  if (round.updates.length >= quorum)
    return { ...state, round: { ...round, phase: 'aggregating' } };
  const misses = state.misses + 1;
  const reason = `${round.updates.length} of ${round.cohort.length} clinics returned an update by the deadline; the quorum is ${quorum}`;
  const failed = { ...state, misses, round: fail(round, reason, now) };
  return misses < attempts
    ? failed
    : {
        ...failed,
        status: 'paused',
        reason: `${misses} attempts in a row missed the quorum: ${reason}`,
      };
}

/** A revoked clinic leaves the open round, and its update with it. */
function withoutClinic(
  state: StudyState,
  round: RoundState,
  clinic: string,
  now: number,
): StudyState {
  const cohort = round.cohort.filter((c) => c !== clinic);
  const updates = round.updates.filter((u) => u.clinic !== clinic);
  const left = { ...round, cohort, updates };
  if (cohort.length < state.config.cohort.quorum) {
    return {
      ...state,
      round: fail(
        left,
        `a clinic was revoked, and ${cohort.length} are left; the quorum is ${state.config.cohort.quorum}`,
        now,
      ),
    };
  }
  return {
    ...state,
    round: { ...left, phase: updates.length === cohort.length ? 'aggregating' : 'open' },
  };
}

/**
 * Validation decides: the best model, whether this round is undone, and whether the study goes on.
 */
function close(
  state: StudyState,
  round: RoundState,
  result: BlobRef,
  score: number,
  now: number,
): StudyState {
  const { rounds, evaluation } = state.config;
  const closed: RoundState = { ...round, phase: 'closed', closedAt: now };
  const better = isBetter(score, state.best?.score ?? null);
  const best = better || state.best === null ? { round: round.number, score, result } : state.best;
  const sinceBest = better ? 0 : state.sinceBest + 1;
  const hurt =
    evaluation.rollbackBelow !== undefined && score < best.score - evaluation.rollbackBelow;
  const next: StudyState = {
    ...state,
    misses: 0,
    round: closed,
    completed: round.number,
    best,
    sinceBest,
    base: hurt ? best.result : result,
  };
  if (round.number >= rounds)
    return { ...next, status: 'completed', reason: `all ${rounds} rounds are done` };
  if (evaluation.patience !== undefined && sinceBest >= evaluation.patience) {
    return {
      ...next,
      status: 'completed',
      reason: `validation has not improved for ${sinceBest} rounds`,
    };
  }
  return next;
}
