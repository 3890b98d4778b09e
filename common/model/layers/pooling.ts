// Pooling between stages.
import * as tf from '@tensorflow/tfjs';
import { depthwiseConv2d } from '../../engine/ops.js';
import { apply, type Layer } from './layer.js';

/**
 * Maximum of each 3×3 window, stride 2, padded with one row of zeros. For non-negative inputs
 * (after a ReLU), where this equals torchvision's padding with −∞.
 */
export const maxPool = (name: string): Layer => ({
  weights: [],
  forward: (x) =>
    tf.maxPool(
      tf.pad(x, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
      3,
      2,
      'valid',
    ),
  stock: (x) =>
    apply(
      tf.layers.maxPooling2d({ name, poolSize: 3, strides: 2, padding: 'valid' }),
      apply(
        tf.layers.zeroPadding2d({
          name: `${name}.pad`,
          padding: [
            [1, 1],
            [1, 1],
          ],
        }),
        x,
      ),
    ),
});

/** Mean of each 2×2 square, as a depthwise convolution, whose gradient every engine has. */
export const averagePool = (name: string, channels: number): Layer => ({
  weights: [],
  forward: (x) =>
    depthwiseConv2d(
      x,
      tf.mul<tf.Tensor4D>(tf.ones([2, 2, channels, 1]), 0.25),
      tf.zeros([channels]),
      2,
      'valid',
    ),
  stock: (x) =>
    apply(tf.layers.averagePooling2d({ name, poolSize: 2, strides: 2, padding: 'valid' }), x),
});
