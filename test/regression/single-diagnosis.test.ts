// A clinic of one diagnosis under logit adjustment: it has something to learn, for every diagnosis
// of the study, and its update is no mere weight decay that pulls everybody back, weighed by its
// images.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../common/dataset/open.node.js';
import type { Sample } from '../../common/dataset/sample.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { createStudent } from '../../common/model/student.js';
import { TrainingPlan } from '../../common/protocol/study.js';
import { classBalance } from '../../common/training/class-balance.js';
import { focalLoss } from '../../common/training/focal-loss.js';
import { train } from '../../common/training/train.js';
import { nano } from '../support/coordinator.js';

let samples: readonly Sample[];
beforeAll(async () => {
  await useEngine('wasm');
  ({ samples } = await openDataset('synthetic:images=72&size=64&seed=5'));
});

/** As a clinic of twelve images of the second of six diagnoses. */
const { offsets, weights } = classBalance([0, 12, 0, 0, 0, 0], 'logit-adjustment');
const lossOf = (logits: readonly number[]): number =>
  tf.tidy(
    () =>
      focalLoss(
        tf.add(tf.tensor2d([[...logits]]), tf.tensor1d([...offsets])),
        tf.tensor1d([1], 'int32'),
        0,
        tf.tensor1d([...weights]),
      ).dataSync()[0]!,
  );

describe('a clinic of one diagnosis', () => {
  it('has a loss above 0 and a gradient for every diagnosis, as finite differences give it', () => {
    // At equal logits the softmax is the smoothed shares: 12.1 of 12.6, and 0.1 of each other.
    expect(lossOf([0, 0, 0, 0, 0, 0])).toBeCloseTo(-Math.log(12.1 / 12.6), 5);
    const gradient = tf.tidy(
      () =>
        tf
          .grad((z) =>
            focalLoss(
              tf.add(z, tf.tensor1d([...offsets])),
              tf.tensor1d([1], 'int32'),
              0,
              tf.tensor1d([...weights]),
            ),
          )(tf.zeros([1, 6]))
          .arraySync() as number[][],
    )[0]!;
    for (let c = 0; c < 6; c++) {
      const nudged = (by: number) => lossOf(offsets.map((_, k) => (k === c ? by : 0)));
      expect(gradient[c]).toBeCloseTo((nudged(0.05) - nudged(-0.05)) / 0.1, 4);
      expect(gradient[c]).toBeCloseTo(c === 1 ? -0.5 / 12.6 : 0.1 / 12.6, 5);
    }
  });

  it('sends an update as large as others do, that makes its diagnosis likelier', async () => {
    const student = createStudent(nano());
    const base = await student.parameters();
    const plan = TrainingPlan.parse({ trainFrom: 'classifier', epochs: 2, variants: 1 });
    const deltaOf = async (share: readonly Sample[]) => {
      student.load(base);
      const { parameters, loss } = await train(student, share, plan, { seed: 'x' });
      const from = base.subset(new Set(parameters.specs.map(({ name }) => name)));
      return { delta: parameters.minus(from), loss };
    };
    const only = student.labels.names.indexOf('NEV');
    const mixed = await deltaOf(samples.filter((_, i) => i % 3 === 0).slice(0, 12));
    const single = await deltaOf(samples.filter(({ label }) => label === 'NEV').slice(0, 12));
    student.dispose();
    const norm = (values: Float32Array): number => Math.hypot(...values);
    expect(single.loss.at(-1)).toBeGreaterThan(0);
    expect(norm(single.delta.values)).toBeGreaterThan(norm(mixed.delta.values) / 2);
    // Biases are not decayed: what moves them is the loss.
    const bias = [...single.delta.get('classifier.1.bias')];
    expect(bias[only]).toBeGreaterThan(0);
    for (const [c, moved] of bias.entries()) if (c !== only) expect(moved).toBeLessThan(0);
  });
});

describe('an optimiser without a learning rate', () => {
  it('has its own, by which SGD trains about as far as AdamW', async () => {
    const student = createStudent(nano());
    const base = await student.parameters();
    const distance = async (optimiser: 'adamw' | 'sgd') => {
      const plan = TrainingPlan.parse({
        trainFrom: 'features.3',
        epochs: 2,
        variants: 1,
        optimiser,
      });
      student.load(base);
      const { parameters } = await train(student, samples.slice(0, 24), plan, { seed: 'x' });
      const from = base.subset(new Set(parameters.specs.map(({ name }) => name)));
      return Math.hypot(...parameters.minus(from).values);
    };
    expect(TrainingPlan.parse({}).learningRate).toBe(2e-4);
    expect(TrainingPlan.parse({ optimiser: 'sgd' }).learningRate).toBe(0.01);
    expect(TrainingPlan.parse({ optimiser: 'sgd', learningRate: 2e-4 }).learningRate).toBe(2e-4);
    const [adamw, sgd] = [await distance('adamw'), await distance('sgd')];
    student.dispose();
    expect(sgd / adamw).toBeGreaterThan(0.1);
    expect(sgd / adamw).toBeLessThan(10);
  });
});
