// Local training: a clinic's part of a round.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import { LentigoError } from '../errors.js';
import type { Student } from '../model/student.js';
import type { TrainingPlan } from '../protocol/study.js';
import { Random } from '../random.js';
import type { ParameterSet } from '../update/parameter-set.js';
import { classBalance } from './class-balance.js';
import type { FeatureCache } from './feature-cache.js';
import { breathe, FeatureSource, type Skipped } from './features.js';
import { type Thread, ThreadedStep } from './gradient-threads.js';
import type { InputReader } from './inputs.js';
import { createOptimiser } from './optimiser.js';
import { microBatchSize, trainsMost, trainStep, WORTH_COMPILING } from './step.js';

export interface TrainingProgress {
  /** `preparing`: computing the frozen features. */
  readonly phase: 'preparing' | 'training';
  /** Share of the phase that is done, 0–1. */
  readonly fraction: number;
  /** Counts from 1; 0 while preparing. */
  readonly epoch: number;
  /** Mean loss of the last completed epoch. */
  readonly loss?: number;
  /** Seconds left in this phase, at the pace so far. */
  readonly secondsLeft?: number;
}

export interface TrainingOptions {
  readonly seed: string;
  /** The cache for the study's starting model: pass the same one in every round. */
  readonly cache?: FeatureCache;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Called after each epoch, with the student as trained so far; training waits for it. */
  readonly onEpoch?: (epoch: number) => Promise<void>;
  readonly signal?: AbortSignal;
  /**
   * Starts additional threads to train on, if they pay off; the training ends them. Only used on
   * WASM; the result is the same.
   */
  readonly threads?: () => readonly Thread[];
  /**
   * Reads the photographs; by default this thread does. The result is the same. The caller releases
   * it.
   */
  readonly reader?: InputReader | undefined;
}

export interface TrainingResult {
  /** The trainable parameters after training. */
  readonly parameters: ParameterSet;
  /** Number of images that took part: FedAvg's weight. */
  readonly samples: number;
  /** Mean loss of each epoch. */
  readonly loss: readonly number[];
  /** Images that could not be read. */
  readonly skipped: readonly Skipped[];
}

/** Number of augmentations per image if nothing is cached: as good as unlimited. */
const UNLIMITED_VARIANTS = 2 ** 31;

/**
 * Trains the student's blocks from `plan.trainFrom` on, in place. The same seed on the same engine
 * gives the same numbers. The optimiser starts afresh: its state doesn't pass from round to round.
 * @throws LENTIGO_DATA_EMPTY when no sample is readable; LENTIGO_DATA_UNKNOWN_DIAGNOSIS for a label
 *   that the student doesn't have; the signal's reason when aborted
 */
export async function train(
  student: Student,
  samples: readonly Sample[],
  plan: TrainingPlan,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const { cache, reader, signal } = options;
  const random = new Random(options.seed);
  const label = labelIndex(student);
  const labels = new Map(samples.map((sample) => [sample, label(sample)]));
  const report = progressReporter(options.onProgress);

  const source = new FeatureSource(student, plan.trainFrom, { cache, reader });
  await source.prepare(
    samples,
    plan.variants,
    (fraction) => report({ phase: 'preparing', fraction, epoch: 0 }),
    signal,
  );

  const usable = () => samples.filter((sample) => !source.skipped.has(sample.id));
  const counts = student.labels.names.map(
    (_, c) => usable().filter((sample) => labels.get(sample) === c).length,
  );
  const loss = { gamma: plan.focalGamma, ...classBalance(counts, plan.balance) };
  const optimiser = createOptimiser(student.variables(plan.trainFrom), plan);
  const variants = source.frozen || plan.variants === 1 ? plan.variants : UNLIMITED_VARIANTS;
  const worthCompiling =
    plan.epochs * Math.floor(usable().length / plan.batchSize) >= WORTH_COMPILING;
  const losses: number[] = [];
  let sum = tf.scalar(0);
  let threaded: ThreadedStep | undefined;
  try {
    // Threads don't pay off for the last blocks, whose steps are short: they would mostly cost
    // memory.
    const pay =
      trainsMost(student, plan.trainFrom) &&
      plan.batchSize > microBatchSize(student, plan.trainFrom);
    const threads = (pay && options.threads?.()) || [];
    if (threads.length > 0)
      threaded = await ThreadedStep.start(
        student,
        { trainFrom: plan.trainFrom, loss },
        source.shape,
        plan.batchSize,
        threads,
      );
    for (let epoch = 1; epoch <= plan.epochs; epoch++) {
      const draw = random.fork('epoch', epoch);
      const examples = draw
        .shuffle(usable())
        .map((sample) => ({ sample, variant: draw.int(variants) }));
      const batches = batchesOf(examples, plan.batchSize);
      let [done, seen] = [0, 0];
      for await (const batch of source.batches(batches, signal)) {
        if (batch) {
          const { x, used } = batch;
          const classes = used.map(({ sample }) => labels.get(sample)!);
          const step = threaded
            ? await threaded.step(optimiser, x, classes)
            : trainStep(
                student,
                plan.trainFrom,
                optimiser,
                x,
                classes,
                loss,
                worthCompiling && used.length === plan.batchSize,
              );
          const next = tf.tidy(() => tf.add<tf.Scalar>(sum, tf.mul(step, used.length)));
          tf.dispose([x, step, sum]);
          sum = next;
          seen += used.length;
        }
        const fraction = (epoch - 1 + ++done / batches.length) / plan.epochs;
        report({
          phase: 'training',
          fraction,
          epoch,
          ...(losses.length > 0 && { loss: losses.at(-1)! }),
        });
        await breathe();
      }
      if (seen === 0)
        throw new LentigoError(
          'LENTIGO_DATA_EMPTY',
          `none of the ${samples.length} training images can be used`,
        );
      losses.push((await sum.data())[0]! / seen);
      sum.dispose();
      sum = tf.scalar(0);
      await options.onEpoch?.(epoch);
    }
    const all = await student.parameters();
    return {
      parameters: all.subset(new Set(student.trainable(plan.trainFrom))),
      samples: usable().length,
      loss: losses,
      skipped: [...source.skipped].map(([id, message]) => ({ id, message })),
    };
  } finally {
    threaded?.dispose();
    optimiser.dispose();
    sum.dispose();
  }
}

/** Splits items into parts of this size; the last may be smaller. */
export const batchesOf = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );

/**
 * A function from a sample to the index of its class.
 * @throws LENTIGO_DATA_UNKNOWN_DIAGNOSIS
 */
export function labelIndex(student: Pick<Student, 'labels'>): (sample: Sample) => number {
  return ({ id, label }) => {
    const index = student.labels.names.indexOf(label);
    if (index < 0)
      throw new LentigoError(
        'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
        `${id} is labelled ${label}, the model knows ${student.labels.names.join(', ')}`,
      );
    return index;
  };
}

/** Adds the time left, estimated from the share of the phase that is done and the time it took. */
function progressReporter(
  onProgress: TrainingOptions['onProgress'],
): (progress: TrainingProgress) => void {
  let phase = '';
  let start = 0;
  return (progress) => {
    if (progress.phase !== phase) {
      phase = progress.phase;
      start = performance.now();
    }
    const seconds = (performance.now() - start) / 1000;
    onProgress?.({
      ...progress,
      ...(progress.fraction > 0.02 && {
        secondsLeft: (seconds * (1 - progress.fraction)) / progress.fraction,
      }),
    });
  };
}
