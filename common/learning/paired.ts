// Two models on the same images: is one better? The difference of a score, with an interval bootstrapped over patients.
import type { LabelSet } from '../model/labels.js';
import type { Random } from '../random.js';
import type { Predictions, ScoreName } from './metrics.js';
import { drawPatients, quantile, RESAMPLES, scorer } from './metrics.js';

export interface PairedDifference {
  /** score(a) − score(b); null where the score isn't defined on these images. */
  readonly difference: number | null;
  /** 95% percentile interval of the difference. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/**
 * Paired percentile bootstrap (Efron & Tibshirani 1993, chapter 13): in each resample the same patients, all their images with them, are
 * drawn for both models, so that what makes a patient hard or easy cancels out.
 * @param a and b: predictions of the same images in the same order; patients are a's (absent: each image by itself).
 * @throws RangeError when they aren't of the same images
 */
export function pairedDifference(a: Predictions, b: Predictions, metric: ScoreName, { labels, random }: { labels: LabelSet; random: Random }): PairedDifference {
  if (a.labels.length !== b.labels.length || a.labels.some((label, i) => label !== b.labels[i])) throw new RangeError('the two models were not evaluated on the same images');
  const [scoreA, scoreB] = [scorer(a, labels), scorer(b, labels)];
  const differenceOf = (times: Float64Array): number | null => {
    const [x, y] = [scoreA(times)[metric], scoreB(times)[metric]];
    return x === null || y === null ? null : x - y;
  };
  const draw = drawPatients(a.patients ?? a.labels.map((_, i) => String(i)), random);
  const drawn: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const difference = differenceOf(draw());
    if (difference !== null) drawn.push(difference);
  }
  const sorted = drawn.sort((x, y) => x - y);
  return {
    difference: differenceOf(new Float64Array(a.labels.length).fill(1)),
    interval: sorted.length === 0 ? null : { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) },
  };
}
