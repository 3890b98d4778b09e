// Evaluation and prediction as calls of a program: what `lentigo evaluate` and `lentigo predict` do.
import { openDataset } from '../common/dataset/open.node.js';
import type { Dataset, Split } from '../common/dataset/sample.js';
import { useEngine } from '../common/engine/engine.node.js';
import { LentigoError } from '../common/errors.js';
import {
  type Evaluated,
  predict as predictPictures,
  predictSamples,
  validationThreshold,
} from '../common/evaluation/evaluate.js';
import { type Metrics, metricsOf } from '../common/evaluation/metrics.js';
import { type Prediction, predictionOf } from '../common/evaluation/prediction.js';
import { decodePicture } from '../common/images/decode.node.js';
import { loadModel } from '../common/model/folder.node.js';
import { createStudent, type Model, type Student } from '../common/model/student.js';
import { InputThread } from '../common/training/input-thread.node.js';

export interface EvaluateOptions {
  /** A model or its folder. */
  readonly model: string | Model;
  /** What `openDataset` takes, or a dataset labelled in the model's words. */
  readonly data: string | Dataset;
  /** Which split of the data is evaluated; `heldout` by default. */
  readonly split?: Split;
  /** Decides the splits where the data brings none; 0 by default. */
  readonly seed?: number;
}

export interface Evaluation {
  readonly metrics: Metrics;
  /** What the metrics are made of: image by image, to compare models in pairs. */
  readonly predictions: Evaluated;
}

/**
 * Measures a model on the images of one split, with intervals bootstrapped over patients. The
 * threshold of its operating point is chosen on the validation split, which is evaluated for it.
 * @example
 * const { metrics } = await evaluate({ model: 'my-model', data: 'synthetic:site=1&images=100' });
 * console.log(metrics.balancedAccuracy, metrics.intervals.balancedAccuracy);
 * @throws LENTIGO_DATA_EMPTY the split has no usable image; LENTIGO_DATA_UNKNOWN_DIAGNOSIS; what
 *   loadModel and openDataset throw
 */
export async function evaluate({
  model,
  data,
  split = 'heldout',
  seed = 0,
}: EvaluateOptions): Promise<Evaluation> {
  const { labels, ...rest } = await modelOf(model);
  const dataset = typeof data === 'string' ? await openDataset(data, { labels, seed }) : data;
  const samples = dataset.samples.filter((sample) => sample.split === split);
  if (samples.length === 0)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${dataset.name} has no usable image in the ${split} split`,
    );
  const reader = new InputThread();
  try {
    return await withStudent({ labels, ...rest }, async (student) => {
      const predictions = await predictSamples(student, samples, { reader });
      const threshold =
        split === 'validation'
          ? 'choose'
          : await validationThreshold(student, dataset.samples, { reader });
      return { metrics: metricsOf(predictions, labels, 1, threshold), predictions };
    });
  } finally {
    await reader.release();
  }
}

/**
 * What a model says of photographs. For research use only: not a diagnosis.
 * @example
 * const [first] = await predict({ model: 'my-model', images: ['photo.jpg'] });
 * console.log(first?.label, first?.malignancy);
 * @throws LENTIGO_DATA_IMAGE_MISSING, LENTIGO_DATA_IMAGE_UNREADABLE, and what loadModel throws
 */
export async function predict({
  model,
  images,
}: {
  /** A model or its folder. */
  readonly model: string | Model;
  /** Files. */
  readonly images: readonly string[];
}): Promise<Prediction[]> {
  const loaded = await modelOf(model);
  return withStudent(loaded, async (student) => {
    const predictions: Prediction[] = [];
    for (const image of images) {
      const [row] = await predictPictures(student, [await decodePicture(image)]);
      predictions.push(predictionOf(image, row!, loaded.labels));
    }
    return predictions;
  });
}

const modelOf = async (model: string | Model): Promise<Model> =>
  typeof model === 'string' ? loadModel(model) : model;

/** Calls `use` with the model on the engine, and frees it afterwards. */
async function withStudent<T>(model: Model, use: (student: Student) => Promise<T>): Promise<T> {
  await useEngine();
  const student = createStudent(model);
  try {
    return await use(student);
  } finally {
    student.dispose();
  }
}
