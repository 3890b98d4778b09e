import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { normaliseBatch } from '../../../../common/engine/ops.js';
import { describeEngines } from '../../../support/engines.js';

describeEngines('batch norm in training', () => {
  it("has the values and gradients of tfjs's own, composed of moments and batchNorm", () => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>([3, 4, 4, 5], 1, 2, 'float32', 1);
      const gamma = tf.tensor1d([1, 2, 0.5, -1, 3]);
      const beta = tf.tensor1d([0, 1, -1, 2, 0.5]);
      const dy = tf.randomNormal<tf.Rank.R4>([3, 4, 4, 5], 0, 1, 'float32', 2);
      const reference = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.batchNorm(
          x as tf.Tensor4D,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          beta as tf.Tensor1D,
          gamma as tf.Tensor1D,
          1e-5,
        );
      };
      const own = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
        normaliseBatch(x as tf.Tensor4D, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-5);
      const near = (a: tf.Tensor, b: tf.Tensor) =>
        expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]).toBeLessThan(1e-4);
      near(own(x, gamma, beta), reference(x, gamma, beta));
      const expected = tf.grads(reference)([x, gamma, beta], dy);
      for (const [i, gradient] of tf.grads(own)([x, gamma, beta], dy).entries())
        near(gradient, expected[i]!);
    });
  });
});
