// CBAM (Woo et al. 2018, "CBAM: Convolutional Block Attention Module"): attention over channels,
// then over positions.
import * as tf from '@tensorflow/tfjs';
import { depthwiseConv2d, poolChannels, scaleChannels } from '../../engine/ops.js';
import type { Layer, Weight } from './layer.js';

/** Factor by which channels are squeezed (r in the paper). */
const REDUCTION = 16;
/** Side of the spatial attention's filter. */
const KERNEL = 7;

/**
 * x′ = x · σ(mlp(mean of x over positions) + mlp(maximum over positions)), then x″ = x′ ·
 * σ(conv7×7(mean of x′ over channels ‖ maximum over channels)). The spatial filter has shape [7, 7,
 * 2, 1]: mean and maximum are convolved separately, and summed.
 */
export function cbam(name: string, channels: number): Layer {
  const squeezed = Math.max(1, Math.floor(channels / REDUCTION));
  const weights: Weight[] = [
    {
      name: `${name}.channel.fc1.weight`,
      shape: [channels, squeezed],
      initial: { normal: Math.sqrt(2 / channels) },
    },
    { name: `${name}.channel.fc1.bias`, shape: [squeezed], initial: { constant: 0 } },
    {
      name: `${name}.channel.fc2.weight`,
      shape: [squeezed, channels],
      initial: { normal: Math.sqrt(1 / squeezed) / 10 },
    },
    { name: `${name}.channel.fc2.bias`, shape: [channels], initial: { constant: 0 } },
    {
      name: `${name}.spatial.weight`,
      shape: [KERNEL, KERNEL, 2, 1],
      initial: { normal: 1 / KERNEL / 10 },
    },
    { name: `${name}.spatial.bias`, shape: [1], initial: { constant: 0 } },
  ];
  return {
    weights,
    forward(x, { parameters }) {
      const get = (part: string): tf.Tensor => parameters(`${name}.${part}`);
      const mlp = (pooled: tf.Tensor2D): tf.Tensor2D => {
        const hidden = tf.relu<tf.Tensor2D>(
          tf.add(
            tf.matMul(pooled, get('channel.fc1.weight') as tf.Tensor2D),
            get('channel.fc1.bias'),
          ),
        );
        return tf.add(
          tf.matMul(hidden, get('channel.fc2.weight') as tf.Tensor2D),
          get('channel.fc2.bias'),
        );
      };
      const byChannel = tf.sigmoid<tf.Tensor2D>(
        tf.add(mlp(poolChannels(x)), mlp(tf.max(x, [1, 2]))),
      );
      const scaled = scaleChannels(x, byChannel) as tf.Tensor4D;
      const maps = tf.concat(
        [tf.mean<tf.Tensor4D>(scaled, 3, true), tf.max<tf.Tensor4D>(scaled, 3, true)],
        3,
      );
      const convolved = depthwiseConv2d(
        maps,
        get('spatial.weight') as tf.Tensor4D,
        tf.zeros([2]),
        1,
        'same',
      );
      return tf.mul(scaled, tf.sigmoid(tf.add(tf.sum(convolved, 3, true), get('spatial.bias'))));
    },
  };
}
