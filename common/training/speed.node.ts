// How fast an engine is on this machine: milliseconds per image of EfficientNet-B0, measured on
// random pictures with the same steps as a clinic's training.
import * as tf from '@tensorflow/tfjs';
import { availableParallelism } from 'node:os';
import { PAD_UFES_LABELS } from '../model/labels.js';
import { createStudent, initialParameters, type Student } from '../model/student.js';
import { Random } from '../random.js';
import { ThreadedStep } from './gradient-threads.js';
import { spareThreads } from './gradient-threads.node.js';
import { createOptimiser } from './optimiser.js';
import { microBatchSize, trainsMost, trainStep } from './step.js';

/**
 * One training step from a given block on: forward, backward and AdamW, batch norm frozen.
 * Milliseconds per image.
 */
export interface StepSpeed {
  readonly trainFrom: string;
  /** Time for the frozen blocks before it; 0 if there are none. */
  readonly featuresMs: number;
  readonly trainingMs: number;
  /** Number of threads the step uses, and its time on one thread, measured alternately. */
  readonly threads: number;
  readonly aloneMs: number;
}

export interface Speed {
  readonly inferenceMs: number;
  /** In the order requested. */
  readonly steps: readonly StepSpeed[];
}

const CLASSES = PAD_UFES_LABELS.names.length;
const LOSS = {
  gamma: 2,
  weights: Array.from({ length: CLASSES }, () => 1),
  offsets: Array.from({ length: CLASSES }, () => 0),
};

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[times.length >> 1]!;

/**
 * Milliseconds of each way of computing: the median over all turns. In a turn each way runs several
 * times in a row, as in training, after one warm-up run: a thread whose memory has been idle for a
 * second is slow at first.
 */
export async function inTurns(
  turns: number,
  inRow: number,
  ways: readonly (() => unknown)[],
): Promise<number[]> {
  const times: number[][] = ways.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, way] of ways.entries()) {
      for (let step = 0; step <= inRow; step++) {
        const start = performance.now();
        await way();
        if (step > 0) times[i]!.push(performance.now() - start);
      }
    }
  }
  return times.map(median);
}

/** Number of turns when ways are compared. */
const TURNS = 2;

/** Like `inTurns`, with the time to read the results; each way runs `repeats` times in all. */
async function readInTurns(
  repeats: number,
  ...ways: readonly (() => tf.Tensor | Promise<tf.Tensor>)[]
): Promise<number[]> {
  const turns = ways.length > 1 ? TURNS : 1;
  return inTurns(
    turns,
    Math.ceil(repeats / turns),
    ways.map((way) => async () => {
      const result = await way();
      await result.data();
      result.dispose();
    }),
  );
}

/**
 * Measures the engine in use: inference, and training from each of these blocks on, `batch` images
 * at a time.
 */
export async function measureSpeed(
  blocks: readonly string[],
  { batch = 8, repeats = 3 }: { batch?: number; repeats?: number } = {},
): Promise<Speed> {
  const student = createStudent({
    architecture: 'efficientnet_b0',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)),
  });
  const x = tf.randomNormal<tf.Rank.R4>(
    [batch, student.inputSize, student.inputSize, 3],
    0,
    1,
    'float32',
    1,
  );
  try {
    const [inference] = await readInTurns(repeats, () => student.logits(x));
    const steps: StepSpeed[] = [];
    for (const trainFrom of blocks) steps.push(await measureStep(student, trainFrom, x, repeats));
    return { inferenceMs: inference! / batch, steps };
  } finally {
    x.dispose();
    student.dispose();
  }
}

async function measureStep(
  student: Student,
  trainFrom: string,
  images: tf.Tensor4D,
  repeats: number,
): Promise<StepSpeed> {
  const batch = images.shape[0];
  const labels = Array.from({ length: batch }, (_, i) => i % CLASSES);
  const frozen = trainFrom !== student.blocks[0];
  const [features] = frozen
    ? await readInTurns(repeats, () => student.features(images, trainFrom))
    : [0];
  const x = student.features(images, trainFrom);
  const optimiser = createOptimiser(student.variables(trainFrom), {
    optimiser: 'adamw',
    learningRate: 1e-4,
    momentum: 0,
    weightDecay: 0.01,
  });
  // The same decision as in `train`.
  const pay = trainsMost(student, trainFrom) && batch > microBatchSize(student, trainFrom);
  const others = pay ? spareThreads() : [];
  const threaded =
    others.length > 0
      ? await ThreadedStep.start(
          student,
          { trainFrom, loss: LOSS },
          x.shape.slice(1),
          batch,
          others,
        )
      : undefined;
  try {
    const alone = () => trainStep(student, trainFrom, optimiser, x, labels, LOSS, true);
    const [aloneMs, together] = await readInTurns(
      repeats,
      alone,
      ...(threaded ? [() => threaded.step(optimiser, x, labels)] : []),
    );
    // tfjs's native engine uses all cores by itself; its WASM engine uses one.
    const threads = tf.getBackend() === 'tensorflow' ? availableParallelism() : 1 + others.length;
    return {
      trainFrom,
      featuresMs: features! / batch,
      trainingMs: (together ?? aloneMs!) / batch,
      threads,
      aloneMs: aloneMs! / batch,
    };
  } finally {
    threaded?.dispose();
    optimiser.dispose();
    x.dispose();
  }
}
