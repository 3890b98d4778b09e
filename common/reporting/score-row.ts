// The few scores shown side by side where several models are summarised.
import type { Metrics } from '../evaluation/metrics.js';
import { scoreText } from './round-table.js';

const SCORES = ['balancedAccuracy', 'malignantAuc', 'weightedF1', 'accuracy'] as const;
export type ScoreRow = Readonly<Record<(typeof SCORES)[number], number | null>>;

/** Titles of the cells that `scoreCells` returns, in order. */
export const SCORE_TITLES = ['bal.acc', 'AUC mal.', 'weighted F1', 'acc'] as const;

export const scoresOf = (metrics: Metrics): ScoreRow =>
  Object.fromEntries(SCORES.map((score) => [score, metrics[score]])) as ScoreRow;

/**
 * Means over rows of the same scores, one or more; null where a score isn't defined in all of them.
 */
export function meanOf<Row extends Readonly<Record<keyof Row, number | null>>>(
  rows: readonly Row[],
): Row {
  const mean = (score: keyof Row): number | null => {
    const values = rows.map((row) => row[score]).filter((value) => value !== null);
    return values.length === rows.length ? values.reduce((a, b) => a + b, 0) / rows.length : null;
  };
  return Object.fromEntries(
    (Object.keys(rows[0]!) as (keyof Row)[]).map((score) => [score, mean(score)]),
  ) as Row;
}

export const scoreCells = (row: ScoreRow): string[] => SCORES.map((score) => scoreText(row[score]));
