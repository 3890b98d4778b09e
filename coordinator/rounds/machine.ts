// The round machine: a pure function (state, event) → (state, effects). It reads no clock, draws no
// random number and does no I/O, so every path can be tested, and a restarted coordinator carries
// on from the state alone (`pending`).
import { type ErrorCode, ERRORS, LentigoError } from '../../common/errors.js';
import { isBetter } from '../../common/federation/selection.js';
import type { ChangeStudy } from '../../common/protocol/console.js';
import type { Declined, Signed } from '../../common/protocol/round.js';
import {
  type AcceptedUpdate,
  type Checkpoint,
  type EvaluatingRound,
  type FailedRound,
  type OpenRound,
  openedOf,
  type RoundState,
  type StudyState,
} from './state.js';

export type Event =
  | { readonly type: 'start' | 'pause' | 'resume' }
  | { readonly type: 'stop'; readonly now: number }
  | { readonly type: 'change'; readonly change: ChangeStudy }
  /** A new attempt at the next round, under a fresh id. */
  | { readonly type: 'plan'; readonly attempt: string }
  /** Enough clinics are there and the round's key is safely on disk. */
  | {
      readonly type: 'open';
      readonly attempt: string;
      readonly cohort: readonly string[];
      readonly roundKey: string;
      readonly terms: Signed;
      readonly now: number;
    }
  /** An update was checked and is safely on disk. */
  | { readonly type: 'update'; readonly attempt: string; readonly update: AcceptedUpdate }
  /** A clinic of the cohort says that it can't deliver. */
  | {
      readonly type: 'decline';
      readonly attempt: string;
      readonly decline: Declined;
      readonly now: number;
    }
  | { readonly type: 'deadline'; readonly attempt: string; readonly now: number }
  | { readonly type: 'revoke'; readonly clinic: string; readonly now: number }
  | {
      readonly type: 'aggregated';
      readonly attempt: string;
      readonly result: Checkpoint;
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

type RequestEvent = Extract<Event, { type: 'start' | 'pause' | 'resume' | 'stop' }>;
type AttemptEvent = Exclude<Event, RequestEvent | { type: 'plan' | 'revoke' | 'change' }>;

function reduce(state: StudyState, event: Event): StudyState {
  switch (event.type) {
    case 'start':
    case 'pause':
    case 'resume':
    case 'stop':
      return onRequest(state, event);
    case 'change':
      return changed(state, event.change);
    case 'plan':
      return state.status === 'running' && !inFlight(state.round)
        ? { ...state, round: plan(state, event.attempt) }
        : state;
    case 'revoke':
      return withoutClinic(state, event.clinic, event.now);
    default:
      // When the attempt is over, the event comes too late to matter.
      return state.round?.attempt === event.attempt ? onAttempt(state, state.round, event) : state;
  }
}

/** What a study coordinator asks for. */
function onRequest(state: StudyState, event: RequestEvent): StudyState {
  const { status, round } = state;
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
        round: round && inFlight(round) ? failed(round, 'the study was stopped', event.now) : round,
      };
  }
}

/**
 * A completed study is paused again, and goes on when it is resumed. A round that is open keeps the
 * quorum and deadline that it was opened with.
 */
function changed(state: StudyState, change: ChangeStudy): StudyState {
  const { status, round, completed, config } = state;
  if (status !== 'paused' && status !== 'completed')
    throw new LentigoError(
      'LENTIGO_STUDY_STATE',
      `The study is ${status}: deadline, quorum and rounds can be changed while it is paused, or when it is completed.`,
    );
  const { rounds = config.rounds } = change;
  const { quorum = config.cohort.quorum, deadlineSeconds = config.cohort.deadlineSeconds } = change;
  const underWay = inFlight(round) ? round!.number : completed;
  if (rounds < underWay)
    throw new LentigoError(
      'LENTIGO_STUDY_INVALID',
      `rounds: the study is at round ${underWay}, it can't end before; ${rounds} is too few.`,
    );
  if (quorum > config.cohort.minimum)
    throw new LentigoError(
      'LENTIGO_STUDY_INVALID',
      `quorum: a round opens with cohort.minimum ${config.cohort.minimum} clinics; the quorum can't be ${quorum}.`,
    );
  const before = config.cohort;
  if (
    rounds === config.rounds &&
    quorum === before.quorum &&
    deadlineSeconds === before.deadlineSeconds
  )
    return state;
  const next: StudyState = {
    ...state,
    config: { ...config, rounds, cohort: { ...before, quorum, deadlineSeconds } },
  };
  if (state.best !== null && !inFlight(round) && completed >= rounds)
    return { ...next, status: 'completed', reason: `all ${rounds} rounds are done` };
  return status === 'completed'
    ? { ...next, status: 'paused', reason: 'changed after it was completed', sinceBest: 0 }
    : next;
}

