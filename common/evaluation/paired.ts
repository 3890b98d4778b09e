// Compares two models on the same images: the difference of a score, with an interval bootstrapped
// over patients.
import type { LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import type { Predictions, ScoreName } from './metrics.js';
import { drawPatients, quantile, RESAMPLES, scorer } from './metrics.js';

export interface PairedDifference {
  /** score(a) − score(b); null where the score isn't defined on these images. */
  readonly difference: number | null;
  /** 95% percentile interval of the difference. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** The predictions of two models for the same images, in the same order. */
export interface Pair {
  readonly a: Predictions;
  readonly b: Predictions;
}

/**
 * Paired percentile bootstrap (Efron & Tibshirani 1993, chapter 13): each resample draws the same
 * patients, with all their images, for both models, so that what makes a patient hard or easy
 * cancels out. Patients are those of a; if absent, each image is drawn by itself.
 * @example pairedDifference(a, b, 'malignantAuc', { labels, random: new Random(1) })
 * @throws RangeError when a and b are not for the same images
 */
export const pairedDifference = (
  a: Predictions,
  b: Predictions,
  metric: ScoreName,
  how: { labels: LabelSet; random: Random },
): PairedDifference => meanPairedDifference([{ a, b }], metric, how);

/**
 * The mean difference of several such pairs, for example the same study under several seeds. All
 * pairs are for the same images, and a resample draws the same patients for all. The interval
 * reflects which patients were held out, not which seeds were used.
 * @throws RangeError when they are not for the same images
 */
export function meanPairedDifference(
  pairs: readonly Pair[],
  metric: ScoreName,
  { labels, random }: { labels: LabelSet; random: Random },
): PairedDifference {
  const first = pairs[0]!.a;
  for (const { labels: own } of pairs.flatMap(({ a, b }) => [a, b])) {
    if (own.length !== first.labels.length || own.some((label, i) => label !== first.labels[i]))
      throw new RangeError('the models were not evaluated on the same images');
  }
  const scorers = pairs.map(({ a, b }) => [scorer(a, labels), scorer(b, labels)] as const);
  const differenceOf = (times: Float64Array): number | null => {
    let sum = 0;
    for (const [scoreA, scoreB] of scorers) {
      const [x, y] = [scoreA(times)[metric], scoreB(times)[metric]];
      if (x === null || y === null) return null;
      sum += x - y;
    }
    return sum / scorers.length;
  };
  const draw = drawPatients(first.patients ?? first.labels.map((_, i) => String(i)), random);
  const drawn: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const difference = differenceOf(draw());
    if (difference !== null) drawn.push(difference);
  }
  const sorted = drawn.sort((x, y) => x - y);
  return {
    difference: differenceOf(new Float64Array(first.labels.length).fill(1)),
    interval:
      sorted.length === 0 ? null : { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) },
  };
}

/** The differences of the two scores by which models are compared. */
export interface Paired {
  readonly balancedAccuracy: PairedDifference;
  readonly malignantAuc: PairedDifference;
}

/** a − b, averaged over the pairs. */
export function pairedOf(pairs: readonly Pair[], labels: LabelSet, seed: number): Paired {
  const difference = (metric: ScoreName) =>
    meanPairedDifference(pairs, metric, {
      labels,
      random: new Random(seed).fork('paired', metric),
    });
  return {
    balancedAccuracy: difference('balancedAccuracy'),
    malignantAuc: difference('malignantAuc'),
  };
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

/** For example "+0.012 (95% −0.031 to +0.055)". */
const differenceText = ({ difference, interval }: PairedDifference): string =>
  `${difference === null ? '–' : signed(difference)}${interval ? ` (95% ${signed(interval.low)} to ${signed(interval.high)})` : ''}`;

export const pairedText = ({ balancedAccuracy, malignantAuc }: Paired): string =>
  `balanced accuracy ${differenceText(balancedAccuracy)}, malignant AUC ${differenceText(malignantAuc)}`;
