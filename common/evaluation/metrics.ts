// Metrics of a classifier, computed from its probabilities: classification scores, ranking,
// calibration, scores by skin type, and intervals bootstrapped over patients.
import { z } from 'zod';
import { Random } from '../random.js';
import type { LabelSet } from '../model/labels.js';
import {
  chooseThreshold,
  flaggedAt,
  Interval,
  malignancyOf,
  OperatingPoint,
  ratesAt,
  RocCurve,
  rocCurve,
} from './operating-point.js';

export type { Interval } from './operating-point.js';

/** null where the score is not defined (a class without examples, a group with only one kind). */
const score = z.number().nullable();
const Scores = z.strictObject({
  accuracy: score,
  /** Mean recall of the classes that occur. */
  balancedAccuracy: score,
  /** Mean F1 of the classes, weighted by their counts. */
  weightedF1: score,
  /** Mean F1 of the classes that occur or were predicted. */
  macroF1: score,
  /** Mean one-vs-rest area under the ROC curve of the classes that occur. */
  aucOvr: score,
  /** Area under the ROC curve of the summed malignant probability, malignant against benign. */
  malignantAuc: score,
  /** Share of the malignant images whose summed malignant probability is at least 0.5. */
  malignantRecall: score,
});
export type Scores = z.infer<typeof Scores>;
export type ScoreName = keyof Scores;
export const SCORE_NAMES = Object.keys(Scores.shape) as ScoreName[];

export const Metrics = Scores.extend({
  samples: z.int(),
  /**
   * Expected calibration error of the predicted class, 15 bins of equal width (Guo et al. 2017).
   */
  ece: score,
  perClass: z.record(
    z.string(),
    z.strictObject({ precision: score, recall: score, f1: score, support: z.int() }),
  ),
  /** Rows: the true class; columns: the predicted class. In the label set's order. */
  confusion: z.array(z.array(z.int())),
  /** Scores by Fitzpatrick skin type. Groups with fewer than 20 images have the count only. */
  byFitzpatrick: z.record(
    z.enum(['I-II', 'III-IV', 'V-VI', 'unknown']),
    Scores.partial().extend({ samples: z.int() }),
  ),
  /** Intervals of the scores: 95% percentile bootstrap over patients. */
  intervals: z.strictObject(
    Object.fromEntries(SCORE_NAMES.map((name) => [name, Interval])) as Record<
      ScoreName,
      typeof Interval
    >,
  ),
  /** Malignant against benign; empty without both kinds. Metrics of older releases have none. */
  roc: RocCurve.default([]),
  /**
   * At the threshold that validation chose; null where there is none. Metrics of older releases have
   * none.
   */
  operatingPoint: OperatingPoint.nullable().default(null),
});
export type Metrics = z.infer<typeof Metrics>;

const ECE_BINS = 15;
export const SMALLEST_GROUP = 20;
/** Number of resamples in every bootstrap. */
export const RESAMPLES = 500;

export interface Predictions {
  /** Index of the true class of each image. */
  readonly labels: readonly number[];
  /** [n × classes]; each row sums to 1. */
  readonly probabilities: readonly (readonly number[])[];
  /**
   * Images with the same entry are resampled together. If absent, each image is resampled by
   * itself.
   */
  readonly patients?: readonly string[];
  /** 1–6, or undefined where the skin type isn't recorded. */
  readonly fitzpatrick?: readonly (number | undefined)[];
}

/**
 * A score's images in ascending order, and whether each is positive: the input for an area under
 * the ROC curve.
 */
interface Ranking {
  readonly order: readonly number[];
  readonly values: readonly number[];
  readonly positive: readonly boolean[];
}

/**
 * Everything about the predictions that doesn't depend on how often each image counts in a
 * resample.
 */
interface Prepared {
  readonly labels: readonly number[];
  readonly predicted: readonly number[];
  readonly classes: number;
  readonly perClass: readonly Ranking[];
  readonly malignancy: Ranking;
}

function ranking(values: readonly number[], positive: readonly boolean[]): Ranking {
  return {
    order: values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!),
    values,
    positive,
  };
}

