// The score of ISIC 2024's challenge: the partial area under the ROC curve at sensitivities that
// are useful in practice.
import type { LabelSet } from '../model/labels.js';
import type { Random } from '../random.js';
import { drawPatients, type Predictions, quantile, RESAMPLES } from './metrics.js';
import { malignancyOf } from './operating-point.js';

/** Sensitivity from which the area counts: 80% (Kurtansky et al. 2024, "The SLICE-3D dataset"). */
const FROM = 0.8;

export interface PartialAuc {
  /**
   * 0 to 0.2: the area between the curve and a sensitivity of 80%; null unless there are both
   * malignant and benign images.
   */
  readonly value: number | null;
  /** 95% percentile bootstrap over patients. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** The partial area of the summed malignant probability, malignant against benign. */
export function partialAuc(
  { labels, probabilities, patients }: Predictions,
  set: LabelSet,
  random: Random,
): PartialAuc {
  const { values: scores, positive } = malignancyOf(labels, probabilities, set);
  const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const area = (times: Float64Array): number | null => areaAbove(order, scores, positive, times);
  const draw = drawPatients(patients ?? labels.map((_, i) => String(i)), random);
  const drawn = Array.from({ length: RESAMPLES }, () => area(draw()))
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
  return {
    value: area(new Float64Array(labels.length).fill(1)),
    interval:
      drawn.length === 0 ? null : { low: quantile(drawn, 0.025), high: quantile(drawn, 0.975) },
  };
}

/**
 * The area between the curve and sensitivity FROM; null without both kinds.
 * @param order images by falling score
 * @param times how often each image counts
 */
function areaAbove(
  order: readonly number[],
  scores: readonly number[],
  positive: readonly boolean[],
  times: Float64Array,
): number | null {
  const total = (wanted: boolean): number =>
    positive.reduce((sum, own, i) => sum + (own === wanted ? times[i]! : 0), 0);
  const [positives, negatives] = [total(true), total(false)];
  if (positives === 0 || negatives === 0) return null;
  let [area, sensitivity] = [0, 0];
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!;
    let [up, right] = [0, 0];
    // Equal scores form one straight piece of the curve.
    for (; i < order.length && scores[order[i]!] === score; i++) {
      if (positive[order[i]!]!) up += times[order[i]!]! / positives;
      else right += times[order[i]!]! / negatives;
    }
    area += right === 0 ? 0 : trapezoid(sensitivity - FROM, sensitivity + up - FROM, right);
    sensitivity += up;
  }
  return area;
}

/** The area above 0 of a straight line from height a up to height b ≥ a, over `width`. */
function trapezoid(a: number, b: number, width: number): number {
  if (b <= 0) return 0;
  return a >= 0 ? ((a + b) / 2) * width : (b / 2) * (width * (b / (b - a)));
}
