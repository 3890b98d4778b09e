// Malignant against benign: the ROC curve, and what a model does at one threshold, which validation
// chooses.
import { z } from 'zod';
import type { LabelSet } from '../model/labels.js';

const share = z.number().min(0).max(1);
export const Interval = z.strictObject({ low: z.number(), high: z.number() }).nullable();
/** A 95% interval; null where the score isn't defined. */
export type Interval = z.infer<typeof Interval>;

/** The most points of a stored curve. */
const MOST_POINTS = 101;

/**
 * Points of the ROC curve of the summed malignant probability, from [0, 0] to [1, 1]: the share of
 * the benign images that is flagged (1 − specificity), and that of the malignant (sensitivity).
 */
export const RocCurve = z.array(z.tuple([share, share])).max(MOST_POINTS);
export type RocCurve = z.infer<typeof RocCurve>;

/**
 * What a model does with malignant and with benign images when it flags those whose summed
 * malignant probability is at least `threshold`. Intervals: 95% percentile bootstrap over patients.
 */
export const OperatingPoint = z.strictObject({
  threshold: share,
  malignant: z.int(),
  /** Malignant images that are flagged. */
  found: z.int(),
  benign: z.int(),
  /** Benign images that are flagged. */
  falseAlarms: z.int(),
  /** found / malignant. */
  sensitivity: share.nullable(),
  /** 1 − falseAlarms / benign. */
  specificity: share.nullable(),
  intervals: z.strictObject({ sensitivity: Interval, specificity: Interval }),
});
export type OperatingPoint = z.infer<typeof OperatingPoint>;

/** Each image's summed malignant probability, and whether it is malignant. */
export interface Malignancy {
  readonly values: readonly number[];
  readonly positive: readonly boolean[];
}

export function malignancyOf(
  labels: readonly number[],
  probabilities: readonly (readonly number[])[],
  { names, malignant }: LabelSet,
): Malignancy {
  const isMalignant = names.map((name) => malignant.includes(name));
  return {
    values: probabilities.map((row) =>
      row.reduce((sum, p, c) => sum + (isMalignant[c]! ? p : 0), 0),
    ),
    positive: labels.map((label) => isMalignant[label]!),
  };
}

/** One corner of the curve: what is flagged from this value on. */
interface Corner {
  readonly threshold: number;
  readonly found: number;
  readonly falseAlarms: number;
}

/** By falling threshold, without the corner where nothing is flagged. */
function cornersOf({ values, positive }: Malignancy): Corner[] {
  const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
  const corners: Corner[] = [];
  let [found, falseAlarms] = [0, 0];
  for (let i = 0; i < order.length;) {
    const threshold = values[order[i]!]!;
    // Equal values are flagged together.
    for (; i < order.length && values[order[i]!] === threshold; i++) {
      if (positive[order[i]!]!) found++;
      else falseAlarms++;
    }
    corners.push({ threshold, found, falseAlarms });
  }
  return corners;
}

/** Number of malignant and of benign images. */
function kindsOf({ positive }: Malignancy): [malignant: number, benign: number] {
  const malignant = positive.filter(Boolean).length;
  return [malignant, positive.length - malignant];
}

/**
 * The threshold with the largest sensitivity + specificity − 1 (Youden 1950, "Index for rating
 * diagnostic tests"), which weighs a missed malignant image's share as much as a false alarm's and
 * needs no target that somebody would have to set. Among equals the lowest, which finds more. Null
 * without both kinds. For validation images; never for those that a result is reported on.
 */
export function chooseThreshold(malignancy: Malignancy): number | null {
  const [malignant, benign] = kindsOf(malignancy);
  if (malignant === 0 || benign === 0) return null;
  // In whole numbers, so that equal ones are equal: found/malignant − falseAlarms/benign.
  const gain = ({ found, falseAlarms }: Corner) => found * benign - falseAlarms * malignant;
  let best: Corner | null = null;
  for (const corner of cornersOf(malignancy))
    if (best === null || gain(corner) >= gain(best)) best = corner;
  // A sum of probabilities may be a little more than 1.
  return best && Math.min(1, best.threshold);
}

/**
 * The curve with at most MOST_POINTS points, of many the ones nearest to equal steps along it;
 * empty without both kinds.
 */
export function rocCurve(malignancy: Malignancy): RocCurve {
  const [malignant, benign] = kindsOf(malignancy);
  if (malignant === 0 || benign === 0) return [];
  const points = [
    [0, 0] as [number, number],
    ...cornersOf(malignancy).map(({ found, falseAlarms }): [number, number] => [
      falseAlarms / benign,
      found / malignant,
    ]),
  ].filter(
    ([x, y], i, all) =>
      // What lies on a straight upright or level piece shows nothing.
      !(
        (all[i - 1]?.[0] === x && all[i + 1]?.[0] === x) ||
        (all[i - 1]?.[1] === y && all[i + 1]?.[1] === y)
      ),
  );
  if (points.length <= MOST_POINTS) return points;
  const kept: RocCurve = [];
  let at = 0;
  for (let step = 0; step < MOST_POINTS; step++) {
    const wanted = (2 * step) / (MOST_POINTS - 1);
    const off = (i: number) => Math.abs(points[i]![0] + points[i]![1] - wanted);
    while (at + 1 < points.length && off(at + 1) <= off(at)) at++;
    if (kept.at(-1) !== points[at]) kept.push(points[at]!);
  }
  return kept;
}

/** Sensitivity and specificity as a function of how often each image counts; null without a kind. */
export function ratesAt(
  { values, positive }: Malignancy,
  threshold: number,
): (times: Float64Array) => { sensitivity: number | null; specificity: number | null } {
  return (times) => {
    let [malignant, found, benign, falseAlarms] = [0, 0, 0, 0];
    for (const [i, isMalignant] of positive.entries()) {
      const flagged = values[i]! >= threshold ? times[i]! : 0;
      if (isMalignant) {
        malignant += times[i]!;
        found += flagged;
      } else {
        benign += times[i]!;
        falseAlarms += flagged;
      }
    }
    return {
      sensitivity: malignant > 0 ? found / malignant : null,
      specificity: benign > 0 ? 1 - falseAlarms / benign : null,
    };
  };
}

/** How many images of each kind there are, and are flagged. */
export function flaggedAt(
  malignancy: Malignancy,
  threshold: number,
): Pick<OperatingPoint, 'malignant' | 'found' | 'benign' | 'falseAlarms'> {
  const [malignant, benign] = kindsOf(malignancy);
  const flagged = malignancy.positive.filter((_, i) => malignancy.values[i]! >= threshold);
  const found = flagged.filter(Boolean).length;
  return { malignant, found, benign, falseAlarms: flagged.length - found };
}