function prepare({ labels, probabilities }: Predictions, set: LabelSet): Prepared {
  const malignancy = malignancyOf(labels, probabilities, set);
  return {
    labels,
    classes: set.names.length,
    predicted: probabilities.map((row) => row.indexOf(Math.max(...row))),
    perClass: set.names.map((_, c) =>
      ranking(
        probabilities.map((row) => row[c]!),
        labels.map((label) => label === c),
      ),
    ),
    malignancy: ranking(malignancy.values, malignancy.positive),
  };
}

/**
 * Area under the ROC curve by ranks (Mann & Whitney 1947): the probability that a positive ranks
 * above a negative, with ties counting half. `times`: how often each image counts.
 */
function areaUnderRoc({ order, values, positive }: Ranking, times: Float64Array): number | null {
  let positives = 0;
  let negatives = 0;
  let won = 0;
  for (let i = 0; i < order.length;) {
    const value = values[order[i]!]!;
    let up = 0;
    let down = 0;
    for (; i < order.length && values[order[i]!] === value; i++) {
      if (positive[order[i]!]!) up += times[order[i]!]!;
      else down += times[order[i]!]!;
    }
    won += up * (negatives + down / 2);
    positives += up;
    negatives += down;
  }
  return positives > 0 && negatives > 0 ? won / (positives * negatives) : null;
}

function confusionOf({ labels, predicted, classes }: Prepared, times: Float64Array): number[][] {
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (const [i, label] of labels.entries()) confusion[label]![predicted[i]!]! += times[i]!;
  return confusion;
}

const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

function mean(values: readonly (number | null)[]): number | null {
  const defined = values.filter((v) => v !== null);
  return ratio(
    defined.reduce((a, b) => a + b, 0),
    defined.length,
  );
}

function classScores(confusion: readonly (readonly number[])[]) {
  return confusion.map((row, c) => {
    const support = row.reduce((a, b) => a + b, 0);
    const found = confusion.reduce((sum, other) => sum + other[c]!, 0);
    return {
      precision: ratio(row[c]!, found),
      recall: ratio(row[c]!, support),
      f1: ratio(2 * row[c]!, support + found),
      support,
    };
  });
}

function scoresOf(prepared: Prepared, times: Float64Array): Scores {
  const confusion = confusionOf(prepared, times);
  const perClass = classScores(confusion);
  const n = perClass.reduce((sum, { support }) => sum + support, 0);
  return {
    accuracy: ratio(
      confusion.reduce((sum, row, c) => sum + row[c]!, 0),
      n,
    ),
    balancedAccuracy: mean(perClass.map(({ recall }) => recall)),
    weightedF1: ratio(
      perClass.reduce((sum, { f1, support }) => sum + support * (f1 ?? 0), 0),
      n,
    ),
    macroF1: mean(perClass.map(({ f1 }) => f1)),
    aucOvr: mean(prepared.perClass.map((r) => areaUnderRoc(r, times))),
    malignantAuc: areaUnderRoc(prepared.malignancy, times),
    malignantRecall: ratesAt(prepared.malignancy, 0.5)(times).sensitivity,
  };
}

function calibrationError(
  { labels, predicted }: Prepared,
  probabilities: Predictions['probabilities'],
): number | null {
  const gap = new Float64Array(ECE_BINS);
  for (const [i, p] of predicted.entries()) {
    const confidence = probabilities[i]![p]!;
    gap[Math.min(ECE_BINS - 1, Math.floor(confidence * ECE_BINS))]! +=
      (p === labels[i] ? 1 : 0) - confidence;
  }
  return ratio(
    gap.reduce((sum, g) => sum + Math.abs(g), 0),
    labels.length,
  );
}

export function skinTypeGroups(
  fitzpatrick: readonly (number | undefined)[],
): Record<keyof Metrics['byFitzpatrick'], number[]> {
  const groups = {
    'I-II': [] as number[],
    'III-IV': [] as number[],
    'V-VI': [] as number[],
    unknown: [] as number[],
  };
  for (const [i, type] of fitzpatrick.entries()) {
    groups[
      type === undefined ? 'unknown' : type <= 2 ? 'I-II' : type <= 4 ? 'III-IV' : 'V-VI'
    ].push(i);
  }
  return groups;
}

/**
 * Draws patients with replacement, each with all their images.
 * @returns a function; each call draws how often each image counts
 */
