// Prediction and evaluation: plain images in, probabilities and metrics out.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import { LentigoError } from '../errors.js';
import type { Picture } from '../images/picture.js';
import { toInput } from '../images/prepare.js';
import type { Classifier, Student } from '../model/student.js';
import {
  breathe,
  FeatureSource,
  imagesAtOnce,
  type Skipped,
  type SourceOptions,
} from '../training/features.js';
import { type Metrics, metricsOf, type Predictions } from './metrics.js';
import { chooseThreshold, malignancyOf } from './operating-point.js';
import { batchesOf, labelIndex } from '../training/train.js';

/**
 * Softmax over the last axis, read back: one row of probabilities per image.
 * @throws LENTIGO_UPDATE_NOT_FINITE
 */
async function probabilitiesOf(logits: () => tf.Tensor2D): Promise<number[][]> {
  const p = tf.tidy(() => tf.softmax(logits()));
  const rows = await p.array();
  p.dispose();
  if (!rows.every((row) => row.every(Number.isFinite)))
    throw new LentigoError(
      'LENTIGO_UPDATE_NOT_FINITE',
      'the model gives probabilities that are not numbers',
    );
  return rows;
}

/**
 * Probabilities for each picture, [n × classes], in the order of the student's labels.
 * @throws LENTIGO_UPDATE_NOT_FINITE when the model gives NaN
 */
export async function predict(student: Student, pictures: readonly Picture[]): Promise<number[][]> {
  const size = student.inputSize;
  const step = imagesAtOnce();
  const rows: number[][] = [];
  for (let i = 0; i < pictures.length; i += step) {
    const inputs = pictures.slice(i, i + step).map((picture) => toInput(picture, size));
    rows.push(
      ...(await probabilitiesOf(() =>
        student.logits(tf.concat(inputs.map((input) => tf.tensor4d(input, [1, size, size, 3])))),
      )),
    );
    await breathe();
  }
  return rows;
}

export interface EvaluationOptions extends SourceOptions {
  /**
   * The block whose input features are cached (with `cache`), so that the next evaluation computes
   * only what follows.
   */
  readonly trainFrom?: string;
  /** Seed of the bootstrap. */
  readonly seed?: number | string;
  /** As `metricsOf` takes it. */
  readonly threshold?: number | 'choose' | null;
  /** Share of the images done, 0–1. */
  readonly onProgress?: (fraction: number) => void;
  /** Called with images that could not be read; they are left out. */
  readonly onSkipped?: (skipped: Skipped) => void;
}

/**
 * The student's predictions with what is known about each image: enough for the metrics, and to
 * compare two models image by image.
 */
export interface Evaluated extends Predictions {
  readonly ids: readonly string[];
  readonly patients: readonly string[];
}

/**
 * The student's predictions on these samples, unaugmented, in their order.
 * @throws LENTIGO_DATA_EMPTY when no sample is readable; LENTIGO_DATA_UNKNOWN_DIAGNOSIS;
 *   LENTIGO_UPDATE_NOT_FINITE
 */
export async function predictSamples(
  student: Classifier,
  samples: readonly Sample[],
  options: Omit<EvaluationOptions, 'seed' | 'threshold'> = {},
): Promise<Evaluated> {
  const trainFrom = options.trainFrom ?? student.blocks[0]!;
  const source = new FeatureSource(student, trainFrom, options);
  const label = labelIndex(student);
  for (const sample of samples) label(sample);
  const probabilities: number[][] = [];
  const used: Sample[] = [];
  const batches = batchesOf(
    samples.map((sample) => ({ sample, variant: 0 })),
    imagesAtOnce(),
  );
  let done = 0;
  for await (const batch of source.batches(batches)) {
    if (batch) {
      probabilities.push(
        ...(await probabilitiesOf(() =>
          student.logits(
            batch.x,
            trainFrom,
            batch.used.map(({ sample }) => sample),
          ),
        )),
      );
      used.push(...batch.used.map(({ sample }) => sample));
      batch.x.dispose();
    }
    options.onProgress?.(++done / batches.length);
    await breathe();
  }
  for (const [id, message] of source.skipped) options.onSkipped?.({ id, message });
  if (used.length === 0)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `none of the ${samples.length} images can be used`,
    );
  return {
    ids: used.map(({ id }) => id),
    labels: used.map(label),
    probabilities,
    patients: used.map(({ patient }) => patient),
    fitzpatrick: used.map(({ fitzpatrick }) => fitzpatrick),
  };
}

/**
 * The student's metrics on these samples, unaugmented.
 * @throws as predictSamples
 */
export async function evaluate(
  student: Student,
  samples: readonly Sample[],
  options: EvaluationOptions = {},
): Promise<Metrics> {
  return metricsOf(
    await predictSamples(student, samples, options),
    student.labels,
    options.seed,
    options.threshold,
  );
}

/**
 * The threshold for the operating point of a model, chosen on the validation images among these;
 * null where there are none, or none of a kind.
 * @throws as predictSamples
 */
export async function validationThreshold(
  student: Student,
  samples: readonly Sample[],
  options: Parameters<typeof predictSamples>[2],
): Promise<number | null> {
  const validation = samples.filter(({ split }) => split === 'validation');
  if (validation.length === 0) return null;
  const { labels, probabilities } = await predictSamples(student, validation, options);
  return chooseThreshold(malignancyOf(labels, probabilities, student.labels));
}
