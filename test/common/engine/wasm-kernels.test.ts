// The WASM training kernels against tfjs's plain JavaScript ones, over random shapes, strides and paddings.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conv2d, depthwiseConv2d, poolChannels, scaleChannels, swish } from '../../../common/engine/ops.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { Random } from '../../../common/random.js';

/** An operation's gradients with respect to all of its inputs, for a random dy, on one engine. */
async function gradients(engine: 'wasm' | 'cpu', op: (...inputs: tf.Tensor[]) => tf.Tensor, shapes: number[][], seed: number): Promise<Float32Array[]> {
  await useEngine(engine);
  const before = tf.memory().numTensors;
  const random = new Random(seed);
  const draw = (shape: number[]) => tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()), shape);
  const out = tf.tidy(() => {
    const inputs = shapes.map(draw);
    const dy = draw(op(...inputs).shape);
    return tf.grads(op)(inputs, dy);
  });
  const values = await Promise.all(out.map(async (g) => (await g.data()) as Float32Array));
  tf.dispose(out);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/** The worst ‖wasm − cpu‖ / ‖cpu‖ over the gradients of an operation. */
async function disagreement(op: (...inputs: tf.Tensor[]) => tf.Tensor, shapes: number[][], seed: number): Promise<number> {
  const wasm = await gradients('wasm', op, shapes, seed);
  const cpu = await gradients('cpu', op, shapes, seed);
  return Math.max(...cpu.map((expected, i) => Math.hypot(...expected.map((v, k) => v - wasm[i]![k]!)) / (Math.hypot(...expected) || 1)));
}

const runs = { numRuns: 25, seed: 2 };
const geometry = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  h: fc.integer({ min: 5, max: 9 }),
  w: fc.integer({ min: 5, max: 9 }),
  c: fc.integer({ min: 1, max: 6 }),
  o: fc.integer({ min: 1, max: 5 }),
  k: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 2, 3),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  seed: fc.nat(),
});

describe('WASM training kernels', () => {
  it('give the gradients of a convolution with bias that plain JavaScript gives', async () => {
    await fc.assert(fc.asyncProperty(geometry, async ({ n, h, w, c, o, k, stride, pad, seed }) => {
      expect(await disagreement((x, f, b) => conv2d(x as tf.Tensor4D, f as tf.Tensor4D, b as tf.Tensor1D, stride, pad), [[n, h, w, c], [k, k, c, o], [o]], seed)).toBeLessThan(1e-5);
    }), runs);
  });

  it('give the gradients of a depthwise convolution with bias that plain JavaScript gives', async () => {
    await fc.assert(fc.asyncProperty(geometry, async ({ n, h, w, c, k, stride, pad, seed }) => {
      expect(await disagreement((x, f, b) => depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, b as tf.Tensor1D, stride, pad), [[n, h, w, c], [k, k, c, 1], [c]], seed)).toBeLessThan(1e-5);
    }), runs);
  });

  it('serve tf.conv2d and tf.depthwiseConv2d with explicit padding too', async () => {
    await fc.assert(fc.asyncProperty(geometry, fc.integer({ min: 0, max: 2 }), async ({ n, h, w, c, o, stride, seed }, pad) => {
      expect(await disagreement((x, f, g) => {
        const y = tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, pad);
        return tf.depthwiseConv2d(y, g as tf.Tensor4D, stride, pad);
      }, [[n, h, w, c], [3, 3, c, o], [3, 3, o, 1]], seed)).toBeLessThan(1e-5);
    }), { ...runs, numRuns: 10 });
  });

  it('give the gradients of swish, channel scaling and pooling that plain JavaScript gives', async () => {
    await fc.assert(fc.asyncProperty(geometry, async ({ n, h, w, c, seed }) => {
      expect(await disagreement((x, a) => tf.add(tf.sum(swish(scaleChannels(x, a as tf.Tensor2D)), [1, 2]), poolChannels(x as tf.Tensor4D)), [[n, h, w, c], [n, c]], seed)).toBeLessThan(1e-5);
    }), runs);
  });

  it('refuse what they do not implement instead of giving a wrong gradient', async () => {
    await useEngine('wasm');
    const grad = tf.grad((x: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, tf.ones([3, 3, 2, 2]), 1, 'same'));
    expect(() => tf.tidy(() => grad(tf.ones([1, 4, 4, 2])))).toThrow('channel multiplier');
  });
});
