// How two archives differ: in colour and brightness, and in what a student sees in them.
import * as tf from '@tensorflow/tfjs';
import { allocatePatients } from '../dataset/split.js';
import type { Sample } from '../dataset/sample.js';
import { LentigoError } from '../errors.js';
import type { Picture } from '../images/picture.js';
import { prepare, toInput } from '../images/prepare.js';
import { drawPatients, quantile } from '../evaluation/metrics.js';
import { CLASSIFIER } from '../model/network.js';
import type { Student } from '../model/student.js';
import { Random } from '../random.js';
import {
  frechetDistance,
  gaussianKernel,
  meanDiscrepancy,
  nearestNeighbours,
  type Points,
  principalComponents,
  squaredDistances,
} from './statistics.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}
export interface Estimate {
  readonly value: number;
  readonly interval: Interval;
  readonly chance: number;
}

/**
 * Measures of an image's centre square: means of red, green and blue, brightness and its spread
 * (contrast), saturation; each 0–1.
 */
export const COLOURS = ['red', 'green', 'blue', 'brightness', 'contrast', 'saturation'] as const;
export type Colours = Readonly<Record<(typeof COLOURS)[number], number>>;

export interface Measured {
  readonly label: string;
  readonly patient: string;
  readonly colours: Colours;
  readonly features: Float64Array;
}

export interface Comparison {
  readonly images: readonly [number, number];
  readonly patients: readonly [number, number];
  readonly labels: readonly [Readonly<Record<string, number>>, Readonly<Record<string, number>>];
  /**
   * Mean and standard deviation in each archive, and their difference in pooled standard deviations
   * (Cohen's d, second minus first).
   */
  readonly colours: Readonly<
    Record<
      (typeof COLOURS)[number],
      {
        readonly mean: readonly [number, number];
        readonly deviation: readonly [number, number];
        readonly difference: number;
      }
    >
  >;
  /**
   * In the first `components` principal components of both together, which have `share` of the
   * variance. `within`: the distance between random halves of the patients of each archive, which
   * is due to chance alone.
   */
  readonly frechet: {
    readonly components: number;
    readonly share: number;
    readonly value: number;
    readonly interval: Interval;
    readonly within: readonly [number, number];
  };
  /** `p`: the share of random divisions of the same patients that lie as far apart. */
  readonly discrepancy: { readonly value: number; readonly p: number };
  /** Balanced accuracies of k nearest neighbours. */
  readonly neighbours: {
    readonly k: number;
    readonly archive: Estimate;
    readonly diagnosis: Readonly<
      Record<'withinA' | 'withinB' | 'fromAToB' | 'fromBToA', Estimate | null>
    >;
    readonly classes: readonly string[];
  };
  /** Each image's first two components. */
  readonly map: readonly {
    readonly archive: 0 | 1;
    readonly label: string;
    readonly x: number;
    readonly y: number;
  }[];
  readonly mapShares: readonly [number, number];
}

const COMPONENTS = 32;
const RESAMPLES = 200;
const K = 5;
const FOLDS = 5;

function coloursOf(picture: Picture): Colours {
  const { data } = prepare(picture, 64);
  const n = data.length / 3;
  const sums = { red: 0, green: 0, blue: 0, brightness: 0, squares: 0, saturation: 0 };
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]! / 255, data[i + 1]! / 255, data[i + 2]! / 255];
    const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    const most = Math.max(r, g, b);
    sums.red += r / n;
    sums.green += g / n;
    sums.blue += b / n;
    sums.brightness += luma / n;
    sums.squares += luma ** 2 / n;
    sums.saturation += (most > 0 ? (most - Math.min(r, g, b)) / most : 0) / n;
  }
  const { squares, ...means } = sums;
  return { ...means, contrast: Math.sqrt(Math.max(0, squares - means.brightness ** 2)) };
}

