// The few scores that stand beside each other where several models are summed up.
import type { Metrics } from './metrics.js';
import { scoreText } from './round-table.js';

const SCORES = ['balancedAccuracy', 'malignantAuc', 'weightedF1', 'accuracy'] as const;
export type ScoreRow = Readonly<Record<(typeof SCORES)[number], number | null>>;

/** What `scoreCells` gives, by name. */
export const SCORE_TITLES = ['bal.acc', 'AUC mal.', 'weighted F1', 'acc'] as const;

const rowOf = (values: (score: (typeof SCORES)[number]) => number | null): ScoreRow => Object.fromEntries(SCORES.map((score) => [score, values(score)])) as ScoreRow;

export const scoresOf = (metrics: Metrics): ScoreRow => rowOf((score) => metrics[score]);

/** Null where a score isn't defined in all of the rows. */
export function meanOf(rows: readonly ScoreRow[]): ScoreRow {
  return rowOf((score) => {
    const values = rows.map((row) => row[score]).filter((value) => value !== null);
    return values.length === rows.length ? values.reduce((a, b) => a + b, 0) / rows.length : null;
  });
}

export const scoreCells = (row: ScoreRow): string[] => SCORES.map((score) => scoreText(row[score]));
