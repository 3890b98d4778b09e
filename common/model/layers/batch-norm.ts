// Batch norm that no convolution precedes (DenseNet's), and batch norm by the batch's own statistics.
import * as tf from '@tensorflow/tfjs';
import { scaleChannels } from '../../engine/ops.js';
import { activate, type Activation, stockActivation } from './activation.js';
import { apply, type BatchNorm, batchNormWeights, type Context, type Layer } from './layer.js';

/** A batch norm by itself, then the activation. */
export function batchNorm(norm: BatchNorm, activation: Activation): Layer {
  const { name, epsilon } = norm;
  return {
    weights: batchNormWeights(norm),
    forward(x, { parameters, normalise }) {
      if (normalise) return activate(normalise(x, norm, parameters), activation);
      const scale = tf.div(parameters(`${name}.weight`), tf.sqrt(tf.add(parameters(`${name}.running_var`), epsilon)));
      const shift = tf.sub(parameters(`${name}.bias`), tf.mul(parameters(`${name}.running_mean`), scale));
      const scaled = scaleChannels(tf.reshape(x, [1, -1, norm.channels]), tf.reshape(scale, [1, -1]));
      return activate(tf.add(tf.reshape<tf.Rank.R4>(scaled, x.shape), shift), activation);
    },
    stock: (x) => stockActivation(apply(tf.layers.batchNormalization({ name, epsilon }), x), activation, name),
  };
}

/** γ (x − mean) / σ + β over n, h and w (Ioffe & Szegedy 2015): x [n, h, w, c], γ and β [c]. The gradient is written out: tfjs's own tiles to full size and takes twice as long. */
export const normaliseBatch = (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D, epsilon: number): tf.Tensor4D =>
  tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as unknown as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const axes = [0, 1, 2];
    const count = x.size / x.shape[3];
    const centred = tf.sub(x, tf.mean(x, axes));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes), epsilon));
    const normal = tf.mul(centred, inverse);
    save([normal, inverse, gamma]);
    return {
      value: tf.add(tf.mul(normal, gamma), beta),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [normal, inverse, gamma] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const dBeta = tf.sum(dy, axes);
        const dGamma = tf.sum(tf.mul(dy, normal), axes);
        const dNormal = tf.sub(tf.sub(dy, tf.div(dBeta, count)), tf.mul(normal, tf.div(dGamma, count)));
        return [tf.mul(dNormal, tf.mul(gamma, inverse)), dGamma, dBeta];
      },
    };
  })(x, gamma, beta) as tf.Tensor4D;

/** A context's `normalise` for training: running statistics stay as they are. */
export const byBatch: NonNullable<Context['normalise']> = (y, { name, epsilon }, parameters) =>
  normaliseBatch(y, parameters(`${name}.weight`) as tf.Tensor1D, parameters(`${name}.bias`) as tf.Tensor1D, epsilon);

/** As `byBatch`, and hands each norm's statistics to `seen`: mean and biased variance over n, h and w, [channels] each, and the number of values behind them. Not differentiable. */
export const measuring =
  (seen: (norm: BatchNorm, mean: tf.Tensor1D, variance: tf.Tensor1D, values: number) => void): NonNullable<Context['normalise']> =>
  (y, norm, parameters) => {
    const { mean, variance } = tf.moments(y, [0, 1, 2]) as { mean: tf.Tensor1D; variance: tf.Tensor1D };
    seen(norm, mean, variance, y.size / norm.channels);
    return tf.batchNorm(y, mean, variance, parameters(`${norm.name}.bias`) as tf.Tensor1D, parameters(`${norm.name}.weight`) as tf.Tensor1D, norm.epsilon);
  };
