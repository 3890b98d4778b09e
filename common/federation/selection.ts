// Validation decides which model is the best: in studies and in simulations by the same rule.
import type { Metrics } from '../evaluation/metrics.js';
import type { SelectionMetric } from '../protocol/study.js';

/** A round's score; a metric that is not defined on these images counts as 0. */
export const selectionScore = (validation: Metrics, select: SelectionMetric): number =>
  validation[select] ?? 0;

/** Among equal scores the earlier one stays. @param best null before anything was evaluated */
export const isBetter = (score: number, best: number | null): boolean =>
  best === null || score > best;
