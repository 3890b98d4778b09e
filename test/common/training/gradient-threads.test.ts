// Training on several threads gives the same numbers as on one, whichever thread is quicker.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { ThreadedStep } from '../../../common/training/gradient-threads.js';
import { startThread } from '../../../common/training/gradient-threads.node.js';
import { createOptimiser } from '../../../common/training/optimiser.js';
import { trainStep } from '../../../common/training/step.js';
import { train } from '../../../common/training/train.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters } from '../../../common/model/student.js';
import { TrainingPlan } from '../../../common/protocol/study.js';
import { Random } from '../../../common/random.js';
import type { ParameterSet } from '../../../common/update/parameter-set.js';

const start = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
const loss = { gamma: 2, weights: [1, 2, 1, 0.5, 1, 1], offsets: [0, -1, -0.5, 0, -2, 0] };
const STEPS = 3;

/** The losses and parameters of a few steps, on this many threads besides this one. */
async function training(
  threads: number,
  batchSize: number,
  trainFrom: string,
): Promise<{ losses: number[]; parameters: ParameterSet }> {
  const before = tf.memory().numTensors;
  const student = createStudent({
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: start,
  });
  const optimiser = createOptimiser(student.variables(trainFrom), {
    optimiser: 'sgd',
    learningRate: 0.05,
    momentum: 0.9,
    weightDecay: 0.01,
  });
  const images = tf.randomNormal<tf.Rank.R4>([batchSize, 64, 64, 3], 0, 1, 'float32', 7);
  const x = student.features(images, trainFrom);
  const threaded =
    threads > 0
      ? await ThreadedStep.start(
          student,
          { trainFrom, loss },
          x.shape.slice(1),
          batchSize,
          Array.from({ length: threads }, startThread),
        )
      : undefined;
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    // The last batch of an epoch is smaller.
    const n = i === 1 ? batchSize - 3 : batchSize;
    const part = tf.slice(x, 0, n);
    const labels = Array.from({ length: n }, (_, k) => k % 6);
    const value = threaded
      ? await threaded.step(optimiser, part, labels)
      : trainStep(student, trainFrom, optimiser, part, labels, loss);
    losses.push((await value.data())[0]!);
    tf.dispose([value, part]);
  }
  const parameters = await student.parameters();
  threaded?.dispose();
  optimiser.dispose();
  student.dispose();
  tf.dispose([images, x]);
  expect(tf.memory().numTensors).toBe(before);
  return { losses, parameters };
}

describe('training on several threads', () => {
  beforeAll(async () => void (await useEngine('wasm')));

  it.each(['features.0', 'features.3'])(
    'gives the very numbers of one thread, from %s on',
    async (trainFrom) => {
      const one = await training(0, 16, trainFrom);
      for (const threads of [1, 2]) {
        const several = await training(threads, 16, trainFrom);
        expect(several.losses).toEqual(one.losses);
        expect(several.parameters.values).toEqual(one.parameters.values);
      }
    },
  );

  it('trains a whole round to the same loss and parameters', async () => {
    const { samples } = syntheticDataset({
      seed: 1,
      sites: [0],
      images: 24,
      size: 64,
      split: 'train',
    });
    const plan = TrainingPlan.parse({
      trainFrom: 'features.0',
      epochs: 2,
      batchSize: 16,
      learningRate: 0.001,
    });
    const round = async (threads: number) => {
      const student = createStudent({
        architecture: 'nano',
        labels: PAD_UFES_LABELS,
        parameters: start,
      });
      const result = await train(student, samples, plan, {
        seed: 's',
        threads: () => Array.from({ length: threads }, startThread),
      });
      student.dispose();
      return result;
    };
    const [one, two] = [await round(0), await round(1)];
    expect(two.loss).toEqual(one.loss);
    expect(two.parameters.values).toEqual(one.parameters.values);
  });

  it('starts no thread if only the last blocks are trained', async () => {
    const { samples } = syntheticDataset({
      seed: 1,
      sites: [0],
      images: 12,
      size: 64,
      split: 'train',
    });
    const student = createStudent({
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      parameters: start,
    });
    const plan = TrainingPlan.parse({
      trainFrom: 'features.4',
      epochs: 1,
      batchSize: 12,
      learningRate: 0.001,
    });
    let asked = false;
    await train(student, samples, plan, { seed: 's', threads: () => ((asked = true), []) });
    expect(asked).toBe(false);
    await train(
      student,
      samples,
      { ...plan, trainFrom: 'features.0' },
      { seed: 's', threads: () => ((asked = true), []) },
    );
    expect(asked).toBe(true);
    student.dispose();
  });

  it('says so when a thread fails, instead of waiting for it', async () => {
    const thread = startThread();
    const student = createStudent({
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      parameters: start,
    });
    const threaded = await ThreadedStep.start(
      student,
      { trainFrom: 'classifier', loss },
      [2, 2, 96],
      4,
      [thread],
    );
    thread.end();
    const optimiser = createOptimiser(student.variables('classifier'), {
      optimiser: 'sgd',
      learningRate: 0.05,
      momentum: 0,
      weightDecay: 0,
    });
    const x = tf.ones([4, 2, 2, 96]);
    await expect(threaded.step(optimiser, x, [0, 1, 2, 3])).rejects.toThrow(
      'training thread ended',
    );
    threaded.dispose();
    student.dispose();
    optimiser.dispose();
    x.dispose();
  });
});