/** Colours, and the mean over places of the last convolution's activations. */
export async function measure(
  student: Student,
  { label, patient }: Pick<Sample, 'label' | 'patient'>,
  picture: Picture,
): Promise<Measured> {
  const size = student.inputSize;
  const pooled = tf.tidy(() =>
    tf.mean(
      student.features(tf.tensor4d(toInput(picture, size), [1, size, size, 3]), CLASSIFIER),
      [1, 2],
    ),
  );
  const features = Float64Array.from(await pooled.data());
  pooled.dispose();
  return { label, patient, colours: coloursOf(picture), features };
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(
    values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / Math.max(1, values.length - 1),
  );
const counts = (values: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    [...new Set(values)].sort().map((value) => [value, values.filter((v) => v === value).length]),
  );

function interval(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/**
 * The mean over classes of the share of each class that was found, with an interval bootstrapped
 * over patients.
 */
function balancedAccuracy(
  truth: readonly string[],
  found: readonly string[],
  patients: readonly string[],
  random: Random,
): Estimate {
  const classes = [...new Set(truth)];
  const of = (times: ArrayLike<number>): number => {
    const recalls = classes.flatMap((label) => {
      let [all, right] = [0, 0];
      for (const [i, t] of truth.entries())
        if (t === label)
          [all, right] = [all + times[i]!, right + (found[i] === label ? times[i]! : 0)];
      return all > 0 ? [right / all] : [];
    });
    return mean(recalls);
  };
  const draw = drawPatients(patients, random);
  return {
    value: of(truth.map(() => 1)),
    interval: interval(Array.from({ length: RESAMPLES }, () => of(draw()))),
    chance: 1 / classes.length,
  };
}

/** Repeats each point as often as it was drawn. */
const repeated = (points: Points, times: Float64Array): Points =>
  points.flatMap((p, i) => Array.from({ length: times[i]! }, () => p));

/**
 * Compares two archives' measured images. Images of one patient stay together in every fold, half
 * and resample.
 * @throws LENTIGO_DATA_EMPTY an archive has fewer than ten images or five patients (or lesions)
 */
export function compare(a: readonly Measured[], b: readonly Measured[], seed: number): Comparison {
  for (const [name, images] of [
    ['first', a],
    ['second', b],
  ] as const) {
    if (images.length < 10 || new Set(images.map(({ patient }) => patient)).size < FOLDS)
      throw new LentigoError(
        'LENTIGO_DATA_EMPTY',
        `the ${name} archive has ${images.length} usable images; a comparison needs ten of five patients`,
      );
  }
  const random = new Random(seed).fork('comparison');
  const all = [
    ...a.map((m) => ({ ...m, archive: 0 as const })),
    ...b.map((m) => ({ ...m, archive: 1 as const })),
  ];
  // A patient id of one archive says nothing about the other's.
  const patients = all.map(({ archive, patient }) => `${archive}/${patient}`);
  const { scores, shares } = principalComponents(
    all.map(({ features }) => features),
    COMPONENTS,
    random.fork('components'),
  );
  const [ofA, ofB] = [scores.slice(0, a.length), scores.slice(a.length)];

  const halves = (points: Points, from: readonly Measured[], name: string): number => {
    const half = allocatePatients(from, [0.5, 0.5], random.fork('halves', name));
    return frechetDistance(
      points.filter((_, i) => half.get(from[i]!.patient) === 0),
      points.filter((_, i) => half.get(from[i]!.patient) === 1),
    );
  };
  const [drawA, drawB] = [
    drawPatients(
      a.map(({ patient }) => patient),
      random.fork('a'),
    ),
    drawPatients(
      b.map(({ patient }) => patient),
      random.fork('b'),
    ),
  ];
  const distance = frechetDistance(ofA, ofB);
  // The basic bootstrap (Davison & Hinkley 1997, 5.2): resampling repeats images, which by itself
  // adds distance, as few images do.
  const resampled = interval(
    Array.from({ length: RESAMPLES }, () =>
      frechetDistance(repeated(ofA, drawA()), repeated(ofB, drawB())),
    ),
  );

  const distances = squaredDistances(scores);
  const kernel = gaussianKernel(distances);
  const value = meanDiscrepancy(
    kernel,
    all.map(({ archive }) => archive === 0),
  );
  const people = [...new Set(patients)];
  const shuffled = Array.from({ length: RESAMPLES }, (_, i) => {
    const first = new Set(
      random
        .fork('permutation', i)
        .shuffle([...people])
        .slice(0, new Set(a.map(({ patient }) => patient)).size),
    );
    return meanDiscrepancy(
      kernel,
      patients.map((patient) => first.has(patient)),
    );
  });

  const folds = allocatePatients(
    all.map(({ archive }, i) => ({ patient: patients[i]!, label: String(archive) })),
    Array.from({ length: FOLDS }, () => 1 / FOLDS),
    random.fork('folds'),
  );
  const crossValidated = (among: readonly number[], classes: readonly string[]): string[] => {
    const found: string[] = [];
    for (let fold = 0; fold < FOLDS; fold++) {
      const queries = among.filter((i) => folds.get(patients[i]!) === fold);
      const answers = nearestNeighbours(
        distances,
        classes,
        among.filter((i) => folds.get(patients[i]!) !== fold),
        queries,
        K,
      );
      for (const [q, i] of queries.entries()) found[i] = answers[q]!;
    }
    return among.map((i) => found[i]!);
  };
  const everyone = all.map((_, i) => i);
  const archives = all.map(({ archive }) => String(archive));
  const labels = all.map(({ label }) => label);
  const shared = [...new Set(a.map(({ label }) => label))]
    .filter((label) => b.some((m) => m.label === label))
    .sort();
  const diagnosed = everyone.filter((i) => shared.includes(labels[i]!));
  const part = (archive: 0 | 1): number[] => diagnosed.filter((i) => all[i]!.archive === archive);
  const diagnosis = (
    queries: readonly number[],
    found: () => readonly string[],
    name: string,
  ): Estimate | null =>
    shared.length < 2
      ? null
      : balancedAccuracy(
          queries.map((i) => labels[i]!),
          found(),
          queries.map((i) => patients[i]!),
          random.fork('diagnosis', name),
        );
  const across = (from: 0 | 1, to: 0 | 1) => () =>
    nearestNeighbours(distances, labels, part(from), part(to), K);

  return {
    images: [a.length, b.length],
    patients: [
      new Set(a.map(({ patient }) => patient)).size,
      new Set(b.map(({ patient }) => patient)).size,
    ],
    labels: [counts(a.map(({ label }) => label)), counts(b.map(({ label }) => label))],
    colours: Object.fromEntries(
      COLOURS.map((colour) => {
        const [x, y] = [
          a.map(({ colours }) => colours[colour]),
          b.map(({ colours }) => colours[colour]),
        ];
        const [sx, sy] = [deviation(x), deviation(y)];
        return [
          colour,
          {
            mean: [mean(x), mean(y)],
            deviation: [sx, sy],
            difference: (mean(y) - mean(x)) / (Math.sqrt((sx ** 2 + sy ** 2) / 2) || 1),
          },
        ];
      }),
    ) as unknown as Comparison['colours'],
    frechet: {
      components: shares.length,
      share: shares.reduce((x, y) => x + y, 0),
      value: distance,
      interval: {
        low: Math.max(0, 2 * distance - resampled.high),
        high: Math.max(0, 2 * distance - resampled.low),
      },
      within: [halves(ofA, a, 'a'), halves(ofB, b, 'b')],
    },
    discrepancy: { value, p: (1 + shuffled.filter((v) => v >= value).length) / (RESAMPLES + 1) },
    neighbours: {
      k: K,
      archive: balancedAccuracy(
        archives,
        crossValidated(everyone, archives),
        patients,
        random.fork('archive'),
      ),
      diagnosis: {
        withinA: diagnosis(part(0), () => crossValidated(part(0), labels), 'aa'),
        withinB: diagnosis(part(1), () => crossValidated(part(1), labels), 'bb'),
        fromAToB: diagnosis(part(1), across(0, 1), 'ab'),
        fromBToA: diagnosis(part(0), across(1, 0), 'ba'),
      },
      classes: shared,
    },
    map: all.map(({ archive, label }, i) => ({
      archive,
      label,
      x: scores[i]![0]!,
      y: scores[i]![1] ?? 0,
    })),
    mapShares: [shares[0]!, shares[1] ?? 0],
  };
}
