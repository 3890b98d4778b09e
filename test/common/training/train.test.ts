import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Sample } from '../../../common/dataset/sample.js';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { LentigoError } from '../../../common/errors.js';
import { trainingForward } from '../../../common/training/batch-norm.js';
import { evaluate, predict } from '../../../common/evaluation/evaluate.js';
import { type FeatureCache, MemoryFeatureCache } from '../../../common/training/feature-cache.js';
import { focalLoss } from '../../../common/training/focal-loss.js';
import { Sgd } from '../../../common/training/sgd.js';
import { trainStep } from '../../../common/training/step.js';
import { train, type TrainingProgress } from '../../../common/training/train.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters, type Student } from '../../../common/model/student.js';
import type { EngineName } from '../../../common/engine/engine.js';
import { TrainingPlan } from '../../../common/protocol/study.js';
import { Random } from '../../../common/random.js';
import type { ParameterSet } from '../../../common/update/parameter-set.js';
import { describeEngines } from '../../support/engines.js';

const parameters = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
const { samples } = syntheticDataset({ seed: 1, sites: [0], images: 24, size: 64, split: 'train' });
const plan = (fields: Partial<TrainingPlan> = {}): TrainingPlan =>
  TrainingPlan.parse({
    trainFrom: 'features.3',
    epochs: 2,
    variants: 2,
    learningRate: 0.01,
    ...fields,
  });

function unreadable(sample: Sample): Sample {
  return {
    ...sample,
    load: () =>
      Promise.reject(
        new LentigoError(
          'LENTIGO_DATA_IMAGE_UNREADABLE',
          `${sample.id} can't be read: the file is empty`,
        ),
      ),
  };
}

const largest = (values: Float32Array): number =>
  values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/**
 * WASM runs in one thread and is bit-reproducible; native sums in the order in which its threads
 * finish, which changes the seventh digit.
 */
function expectSame(one: ParameterSet, other: ParameterSet, engine: EngineName): void {
  if (engine === 'wasm') expect(one.values).toEqual(other.values);
  else expect(largest(one.minus(other).values)).toBeLessThan(2e-4);
}

/** Counts the calls of a cache. */
class CountingCache implements FeatureCache {
  readonly inner = new MemoryFeatureCache();
  stored = 0;
  get = (key: string) => this.inner.get(key);
  set(key: string, features: Float32Array): Promise<void> {
    this.stored++;
    return this.inner.set(key, features);
  }
}

