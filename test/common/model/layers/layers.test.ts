// The layers of networks: their gradients, in weights and input, against central differences on
// every engine.
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { cbam } from '../../../../common/model/layers/attention.js';
import { batchNorm, byBatch } from '../../../../common/model/layers/batch-norm.js';
import { concatenated, residual } from '../../../../common/model/layers/branches.js';
import { convolution } from '../../../../common/model/layers/convolution.js';
import { type Context, forwardAll, type Layer } from '../../../../common/model/layers/layer.js';
import { layerNorm, layerScale } from '../../../../common/model/layers/layer-norm.js';
import { averagePool, maxPool } from '../../../../common/model/layers/pooling.js';
import { Random } from '../../../../common/random.js';
import { describeEngines } from '../../../support/engines.js';

const CHANNELS = 3;
const norm = (name: string, channels = CHANNELS) => ({ name, channels, epsilon: 1e-3 });

const CASES: Readonly<Record<string, readonly Layer[]>> = {
  'a strided convolution with bias': [
    convolution({ name: 'c', from: CHANNELS, to: 4, kernel: 3, stride: 2 }),
  ],
  'patches side by side': [
    convolution({ name: 'c', from: CHANNELS, to: 4, kernel: 2, stride: 2, padding: 'valid' }),
  ],
  'a dense layer at each position, with GELU': [
    convolution({ name: 'c', from: CHANNELS, to: 5, kernel: 1, linear: true, activation: 'gelu' }),
  ],
  'a depthwise convolution with norm and ReLU6': [
    convolution({
      name: 'c',
      from: CHANNELS,
      to: CHANNELS,
      kernel: 3,
      depthwise: true,
      norm: norm('n'),
      activation: 'relu6',
    }),
  ],
  "TensorFlow's padding, with norm": [
    convolution({
      name: 'c',
      from: CHANNELS,
      to: 4,
      kernel: 3,
      stride: 2,
      padding: 'same',
      norm: norm('n'),
      activation: 'swish',
    }),
  ],
  'batch norm by itself, with ReLU': [batchNorm(norm('n'), 'relu')],
  'layer norm and layer scale': [layerNorm(norm('n')), layerScale('s', CHANNELS, 1)],
  'the largest of each window': [batchNorm(norm('n'), 'relu'), maxPool('m')],
  'the mean of each square': [averagePool('a', CHANNELS)],
  'a residual with a shortcut': [
    residual('r', [convolution({ name: 'c', from: CHANNELS, to: 4, kernel: 1 })], {
      shortcut: [convolution({ name: 'd', from: CHANNELS, to: 4, kernel: 1, bias: false })],
      activation: 'relu',
    }),
  ],
  'attention to channels, then to places': [cbam('a', CHANNELS)],
  'a concatenation': [
    concatenated('k', [convolution({ name: 'c', from: CHANNELS, to: 2, kernel: 3, bias: false })]),
  ],
};

/**
 * Checks the gradients of Σ direction · y in the input and in every trainable weight, at three
 * places each.
 */
function check(layers: readonly Layer[], batchStatistics: boolean): void {
  // A seed for which no value is so near a kink of a ReLU that a step crosses it.
  const random = new Random('layers');
  const all = [
    { name: 'x', shape: [2, 6, 6, CHANNELS] },
    ...layers.flatMap((layer) => layer.weights),
  ].map(({ name, shape }) => {
    const positive = name.endsWith('running_var');
    return {
      name,
      shape: [...shape],
      data: Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () =>
        positive ? random.uniform(0.5, 1.5) : random.normal(),
      ),
    };
  });
  const moving = all.filter(({ name }) => !name.includes('running'));
  tf.tidy(() => {
    const tensorOf = ({ data, shape }: (typeof all)[number]) => tf.tensor(data.slice(), shape);
    const fixed = new Map(all.filter((v) => !moving.includes(v)).map((v) => [v.name, tensorOf(v)]));
    const value = (inputs: readonly tf.Tensor[]): tf.Tensor4D => {
      const parameters = (name: string) =>
        fixed.get(name) ?? inputs[moving.findIndex((v) => v.name === name)]!;
      const context: Context = { parameters, ...(batchStatistics && { normalise: byBatch }) };
      return forwardAll(layers, inputs[0] as tf.Tensor4D, context);
    };
    const direction = tf.tensor(
      Float32Array.from({ length: value(moving.map(tensorOf)).size }, () => random.normal()),
    );
    const loss = (...inputs: tf.Tensor[]): tf.Scalar =>
      tf.sum(tf.mul(tf.reshape(value(inputs), [-1]), direction));
    const gradients = tf.grads(loss)(moving.map(tensorOf));
    for (const [i, { name, data }] of moving.entries()) {
      const gradient = gradients[i]!.dataSync();
      const scale = Math.max(1, ...gradient.map(Math.abs));
      for (const index of [0, random.int(data.length), random.int(data.length)]) {
        const before = data[index]!;
        const at = (moved: number): number => {
          data[index] = moved;
          const y = tf.tidy(() => loss(...moving.map(tensorOf)).dataSync()[0]!);
          data[index] = before;
          return y;
        };
        const step = 5e-4;
        const slope = (at(before + step) - at(before - step)) / (2 * step);
        expect(
          Math.abs(slope - gradient[index]!),
          `${name}[${index}]: ${gradient[index]} by the chain rule, ${slope} by differences`,
        ).toBeLessThan(0.015 * scale);
      }
    }
  });
}

describeEngines('the gradient of', () => {
  it.each(Object.keys(CASES))('%s agrees with central differences', (what) =>
    check(CASES[what]!, false),
  );

  const normed = Object.keys(CASES).filter((what) =>
    CASES[what]!.some(({ weights }) => weights.some(({ name }) => name.includes('running'))),
  );
  it.each(normed)("%s, by the batch's own statistics, agrees too", (what) =>
    check(CASES[what]!, true),
  );
});
