// Layer norm over channels (Ba et al. 2016), and ConvNeXt's layer scale.
import * as tf from '@tensorflow/tfjs';
import { layerNorm as normalise, scaleChannels } from '../../engine/ops.js';
import { type Layer, type Parameters, type Weight } from './layer.js';

export interface LayerNorm {
  /** The module's name. */
  readonly name: string;
  readonly channels: number;
  readonly epsilon: number;
}

export const layerNormWeights = ({ name, channels }: LayerNorm): Weight[] => [
  { name: `${name}.weight`, shape: [channels], initial: { constant: 1 } },
  { name: `${name}.bias`, shape: [channels], initial: { constant: 0 } },
];

/** γ (x − mean) / σ + β over the last axis of x [n, …, c]. */
export const applyLayerNorm = <T extends tf.Tensor>(
  x: T,
  { name, epsilon }: LayerNorm,
  parameters: Parameters,
): T =>
  normalise(
    x,
    parameters(`${name}.weight`) as tf.Tensor1D,
    parameters(`${name}.bias`) as tf.Tensor1D,
    epsilon,
  );

/** Layer norm at each position separately. */
export const layerNorm = (norm: LayerNorm): Layer => ({
  weights: layerNormWeights(norm),
  forward: (x, { parameters }) => applyLayerNorm(x, norm, parameters),
});

/**
 * Multiplies each channel by a learned factor that starts at `initial` (Touvron et al. 2021, "Going
 * deeper with image transformers").
 */
export const layerScale = (name: string, channels: number, initial: number): Layer => ({
  weights: [{ name, shape: [channels], initial: { constant: initial } }],
  forward: (x, { parameters }) =>
    tf.reshape<tf.Rank.R4>(
      scaleChannels(tf.reshape(x, [1, -1, channels]), tf.reshape(parameters(name), [1, -1])),
      x.shape,
    ),
});