describeEngines('local training', (engine) => {
  let student: Student;
  beforeEach(async () => {
    student = createStudent({ architecture: 'nano', labels: PAD_UFES_LABELS, parameters });
    const pictures = await Promise.all(samples.slice(0, 8).map((s) => s.load()));
    const x = tf.tidy(() =>
      tf.div<tf.Tensor4D>(
        tf.stack(pictures.map((p) => tf.tensor3d(Float32Array.from(p.data), [64, 64, 3]))),
        128,
      ),
    );
    await student.calibrate([x]);
    x.dispose();
  });
  afterEach(() => student.dispose());

  it('lowers the loss, and returns the trainable parameters alone', async () => {
    const result = await train(
      student,
      samples,
      plan({ trainFrom: 'features.2', epochs: 8, focalGamma: 0 }),
      { seed: 's', cache: new MemoryFeatureCache() },
    );
    expect(result.loss).toHaveLength(8);
    expect(result.loss.at(-1)!).toBeLessThan(0.8 * result.loss[0]!);
    expect(result.samples).toBe(24);
    expect(result.parameters.specs.map((s) => s.name)).toEqual(student.trainable('features.2'));
  });

  it('gives the same numbers for the same seed, others for another, with a cache or without', async () => {
    const start = await student.parameters();
    const run = async (seed: string, cache?: FeatureCache) => {
      student.load(start);
      return train(student, samples, plan(), { seed, ...(cache && { cache }) });
    };
    const first = await run('a');
    const cached = new CountingCache();
    const second = await run('a', cached);
    expect(second.loss[1]).toBeCloseTo(first.loss[1]!, 4);
    expectSame(second.parameters, first.parameters, engine);
    expect(cached.stored).toBe(48);
    const other = await run('b', cached);
    expect(cached.stored).toBe(48); // the second round computes no frozen features
    expect(largest(other.parameters.minus(first.parameters).values)).toBeGreaterThan(2e-3);
  });

  it('computes the features of a photograph anew when it was replaced', async () => {
    const cache = new CountingCache();
    await train(student, samples, plan({ epochs: 1, variants: 1 }), { seed: 'a', cache });
    expect(cache.stored).toBe(24);
    await train(
      student,
      samples.map((s, i) => (i === 0 ? { ...s, revision: 'another' } : s)),
      plan({ epochs: 1, variants: 1 }),
      { seed: 'a', cache },
    );
    expect(cache.stored).toBe(25);
  });

  it('works with a full cache that holds only some features', async () => {
    const start = await student.parameters();
    const first = await train(student, samples, plan(), { seed: 'a' });
    student.load(start);
    const second = await train(student, samples, plan(), {
      seed: 'a',
      cache: new MemoryFeatureCache(20_000),
    });
    expect(second.loss[1]).toBeCloseTo(first.loss[1]!, 4);
    expectSame(second.parameters, first.parameters, engine);
  });

  it('trains all blocks on images augmented as they come', async () => {
    const before = await student.parameters();
    const cache = new CountingCache();
    const result = await train(
      student,
      samples,
      plan({ trainFrom: 'features.0', epochs: 1, optimiser: 'sgd' }),
      { seed: 's', cache },
    );
    expect(cache.stored).toBe(0);
    expect(result.parameters.get('features.0.0.weight')).not.toEqual(
      before.get('features.0.0.weight'),
    );
    const after = await student.parameters();
    expect(after.get('features.0.1.running_mean')).toEqual(before.get('features.0.1.running_mean'));
  });

  it('names unreadable images, leaves them out of the count, and goes on', async () => {
    for (const fields of [{}, { trainFrom: 'features.0' }]) {
      const some = samples.map((s, i) => (i < 3 ? unreadable(s) : s));
      const result = await train(student, some, plan({ epochs: 1, ...fields }), {
        seed: 's',
        cache: new MemoryFeatureCache(),
      });
      expect(result.samples).toBe(21);
      expect(result.skipped.map(({ id }) => id).sort()).toEqual(
        samples
          .slice(0, 3)
          .map(({ id }) => id)
          .sort(),
      );
      expect(result.skipped[0]!.message).toMatch(/the file is empty/);
    }
  });

  it("refuses data without a readable image, and a diagnosis that the model doesn't know", async () => {
    await expect(
      train(student, samples.map(unreadable), plan(), {
        seed: 's',
        cache: new MemoryFeatureCache(),
      }),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_EMPTY' });
    await expect(train(student, [], plan(), { seed: 's' })).rejects.toMatchObject({
      code: 'LENTIGO_DATA_EMPTY',
    });
    await expect(
      train(student, [{ ...samples[0]!, label: 'XYZ' }], plan(), { seed: 's' }),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_UNKNOWN_DIAGNOSIS' });
  });

  it('reports progress, and lets timers run between batches', async () => {
    const seen: TrainingProgress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    await train(student, samples, plan(), {
      seed: 's',
      cache: new MemoryFeatureCache(),
      onProgress: (p) => seen.push(p),
    });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
    for (const phase of ['preparing', 'training']) {
      const fractions = seen.filter((p) => p.phase === phase).map((p) => p.fraction);
      expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
      expect(fractions.at(-1)).toBe(1);
    }
    expect(seen.at(-1)).toMatchObject({
      epoch: 2,
      loss: expect.any(Number) as number,
      secondsLeft: 0,
    });
  });

  it('stops on request, and leaks no tensor, neither then nor in a whole run', async () => {
    const cache = new MemoryFeatureCache();
    await train(student, samples, plan(), { seed: 's', cache });
    const before = tf.memory().numTensors;
    await train(student, samples, plan(), { seed: 's', cache });
    expect(tf.memory().numTensors).toBe(before);
    const abort = new AbortController();
    const aborted = train(student, samples, plan({ epochs: 100 }), {
      seed: 's',
      cache,
      signal: abort.signal,
      onProgress: ({ epoch }) => epoch === 2 && abort.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes the same step in micro-batches as for the whole batch', async () => {
    // On WASM four images at a time from the first block on; the reference is one gradient of all
    // twelve.
    const labels = Array.from({ length: 12 }, (_, i) => i % 6);
    const x = tf.randomNormal<tf.Rank.R4>([12, 64, 64, 3], 0, 1, 'float32', 7);
    const weights = [1, 2, 1, 0.5, 1, 1];
    const offsets = [0, -1, -0.5, 0, -2, 0];
    const start = await student.parameters();
    const first = student.blocks[0]!;
    const options = { learningRate: 0.1, momentum: 0, weightDecay: 0 };
    const optimiser = new Sgd(student.variables(first), options);
    const loss = trainStep(student, first, optimiser, x, labels, { gamma: 2, weights, offsets });
    const stepped = await student.parameters();
    student.load(start);
    const whole = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () =>
          focalLoss(
            tf.add(student.logits(x), tf.tensor1d(offsets)),
            tf.tensor1d(labels, 'int32'),
            2,
            tf.tensor1d(weights),
          ),
        student.variables(first),
      );
      new Sgd(student.variables(first), options).apply(
        student.variables(first).map((v) => grads[v.name]!),
      );
      return value;
    });
    expect(loss.dataSync()[0]).toBeCloseTo(whole.dataSync()[0]!, 4);
    const reference = await student.parameters();
    expect(largest(stepped.minus(reference).values)).toBeLessThan(
      1e-3 * largest(reference.minus(start).values),
    );
    optimiser.dispose();
    tf.dispose([x, loss, whole]);
  });

  it('evaluates the same with frozen features from a cache as from the images', async () => {
    const plain = await evaluate(student, samples);
    const cache = new CountingCache();
    for (let round = 0; round < 2; round++)
      expect(await evaluate(student, samples, { trainFrom: 'features.3', cache })).toEqual(plain);
    expect(cache.stored).toBe(24);
    expect(plain.samples).toBe(24);
    const skipped: string[] = [];
    const partial = await evaluate(
      student,
      samples.map((s, i) => (i === 0 ? unreadable(s) : s)),
      { onSkipped: ({ id }) => skipped.push(id) },
    );
    expect([partial.samples, skipped]).toEqual([23, [samples[0]!.id]]);
  });

  it('predicts a distribution for each picture, and says so when the model is broken', async () => {
    const pictures = await Promise.all(samples.slice(0, 3).map((s) => s.load()));
    const rows = await predict(student, pictures);
    for (const row of rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(rows).toHaveLength(3);
    const broken = await student.parameters();
    broken.get('classifier.1.bias').fill(Number.NaN);
    student.load(broken);
    await expect(predict(student, pictures)).rejects.toMatchObject({
      code: 'LENTIGO_UPDATE_NOT_FINITE',
    });
  });

  it(`agrees with frozen batch norm once the statistics are those of the batch (${engine})`, async () => {
    // 32 images in one batch: training mode uses the biased variance of the batch, calibration
    // keeps the unbiased one, so they agree approximately.
    const x = tf.randomNormal<tf.Rank.R4>([32, 64, 64, 3], 0, 1, 'float32', 3);
    await student.calibrate([x]);
    const forward = trainingForward(student);
    const [inTraining, frozen] = [forward(x), student.logits(x)];
    const gap = tf.tidy(() => tf.max(tf.abs(tf.sub(inTraining, frozen))).dataSync()[0]!);
    const spread = tf.tidy(() => tf.max(tf.abs(frozen)).dataSync()[0]!);
    expect(gap).toBeLessThan(0.02 * spread);
    tf.dispose([x, inTraining, frozen]);
  });
});
