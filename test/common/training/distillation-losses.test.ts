// Distillation losses: values computed by hand, and gradients against central differences, on every
// engine.
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import {
  attentionLoss,
  attentionMap,
  featureLoss,
  softTargetLoss,
} from '../../../common/training/distillation-losses.js';
import { Random } from '../../../common/random.js';
import { describeEngines } from '../../support/engines.js';

const draw = (shape: number[], seed: string): { shape: number[]; data: Float32Array } => {
  const random = new Random(seed);
  return {
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  };
};
const tensorOf = ({ shape, data }: { shape: number[]; data: Float32Array }): tf.Tensor =>
  tf.tensor(data.slice(), shape);
const valueOf = (loss: () => tf.Scalar): number => tf.tidy(() => loss().dataSync()[0]!);

/** Moves every coordinate of every input both ways. */
function checkGradients(
  inputs: readonly { shape: number[]; data: Float32Array }[],
  loss: (...inputs: tf.Tensor[]) => tf.Scalar,
): void {
  const gradients = tf.tidy(() =>
    tf
      .grads(loss)(inputs.map((v) => tensorOf(v)))
      .map((g) => g.dataSync().slice()),
  );
  for (const [i, { data }] of inputs.entries()) {
    for (let k = 0; k < data.length; k++) {
      const before = data[k]!;
      const at = (moved: number): number => {
        data[k] = moved;
        const y = valueOf(() => loss(...inputs.map((v) => tensorOf(v))));
        data[k] = before;
        return y;
      };
      const slope = (at(before + 5e-3) - at(before - 5e-3)) / 1e-2;
      expect(
        Math.abs(slope - gradients[i]![k]!),
        `input ${i}[${k}]: ${gradients[i]![k]} by the chain rule, ${slope} by differences`,
      ).toBeLessThan(2e-3 * Math.max(1, ...gradients[i]!.map(Math.abs)));
    }
  }
}

describeEngines('the loss on', () => {
  it('soft targets is T² KL(teacher ‖ student) at temperature T', () => {
    const [student, teacher, temperature] = [[1, 2, 0.5], [0, 1, 3], 4];
    const softmax = (z: number[]) => {
      const e = z.map((v) => Math.exp(v / temperature));
      return e.map((v) => v / e.reduce((a, b) => a + b, 0));
    };
    const [p, q] = [softmax(teacher), softmax(student)];
    const expected = temperature ** 2 * p.reduce((sum, v, i) => sum + v * Math.log(v / q[i]!), 0);
    expect(
      valueOf(() => softTargetLoss(tf.tensor2d([student]), tf.tensor2d([teacher]), temperature)),
    ).toBeCloseTo(expected, 4);
    expect(
      valueOf(() => softTargetLoss(tf.tensor2d([teacher]), tf.tensor2d([teacher]), 50)),
    ).toBeCloseTo(0, 5);
  });

  it('soft targets has a gradient equal to finite differences, at a low and a high temperature', () => {
    const teacher = draw([3, 4], 'teacher');
    for (const temperature of [1, 4])
      checkGradients([draw([3, 4], 'student')], (student) =>
        softTargetLoss(student as tf.Tensor2D, tensorOf(teacher) as tf.Tensor2D, temperature),
      );
  });

  it("features is 0 if the projection has the teacher's direction, 2 if the opposite, whatever the lengths; its gradient equals finite differences", () => {
    const weight = [
      [1, 0],
      [0, 1],
    ];
    const loss = (student: number[], teacher: number[]) =>
      valueOf(() =>
        featureLoss(tf.tensor2d([student]), tf.tensor2d([teacher]), {
          weight: tf.tensor2d(weight),
          bias: tf.tensor1d([0, 0]),
        }),
      );
    expect(loss([3, 4], [30, 40])).toBeCloseTo(0, 4);
    expect(loss([3, 4], [-0.3, -0.4])).toBeCloseTo(2, 4);
    expect(loss([1, 0], [0, 1])).toBeCloseTo(1, 4);
    const teacher = draw([3, 4], 'teacher');
    checkGradients(
      [draw([3, 5], 'student'), draw([5, 4], 'weight'), draw([4], 'bias')],
      (student, w, bias) =>
        featureLoss(student as tf.Tensor2D, tensorOf(teacher) as tf.Tensor2D, {
          weight: w as tf.Tensor2D,
          bias: bias as tf.Tensor1D,
        }),
    );
  });

  it('attention compares places, not strengths; its gradient equals finite differences', () => {
    const map = (values: number[]) => attentionMap(tf.tensor4d(values, [1, 2, 2, 1]));
    expect(valueOf(() => attentionLoss(map([1, 2, 0, 3]), map([-2, 4, 0, -6])))).toBeCloseTo(0, 5);
    // Attention at one place against attention at another: two orthogonal unit vectors.
    expect(valueOf(() => attentionLoss(map([1, 0, 0, 0]), map([0, 0, 5, 0])))).toBeCloseTo(2, 4);
    const teacher = draw([2, 9], 'teacher');
    checkGradients([draw([2, 3, 3, 2], 'student')], (student) =>
      attentionLoss(attentionMap(student as tf.Tensor4D), tensorOf(teacher) as tf.Tensor2D),
    );
  });
});
