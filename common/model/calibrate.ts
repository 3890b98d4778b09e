// Batch-norm statistics estimated from data: a network trained from scratch needs them before its
// batch norm can be frozen.
import * as tf from '@tensorflow/tfjs';
import { measuring } from './layers/batch-norm.js';
import type { Parameters } from './layers/layer.js';
import { type Block, blockForward } from './network.js';

/**
 * Sets every batch norm's running mean and (unbiased) variance to those of the pooled batches,
 * block by block. Within a block each batch is normalised by its own statistics, as in training;
 * the next block's input is the output of the finished, frozen block. It holds the activations of
 * all batches at one block's boundary at once.
 * @param batches normalised images, float32 [n, size, size, 3] each
 */
export async function calibrate(
  batches: readonly tf.Tensor4D[],
  blocks: readonly Block[],
  parameters: Parameters,
  assign: (name: string, values: Float32Array) => void,
): Promise<void> {
  let inputs = batches.map((b) => tf.clone(b));
  for (const block of blocks) {
    const sums = new Map<string, { values: number; first: Float64Array; second: Float64Array }>();
    const normalise = measuring(({ name, channels }, mean, variance, values) => {
      const sum = sums.get(name) ?? {
        values: 0,
        first: new Float64Array(channels),
        second: new Float64Array(channels),
      };
      sums.set(name, sum);
      const [m, v] = [mean.dataSync(), variance.dataSync()];
      sum.values += values;
      for (let c = 0; c < channels; c++) {
        sum.first[c] = sum.first[c]! + values * m[c]!;
        sum.second[c] = sum.second[c]! + values * (v[c]! + m[c]! ** 2);
      }
    });
    for (const input of inputs) {
      tf.tidy(() => void blockForward(input, block, { parameters, normalise }));
      await tf.nextFrame();
    }
    for (const [name, { values, first, second }] of sums) {
      const mean = first.map((s) => s / values);
      const unbiased = values / Math.max(1, values - 1);
      assign(`${name}.running_mean`, Float32Array.from(mean));
      assign(
        `${name}.running_var`,
        Float32Array.from(second, (s, c) => Math.max(0, s / values - mean[c]! ** 2) * unbiased),
      );
    }
    inputs = inputs.map((input) => {
      const output = tf.tidy(() => tf.clone(blockForward(input, block, { parameters })));
      input.dispose();
      return output;
    });
  }
  for (const input of inputs) input.dispose();
}
