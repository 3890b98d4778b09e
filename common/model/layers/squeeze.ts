// Squeeze and excitation (Hu et al. 2018): weights channels by their averages over all positions.
import * as tf from '@tensorflow/tfjs';
import { squeezeExcite } from '../../engine/ops.js';
import { apply, type Layer, type Weight } from './layer.js';

/**
 * Squeeze and excitation over `channels`, through `squeezed` channels with swish, then sigmoid;
 * `reduce` and `expand` are the modules' names.
 */
export function squeeze({
  reduce,
  expand,
  channels,
  squeezed,
}: {
  readonly reduce: string;
  readonly expand: string;
  readonly channels: number;
  readonly squeezed: number;
}): Layer {
  const pointwise = (name: string, from: number, to: number): Weight[] => [
    { name: `${name}.weight`, shape: [1, 1, from, to], initial: { normal: Math.sqrt(2 / to) } },
    { name: `${name}.bias`, shape: [to], initial: { constant: 0 } },
  ];
  return {
    weights: [...pointwise(reduce, channels, squeezed), ...pointwise(expand, squeezed, channels)],
    forward(x, { parameters }) {
      const weight = (name: string, shape: [number, number]) =>
        tf.reshape<tf.Rank.R2>(parameters(`${name}.weight`), shape);
      const bias = (name: string) => parameters(`${name}.bias`) as tf.Tensor1D;
      return squeezeExcite(
        x,
        weight(reduce, [channels, squeezed]),
        bias(reduce),
        weight(expand, [squeezed, channels]),
        bias(expand),
      );
    },
    stock(x) {
      const pooled = apply(tf.layers.globalAveragePooling2d({ name: `${reduce}.avgpool` }), x);
      const square = apply(
        tf.layers.reshape({ name: `${reduce}.reshape`, targetShape: [1, 1, channels] }),
        pooled,
      );
      const reduced = apply(
        tf.layers.conv2d({
          name: reduce,
          filters: squeezed,
          kernelSize: 1,
          activation: 'swish',
          kernelInitializer: 'zeros',
        }),
        square,
      );
      const scale = apply(
        tf.layers.conv2d({
          name: expand,
          filters: channels,
          kernelSize: 1,
          activation: 'sigmoid',
          kernelInitializer: 'zeros',
        }),
        reduced,
      );
      return apply(tf.layers.multiply({ name: `${expand}.scale` }), [x, scale]);
    },
  };
}
