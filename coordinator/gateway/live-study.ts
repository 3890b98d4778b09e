// A study as its console shows it: read whole, or only what is new since a round and an audit
// entry.
import type { LiveStudy, ScoreRow } from '../../common/protocol/console.js';
import { blocksOf } from '../../common/model/architecture.js';
import { type Metrics, SCORE_NAMES } from '../../common/evaluation/metrics.js';
import type { Studies } from '../rounds/studies.js';
import type { EvaluationRecord } from '../storage/records.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import { clinicsNow } from './clinics-now.js';
import type { Presence } from './presence.js';

/**
 * How much of a study a console knows: rounds from this number on may have changed, audit entries
 * after this one are new.
 */
export interface Known {
  readonly round: number;
  readonly entry: number;
}

/**
 * Number of audit entries read at once: enough for what happens between two readings, and for the
 * initial feed.
 */
const ENTRIES = 200;

export async function readLiveStudy(
  {
    store,
    studies,
    presence,
    now,
  }: { store: Store; studies: Studies; presence: Presence; now: Clock },
  id: string,
  known?: Known,
): Promise<LiveStudy> {
  const from = known?.round ?? 0;
  const [record, clinics, sums, invitations, rounds, evaluations, entries] = await Promise.all([
    store.study(id),
    store.clinics(id),
    store.clinicSums(id),
    store.invitations(id),
    store.roundSums(id, from),
    store.evaluations(id, from),
    store.auditPart(id, known ? { after: known.entry, limit: ENTRIES } : { limit: ENTRIES }),
  ]);
  const { state, publicKey, architecture, labels, createdAt } = record;
  const { config, status, reason, completed, best } = state;
  const nowOf = clinicsNow(state, presence);
  return {
    id,
    config,
    status,
    reason,
    completed,
    best: best && { round: best.round, score: best.score },
    publicKey,
    architecture,
    blocks: blocksOf(architecture),
    labels,
    createdAt,
    invitations,
    rounds,
    now: now(),
    evaluated: studies.runner(id).evaluated,
    clinics: clinics.map(({ id: clinic, name, state: approval, enrolledAt }) => ({
      id: clinic,
      name,
      state: approval,
      enrolledAt,
      ...nowOf(clinic),
      ...(sums.get(clinic) ?? { updates: 0, samples: 0, bytes: 0, seconds: 0 }),
    })),
    scores: evaluations.map(scoreRow),
    entries,
  };
}

const scoreRow = ({ round, seconds, validation, heldout }: EvaluationRecord): ScoreRow => ({
  round,
  seconds,
  validation: points(validation),
  heldout: points(heldout),
  operatingPoint: heldout.operatingPoint,
});

const points = (metrics: Metrics): ScoreRow['validation'] =>
  Object.fromEntries(
    SCORE_NAMES.map((name) => [
      name,
      [metrics[name], metrics.intervals[name]?.low ?? null, metrics.intervals[name]?.high ?? null],
    ]),
  ) as ScoreRow['validation'];