/** What happened to the attempt in flight. An event that doesn't fit its phase changes nothing. */
function onAttempt(state: StudyState, round: RoundState, event: AttemptEvent): StudyState {
  switch (event.type) {
    case 'open': {
      if (round.phase !== 'planned' || state.status !== 'running') return state;
      const { roundKey, terms, now } = event;
      const opened = {
        cohort: event.cohort.toSorted(),
        roundKey,
        terms,
        quorum: state.config.cohort.quorum,
        openedAt: now,
        deadlineAt: now + state.config.cohort.deadlineSeconds * 1000,
        updates: [],
        declines: [],
      };
      return { ...state, round: { ...round, ...opened, phase: 'open' } };
    }
    case 'update':
      return round.phase === 'open' ? withUpdate(state, round, event.update) : state;
    case 'decline':
      return round.phase === 'open' ? withDecline(state, round, event.decline, event.now) : state;
    case 'deadline':
      return round.phase === 'open' ? atDeadline(state, round, event.now) : state;
    case 'aggregated': {
      if (round.phase !== 'aggregating') return state;
      const { number, attempt, from, phase: _, ...opened } = round;
      const { result } = event;
      return { ...state, round: { number, attempt, from, phase: 'evaluating', opened, result } };
    }
    case 'evaluated':
      return round.phase === 'evaluating' ? close(state, round, event.score, event.now) : state;
    case 'work-failed':
      return state.status === 'running' || state.status === 'paused'
        ? { ...state, status: 'paused', reason: event.reason }
        : state;
  }
}

const inFlight = (round: RoundState | null): boolean =>
  round !== null && round.phase !== 'closed' && round.phase !== 'failed';

const failed = (round: RoundState, reason: string, now: number): FailedRound => ({
  number: round.number,
  attempt: round.attempt,
  from: round.from,
  phase: 'failed',
  opened: openedOf(round),
  reason,
  closedAt: now,
});

/** The next round: number 0 evaluates the starting model, the others train. */
function plan(state: StudyState, attempt: string): RoundState {
  const from = state.next;
  return state.best === null
    ? { number: 0, attempt, from, phase: 'evaluating', opened: null, result: from }
    : { number: state.completed + 1, attempt, from, phase: 'planned' };
}

const byClinic = (a: { readonly clinic: string }, b: { readonly clinic: string }): number =>
  a.clinic < b.clinic ? -1 : 1;
const without = <T extends { readonly clinic: string }>(of: readonly T[], clinic: string): T[] =>
  of.filter((item) => item.clinic !== clinic);
const has = (of: readonly { readonly clinic: string }[], clinic: string): boolean =>
  of.some((item) => item.clinic === clinic);

/** An update takes the place of its clinic's decline. */
function withUpdate(state: StudyState, round: OpenRound, update: AcceptedUpdate): StudyState {
  const { clinic } = update;
  if (!round.cohort.includes(clinic) || has(round.updates, clinic)) return state;
  const updates = [...round.updates, update].toSorted(byClinic);
  const declines = without(round.declines, clinic);
  return { ...state, round: whenAllAnswered({ ...round, updates, declines }) };
}

/** The first decline of a clinic counts, as long as no update of it has come. */
function withDecline(
  state: StudyState,
  round: OpenRound,
  decline: Declined,
  now: number,
): StudyState {
  const { clinic } = decline;
  if (!round.cohort.includes(clinic)) return state;
  if (has(round.updates, clinic) || has(round.declines, clinic)) return state;
  const declines = [...round.declines, decline].toSorted(byClinic);
  const left = { ...round, declines };
  return canReachQuorum(left)
    ? { ...state, round: whenAllAnswered(left) }
    : missed(state, left, now);
}

const canReachQuorum = ({ cohort, declines, quorum }: OpenRound): boolean =>
  cohort.length - declines.length >= quorum;

