// The forward pass: how each unit of the layout turns activations into activations, with batch norm frozen or measured.
import * as tf from '@tensorflow/tfjs';
import { conv2d, depthwiseConv2d, poolChannels, scaleChannels, squeezeExcite, swish } from '../engine/ops.js';
import { type Block, type ConvUnit, DENSE, type Layer, type SqueezeUnit } from './architecture.js';

/** Batch norm's ε in torchvision. */
export const BATCH_NORM_EPSILON = 1e-5;

/** Looks up a parameter's tensor by its name. */
export type Parameters = (name: string) => tf.Tensor;

/** How a convolution's batch norm is applied: x → the normalised output, before the activation. */
type ConvNorm = (x: tf.Tensor4D, unit: ConvUnit, parameters: Parameters) => tf.Tensor4D;

/**
 * Batch norm with frozen statistics, folded: W′ = W·γ/σ and b′ = β − μ·γ/σ, computed in each step from the ordinary parameters,
 * so that gradients reach W, γ and β themselves.
 */
export const frozenNorm: ConvNorm = (x, unit, parameters) => {
  const deviation = tf.sqrt(tf.add(parameters(`${unit.norm}.running_var`), BATCH_NORM_EPSILON));
  const scale = tf.div<tf.Tensor1D>(parameters(`${unit.norm}.weight`), deviation);
  const bias = tf.sub<tf.Tensor1D>(parameters(`${unit.norm}.bias`), tf.mul(parameters(`${unit.norm}.running_mean`), scale));
  const weight = parameters(`${unit.name}.weight`) as tf.Tensor4D;
  const rows = unit.kind === 'depthwise' ? tf.reshape(weight, [1, -1, unit.outChannels]) : tf.reshape(weight, [1, -1, 1, unit.outChannels]);
  const filter = tf.reshape<tf.Rank.R4>(scaleChannels(rows, tf.reshape(scale, [1, -1])), weight.shape);
  return convolve(x, unit, filter, bias);
};

/** Batch norm with the batch's own statistics; each is handed to `seen` (mean and biased variance over n, h and w, [channels] each; and the number of values behind them). */
export const measuringNorm =
  (seen: (unit: ConvUnit, mean: tf.Tensor1D, variance: tf.Tensor1D, values: number) => void): ConvNorm =>
  (x, unit, parameters) => {
    const y = convolve(x, unit, parameters(`${unit.name}.weight`) as tf.Tensor4D, tf.zeros([unit.outChannels]));
    const { mean, variance } = tf.moments(y, [0, 1, 2]) as { mean: tf.Tensor1D; variance: tf.Tensor1D };
    seen(unit, mean, variance, y.size / unit.outChannels);
    const [beta, gamma] = [parameters(`${unit.norm}.bias`) as tf.Tensor1D, parameters(`${unit.norm}.weight`) as tf.Tensor1D];
    return tf.batchNorm(y, mean, variance, beta, gamma, BATCH_NORM_EPSILON);
  };

/** torchvision pads ⌊k/2⌋ on every side. With stride 1 that is tfjs's `same`; with stride 2 `same` would pad less above than below. */
export function convolve(x: tf.Tensor4D, { kind, kernel, stride }: ConvUnit, filter: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  return (kind === 'depthwise' ? depthwiseConv2d : conv2d)(x, filter, bias, stride, stride > 1 ? Math.floor(kernel / 2) : 'same');
}

function squeeze(x: tf.Tensor4D, { name, channels, squeezed }: SqueezeUnit, parameters: Parameters): tf.Tensor4D {
  const weight = (layer: string, shape: [number, number]) => tf.reshape<tf.Rank.R2>(parameters(`${name}.${layer}.weight`), shape);
  const bias = (layer: string) => parameters(`${name}.${layer}.bias`) as tf.Tensor1D;
  return squeezeExcite(x, weight('fc1', [channels, squeezed]), bias('fc1'), weight('fc2', [squeezed, channels]), bias('fc2'));
}

function layerForward(x: tf.Tensor4D, layer: Layer, parameters: Parameters, norm: ConvNorm): tf.Tensor4D {
  let y = x;
  for (const unit of layer.units) {
    if (unit.kind === 'squeeze') y = squeeze(y, unit, parameters);
    else y = unit.swish ? swish(norm(y, unit, parameters)) : norm(y, unit, parameters);
  }
  return layer.residual ? tf.add(y, x) : y;
}

/** One block: [n, h, w, c] → [n, h′, w′, c′]. */
export function blockForward(x: tf.Tensor4D, block: Block, parameters: Parameters, norm: ConvNorm): tf.Tensor4D {
  return block.layers.reduce((y, layer) => layerForward(y, layer, parameters, norm), x);
}

/** The classifier block: pooling and the dense layer, [n, h, w, c] → logits [n, classes]. */
export function classify(x: tf.Tensor4D, parameters: Parameters): tf.Tensor2D {
  return tf.add(tf.matMul(poolChannels(x), parameters(`${DENSE}.weight`) as tf.Tensor2D), parameters(`${DENSE}.bias`));
}
