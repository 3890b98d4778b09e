// Metrics and rounds in the words of a sentence.
import type { SelectionMetric } from '../protocol/study.js';

export const METRIC_NAMES: Readonly<Record<SelectionMetric, string>> = {
  balancedAccuracy: 'balanced accuracy',
  accuracy: 'accuracy',
  weightedF1: 'weighted F1',
  macroF1: 'macro F1',
  malignantAuc: 'malignant AUC',
  aucOvr: 'AUC, one against the rest',
};

/** Round 0 evaluates the starting model. */
export const roundText = (round: number | null): string =>
  round === null ? 'none' : round === 0 ? 'the starting model' : `round ${round}`;