/** With the last answer of the cohort the round closes: its quorum was within reach until then. */
const whenAllAnswered = (round: OpenRound): RoundState =>
  round.updates.length + round.declines.length === round.cohort.length
    ? { ...round, phase: 'aggregating' }
    : round;

/** The deadline closes a round that has its quorum and fails one that hasn't. */
function atDeadline(state: StudyState, round: OpenRound, now: number): StudyState {
  return round.updates.length >= round.quorum
    ? { ...state, round: { ...round, phase: 'aggregating' } }
    : missed(state, round, now, ' by the deadline');
}

/**
 * Reasons to decline that come again however often a round is tried: the clinics train the same
 * photographs from the same model, with the same seed.
 */
const LASTING = new Set<ErrorCode>([
  'LENTIGO_UPDATE_NOT_FINITE',
  'LENTIGO_UPDATE_NORM',
  'LENTIGO_UPDATE_SAMPLES',
  'LENTIGO_WEIGHTS_INVALID',
  'LENTIGO_ARCHITECTURE_UNKNOWN',
  'LENTIGO_ENCODING_UNKNOWN',
  'LENTIGO_STRATEGY_UNKNOWN',
]);

/**
 * The attempt fails for lack of updates. Too many misses in a row pause the study; so does the first
 * that can't but come again.
 */
function missed(state: StudyState, round: OpenRound, now: number, when = ''): StudyState {
  const { cohort, updates, declines, quorum } = round;
  const misses = state.misses + 1;
  const reason = `${updates.length} of ${cohort.length} clinics returned an update${when}; the quorum is ${quorum}${declinedText(declines)}`;
  const next: StudyState = { ...state, misses, round: failed(round, reason, now) };
  const lasting = declines.filter(({ code }) => LASTING.has(code)).length;
  if (cohort.length - lasting < quorum)
    return { ...next, status: 'paused', reason: `round ${round.number} can't succeed: ${reason}` };
  return misses < state.config.cohort.attempts
    ? next
    : {
        ...next,
        status: 'paused',
        reason: `${misses} attempts in a row missed the quorum: ${reason}`,
      };
}

/** How many clinics of one reason are named. */
const MOST_NAMES = 10;

/** Who declined and why, with what to do about it: a sentence for each reason. */
function declinedText(declines: readonly Declined[]): string {
  return [...new Set(declines.map(({ code }) => code))]
    .map((code) => {
      const names = declines.filter((d) => d.code === code).map(({ name }) => name);
      const more = names.length - MOST_NAMES;
      const who = `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
      return `. ${who} declined (${code}): ${ERRORS[code].means} ${ERRORS[code].remedy}`;
    })
    .join('');
}

/** A revoked clinic leaves the open round, and its update or decline with it. */
function withoutClinic(state: StudyState, clinic: string, now: number): StudyState {
  const { round } = state;
  if (round?.phase !== 'open' || !round.cohort.includes(clinic)) return state;
  const left = {
    ...round,
    cohort: round.cohort.filter((c) => c !== clinic),
    updates: without(round.updates, clinic),
    declines: without(round.declines, clinic),
  };
  if (canReachQuorum(left)) return { ...state, round: whenAllAnswered(left) };
  const able = left.cohort.length - left.declines.length;
  const reason = `a clinic was revoked, and ${able} are left; the quorum is ${left.quorum}${declinedText(left.declines)}`;
  return { ...state, round: failed(left, reason, now) };
}

/**
 * Validation decides: the best model, whether this round is undone, and whether the study goes on.
 */
function close(state: StudyState, round: EvaluatingRound, score: number, now: number): StudyState {
  const { rounds, evaluation } = state.config;
  const { number, result } = round;
  const better = isBetter(score, state.best?.score ?? null);
  const best = better || state.best === null ? { round: number, score, result } : state.best;
  const sinceBest = better ? 0 : state.sinceBest + 1;
  const hurt =
    evaluation.rollbackBelow !== undefined && score < best.score - evaluation.rollbackBelow;
  const next: StudyState = {
    ...state,
    misses: 0,
    round: { ...round, phase: 'closed', closedAt: now },
    completed: number,
    best,
    sinceBest,
    next: hurt ? best.result : result,
  };
  if (number >= rounds)
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
