// Confidence intervals for the groups that a model card lists one by one: each diagnosis, and each
// group of skin types.
import type { LabelSet } from '../model/labels.js';
import type { Random } from '../random.js';
import {
  classScorer,
  drawPatients,
  type Interval,
  intervalOf,
  type Predictions,
  RESAMPLES,
  type ScoreName,
  scorer,
  skinTypeGroups,
  SMALLEST_GROUP,
} from './metrics.js';

const CLASS_SCORES = ['precision', 'recall', 'f1'] as const;
const GROUP_SCORES = [
  'balancedAccuracy',
  'malignantAuc',
  'malignantRecall',
] as const satisfies readonly ScoreName[];

export interface GroupIntervals {
  readonly perClass: Readonly<
    Record<string, Readonly<Record<(typeof CLASS_SCORES)[number], Interval>>>
  >;
  /** Only groups that are large enough for scores. */
  readonly byFitzpatrick: Readonly<
    Record<string, Readonly<Record<(typeof GROUP_SCORES)[number], Interval>>>
  >;
}

/**
 * 95% percentile bootstrap over patients, for the scores that Metrics gives by class and by skin
 * type.
 */
export function groupIntervals(
  predictions: Predictions,
  set: LabelSet,
  random: Random,
): GroupIntervals {
  const { labels, fitzpatrick } = predictions;
  const draw = drawPatients(predictions.patients ?? labels.map((_, i) => String(i)), random);
  const draws = Array.from({ length: RESAMPLES }, draw);
  const defined = (values: readonly (number | null)[]): number[] =>
    values.filter((value) => value !== null);
  const classes = classScorer(predictions, set);
  const byDraw = draws.map(classes);
  const scores = scorer(predictions, set);
  const groups = Object.entries(skinTypeGroups(fitzpatrick ?? labels.map(() => undefined))).filter(
    ([, members]) => members.length >= SMALLEST_GROUP,
  );
  return {
    perClass: Object.fromEntries(
      set.names.map((name, c) => [
        name,
        record(CLASS_SCORES, (score) => intervalOf(defined(byDraw.map((of) => of[c]![score])))),
      ]),
    ),
    byFitzpatrick: Object.fromEntries(
      groups.map(([name, members]) => {
        const inside = new Set(members);
        const drawn = draws.map((times) => scores(times.map((n, i) => (inside.has(i) ? n : 0))));
        return [
          name,
          record(GROUP_SCORES, (score) => intervalOf(defined(drawn.map((of) => of[score])))),
        ];
      }),
    ),
  };
}

const record = <K extends string, T>(names: readonly K[], value: (name: K) => T): Record<K, T> =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, T>;
