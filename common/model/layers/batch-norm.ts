// Batch norm that follows no convolution (DenseNet's), and batch norm by the batch's own
// statistics.
import * as tf from '@tensorflow/tfjs';
import { normaliseBatch, scaleChannels } from '../../engine/ops.js';
import { activate, type Activation, stockActivation } from './activation.js';
import { apply, type BatchNorm, batchNormWeights, type Context, type Layer } from './layer.js';

/** A batch norm on its own, then the activation. */
export function batchNorm(norm: BatchNorm, activation: Activation): Layer {
  const { name, epsilon } = norm;
  return {
    weights: batchNormWeights(norm),
    forward(x, { parameters, normalise }) {
      if (normalise) return activate(normalise(x, norm, parameters), activation);
      const scale = tf.div(
        parameters(`${name}.weight`),
        tf.sqrt(tf.add(parameters(`${name}.running_var`), epsilon)),
      );
      const shift = tf.sub(
        parameters(`${name}.bias`),
        tf.mul(parameters(`${name}.running_mean`), scale),
      );
      const scaled = scaleChannels(
        tf.reshape(x, [1, -1, norm.channels]),
        tf.reshape(scale, [1, -1]),
      );
      return activate(tf.add(tf.reshape<tf.Rank.R4>(scaled, x.shape), shift), activation);
    },
    stock: (x) =>
      stockActivation(apply(tf.layers.batchNormalization({ name, epsilon }), x), activation, name),
  };
}

/** A context's `normalise` for training; it leaves running statistics unchanged. */
export const byBatch: NonNullable<Context['normalise']> = (y, { name, epsilon }, parameters) =>
  normaliseBatch(
    y,
    parameters(`${name}.weight`) as tf.Tensor1D,
    parameters(`${name}.bias`) as tf.Tensor1D,
    epsilon,
  );

/**
 * Like `byBatch`, and passes each norm's statistics to `seen`: mean and biased variance over n, h
 * and w, [channels] each, and the number of values behind them. Not differentiable.
 */
export const measuring =
  (
    seen: (norm: BatchNorm, mean: tf.Tensor1D, variance: tf.Tensor1D, values: number) => void,
  ): NonNullable<Context['normalise']> =>
  (y, norm, parameters) => {
    const { mean, variance } = tf.moments(y, [0, 1, 2]) as {
      mean: tf.Tensor1D;
      variance: tf.Tensor1D;
    };
    seen(norm, mean, variance, y.size / norm.channels);
    return tf.batchNorm(
      y,
      mean,
      variance,
      parameters(`${norm.name}.bias`) as tf.Tensor1D,
      parameters(`${norm.name}.weight`) as tf.Tensor1D,
      norm.epsilon,
    );
  };
