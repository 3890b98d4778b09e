// The student's parts: geometry, cutting it at a block, loading and reading parameters,
// calibration.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters, parameterSpecs } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { ParameterSet, sizeOf } from '../../../common/update/parameter-set.js';
import { describeEngines } from '../../support/engines.js';

const fresh = () => initialParameters('nano', PAD_UFES_LABELS, new Random(1));
const nano = () =>
  createStudent({ architecture: 'nano', labels: PAD_UFES_LABELS, parameters: fresh() });
const pictures = (n: number, seed = 1) => {
  const random = new Random(seed);
  return tf.tensor4d(
    Float32Array.from({ length: n * 64 * 64 * 3 }, () => random.normal(0.3, 1)),
    [n, 64, 64, 3],
  );
};

describe('parameter specs', () => {
  it('of EfficientNet-B0 with 1000 classes count the 5,288,548 parameters that torchvision states, and its statistics', () => {
    const specs = parameterSpecs('efficientnet_b0', 1000);
    const count = (statistics: boolean) =>
      specs
        .filter((s) => s.name.includes('.running_') === statistics)
        .reduce((sum, s) => sum + sizeOf(s.shape), 0);
    expect(count(false)).toBe(5_288_548);
    expect(count(true)).toBe(42_016);
  });

  it('of nano stay within tens of thousands', () => {
    expect(parameterSpecs('nano', 6).reduce((sum, s) => sum + sizeOf(s.shape), 0)).toBeLessThan(
      50_000,
    );
  });
});

describe('initial parameters', () => {
  it('depend on the seed and nothing else', () => {
    expect(fresh().values).toEqual(fresh().values);
    expect(initialParameters('nano', PAD_UFES_LABELS, new Random(2)).values).not.toEqual(
      fresh().values,
    );
  });
});

describeEngines('student', () => {
  it('gives the same logits when cut at any block', async () => {
    const student = nano();
    const x = pictures(2);
    const whole = await student.logits(x).data();
    expect(student.blocks).toEqual([
      'features.0',
      'features.1',
      'features.2',
      'features.3',
      'features.4',
      'classifier',
    ]);
    for (const block of student.blocks) {
      const cut = await student.logits(student.features(x, block), block).data();
      for (const [i, l] of whole.entries()) expect(cut[i]).toBeCloseTo(l, 5);
    }
    student.dispose();
  });

  it('lists as trainable the parameters from a block on, without running statistics', () => {
    const student = nano();
    expect(student.trainable('classifier')).toEqual(['classifier.1.weight', 'classifier.1.bias']);
    expect(student.trainable('features.4')).toEqual([
      'features.4.0.weight',
      'features.4.1.weight',
      'features.4.1.bias',
      'classifier.1.weight',
      'classifier.1.bias',
    ]);
    const all = student.trainable('features.0');
    expect(all.some((n) => n.includes('running'))).toBe(false);
    expect(all).toEqual(
      parameterSpecs('nano', 6)
        .map((s) => s.name)
        .filter((n) => !n.includes('running')),
    );
    expect(student.variables('features.4').map((v) => v.shape)).toEqual([
      [1, 1, 24, 96],
      [96],
      [96],
      [96, 6],
      [6],
    ]);
    expect(() => student.trainable('features.9')).toThrow('features.9');
    student.dispose();
  });

  it('returns the parameters it was given, and loads a subset', async () => {
    const student = nano();
    expect((await student.parameters()).values).toEqual(fresh().values);
    const head = new ParameterSet(
      [{ name: 'classifier.1.bias', shape: [6] }],
      Float32Array.of(1, 2, 3, 4, 5, 6),
    );
    const before = tf.memory().numTensors;
    student.load(head);
    expect(tf.memory().numTensors).toBe(before);
    expect((await student.parameters()).values).toEqual(fresh().with(head).values);
    student.dispose();
  });

  it('refuses parameters of another shape or name, and incomplete ones', () => {
    const student = nano();
    expect(() =>
      student.load(new ParameterSet([{ name: 'classifier.1.bias', shape: [7] }])),
    ).toThrow(expect.objectContaining({ code: 'LENTIGO_WEIGHTS_INVALID' }));
    expect(() =>
      student.load(new ParameterSet([{ name: 'classifier.2.bias', shape: [6] }])),
    ).toThrow(expect.objectContaining({ code: 'LENTIGO_WEIGHTS_INVALID' }));
    student.dispose();
    const incomplete = fresh().subset(new Set(['classifier.1.bias']));
    expect(() =>
      createStudent({ architecture: 'nano', labels: PAD_UFES_LABELS, parameters: incomplete }),
    ).toThrow('features.0.0.weight');
  });

  it('is calibrated by data: the first batch norm then holds the mean and variance of what it sees, and the result does not depend on how images are batched', async () => {
    const x = pictures(6);
    const student = nano();
    const before = tf.memory().numTensors;
    await student.calibrate([x]);
    expect(tf.memory().numTensors).toBe(before);
    const got = await student.parameters();
    const y = tf.tidy(() =>
      tf.conv2d(
        tf.pad(x, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]),
        tf.tensor4d(got.get('features.0.0.weight').slice(), [3, 3, 3, 8]),
        2,
        'valid',
      ),
    );
    const { mean, variance } = tf.moments(y, [0, 1, 2]);
    const values = 6 * 32 * 32;
    for (const [c, m] of (await mean.data()).entries())
      expect(got.get('features.0.1.running_mean')[c]).toBeCloseTo(m, 4);
    for (const [c, v] of (await variance.data()).entries())
      expect(got.get('features.0.1.running_var')[c]! / ((v * values) / (values - 1))).toBeCloseTo(
        1,
        3,
      );
    const again = nano();
    await again.calibrate([
      x.slice([0, 0, 0, 0], [2, 64, 64, 3]),
      x.slice([2, 0, 0, 0], [4, 64, 64, 3]),
    ]);
    const batched = (await again.parameters()).get('features.0.1.running_mean');
    for (const [c, m] of got.get('features.0.1.running_mean').entries())
      expect(batched[c]).toBeCloseTo(m, 4);
    student.dispose();
    again.dispose();
  });
});