export function drawPatients(patients: readonly string[], random: Random): () => Float64Array {
  const number = new Map<string, number>();
  const patientOf = patients.map(
    (p) => number.get(p) ?? (number.set(p, number.size), number.size - 1),
  );
  return () => {
    const counts = new Float64Array(number.size);
    for (let k = 0; k < number.size; k++) counts[random.int(number.size)]!++;
    return Float64Array.from(patientOf, (p) => counts[p]!);
  };
}

/** The scores of these predictions as a function of how often each image counts. */
export function scorer(predictions: Predictions, set: LabelSet): (times: Float64Array) => Scores {
  const prepared = prepare(predictions, set);
  return (times) => scoresOf(prepared, times);
}

/** Precision, recall and F1 of each class, as a function of how often each image counts. */
export function classScorer(
  predictions: Predictions,
  set: LabelSet,
): (times: Float64Array) => ReturnType<typeof classScores> {
  const prepared = prepare(predictions, set);
  return (times) => classScores(confusionOf(prepared, times));
}

/** Percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over patients. */
function bootstrap<Name extends string>(
  names: readonly Name[],
  scoresOf: (times: Float64Array) => Readonly<Record<Name, number | null>>,
  draw: () => Float64Array,
): Record<Name, Interval> {
  const drawn = names.map(() => [] as number[]);
  for (let b = 0; b < RESAMPLES; b++) {
    const scores = scoresOf(draw());
    for (const [s, name] of names.entries()) {
      const value = scores[name];
      if (value !== null) drawn[s]!.push(value);
    }
  }
  return Object.fromEntries(names.map((name, s) => [name, intervalOf(drawn[s]!)])) as Record<
    Name,
    Interval
  >;
}

/** What a model does at a threshold, with its intervals. */
function operatingPointOf(
  malignancy: Ranking,
  threshold: number,
  draw: () => Float64Array,
): OperatingPoint {
  const rates = ratesAt(malignancy, threshold);
  return {
    threshold,
    ...flaggedAt(malignancy, threshold),
    ...rates(new Float64Array(malignancy.values.length).fill(1)),
    intervals: bootstrap(['sensitivity', 'specificity'], rates, draw),
  };
}

/** The middle 95% of the values drawn by a bootstrap. */
export function intervalOf(drawn: readonly number[]): Interval {
  const sorted = drawn.toSorted((a, b) => a - b);
  return sorted.length === 0
    ? null
    : { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** The quantile of ascending values, by linear interpolation between the two nearest. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}

/**
 * All metrics of these predictions. The predicted class is the most probable one (the first of
 * equals). `seed` seeds the bootstrap.
 * @param threshold of the operating point, as validation chose it; 'choose' (on validation images)
 *   chooses it by Youden's index; null: no operating point
 */
export function metricsOf(
  predictions: Predictions,
  set: LabelSet,
  seed: number | string = 1,
  threshold: number | 'choose' | null = null,
): Metrics {
  const { labels, probabilities } = predictions;
  const n = labels.length;
  const once = new Float64Array(n).fill(1);
  const prepared = prepare(predictions, set);
  const confusion = confusionOf(prepared, once);
  const groups = skinTypeGroups(predictions.fitzpatrick ?? labels.map(() => undefined));
  const patients = predictions.patients ?? labels.map((_, i) => String(i));
  const draws = (name: string) => drawPatients(patients, new Random(seed).fork(name));
  const { malignancy } = prepared;
  const at = threshold === 'choose' ? chooseThreshold(malignancy) : threshold;
  return {
    samples: n,
    ...scoresOf(prepared, once),
    ece: calibrationError(prepared, probabilities),
    perClass: Object.fromEntries(
      classScores(confusion).map((scores, c) => [set.names[c]!, scores]),
    ),
    confusion,
    byFitzpatrick: Object.fromEntries(
      Object.entries(groups).map(([name, members]) => {
        if (members.length < SMALLEST_GROUP) return [name, { samples: members.length }];
        const times = new Float64Array(n);
        for (const i of members) times[i] = 1;
        return [name, { samples: members.length, ...scoresOf(prepared, times) }];
      }),
    ) as Metrics['byFitzpatrick'],
    intervals: bootstrap(SCORE_NAMES, (times) => scoresOf(prepared, times), draws('bootstrap')),
    roc: rocCurve(malignancy),
    operatingPoint: at === null ? null : operatingPointOf(malignancy, at, draws('operating point')),
  };
}
