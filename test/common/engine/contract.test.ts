// One contract for every engine: values and gradients of the student's operations, against plain float64 JavaScript, over random shapes,
// strides and paddings. Relative errors are of a whole tensor: ‖engine − reference‖ / ‖reference‖.
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { loadHeapKernels } from '../../../common/engine/load-kernels.js';
import { conv2d, depthwiseConv2d, type Pad, poolChannels, scaleChannels, squeezeExcite, swish } from '../../../common/engine/ops.js';
import { registerWasmKernels } from '../../../common/engine/wasm-kernels.js';
import { Random } from '../../../common/random.js';
import { ENGINES } from '../../support/engines.js';
import * as reference from './reference.js';

const TOLERANCE = 1e-4;
type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

const draw = (shape: readonly number[], random: Random): reference.Values => {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { shape, values: Float64Array.from(values) };
};
const toTensor = ({ shape, values }: reference.Values): tf.Tensor => tf.tensor(Float32Array.from(values), [...shape]);

/** An operation's value and its gradients in all inputs, with dy in front of them. */
function onEngine(op: Op, inputs: readonly reference.Values[], dyOf: (shape: readonly number[]) => reference.Values) {
  const before = tf.memory().numTensors;
  const tensors = inputs.map(toTensor);
  const value = tf.tidy(() => op(...tensors));
  const dy = dyOf(value.shape);
  const gradients = tf.tidy(() => tf.grads(op)(tensors, toTensor(dy)));
  const read = (t: tf.Tensor): reference.Values => ({ shape: t.shape, values: Float64Array.from(t.dataSync()) });
  const found = { dy, value: read(value), gradients: gradients.map(read) };
  tf.dispose([tensors, value, gradients]);
  expect(tf.memory().numTensors).toBe(before);
  return found;
}

function expectClose(found: reference.Values, expected: reference.Values): void {
  expect(found.shape).toEqual(expected.shape);
  const norm = (values: Float64Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0));
  expect(norm(found.values.map((v, i) => v - expected.values[i]!))).toBeLessThanOrEqual(TOLERANCE * norm(expected.values));
}

/** Checks an operation, its gradients by central differences of its reference. */
function check(op: Op, referenceOp: (inputs: readonly reference.Values[]) => reference.Values, shapes: readonly (readonly number[])[], seed: number): void {
  const random = new Random(seed);
  const inputs = shapes.map((shape) => draw(shape, random));
  const { dy, value, gradients } = onEngine(op, inputs, (shape) => draw(shape, random));
  expectClose(value, referenceOp(inputs));
  for (const [i, expected] of reference.differences(referenceOp, inputs, dy).entries()) expectClose(gradients[i]!, expected);
}

/** Checks a convolution. */
function checkConvolution(depthwise: boolean, [n, h, w, c]: readonly number[], k: number, o: number, stride: number, pad: Pad, seed: number): void {
  const random = new Random(seed);
  const filter = depthwise ? [k, k, c!, 1] : [k, k, c!, o];
  const inputs = [draw([n!, h!, w!, c!], random), draw(filter, random), draw([depthwise ? c! : o], random)];
  const info = tf.backend_util.computeConv2DInfo([n!, h!, w!, c!], filter as [number, number, number, number], stride, 1, pad, undefined, depthwise);
  const taps = { outHeight: info.outHeight, outWidth: info.outWidth, stride, top: info.padInfo.top, left: info.padInfo.left };
  const op: Op = (x, f, b) => (depthwise ? depthwiseConv2d : conv2d)(x as tf.Tensor4D, f as tf.Tensor4D, b as tf.Tensor1D, stride, pad);
  const { dy, value, gradients } = onEngine(op, inputs, (shape) => draw(shape, random));
  expectClose(value, reference.convolution(inputs, depthwise, taps));
  for (const [i, expected] of reference.convolutionGradients(inputs, dy, depthwise, taps).entries()) expectClose(gradients[i]!, expected);
}

const whole = (min: number, max: number) => fc.integer({ min, max });
/** Channels in sixteens, fours and ones, as the kernels take them. */
const channels = whole(1, 39);
const geometry = fc.record({
  shape: fc.tuple(whole(1, 3), whole(5, 12), whole(5, 12), channels),
  o: whole(1, 21),
  k: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 2, 3),
  pad: fc.constantFrom<Pad>('same', 'valid', 0, 1, 2),
  seed: fc.nat(),
});
/** Small: each value is moved twice to get a gradient. */
const small = fc.record({ shape: fc.tuple(whole(1, 2), whole(1, 4), whole(1, 3), channels), squeezed: whole(1, 5), seed: fc.nat() });

const wasmKernels = async (simd: boolean): Promise<void> => {
  await useEngine('wasm');
  registerWasmKernels(await loadHeapKernels(tf.backend() as BackendWasm, { simd }));
};

const variants: readonly { name: string; start: () => Promise<unknown>; runs: number }[] = [
  ...ENGINES.map((engine) => ({ name: engine, start: () => useEngine(engine), runs: 30 })),
  { name: 'wasm without SIMD', start: () => wasmKernels(false), runs: 10 },
  { name: 'cpu', start: () => useEngine('cpu'), runs: 10 },
];

for (const { name, start, runs } of variants) {
  describe(`the operations of the student [${name}]`, () => {
    beforeAll(async () => void (await start()));
    afterAll(() => wasmKernels(true));
    const options = { numRuns: runs, seed: 4 };

    it('convolve, with gradients', () => {
      fc.assert(fc.property(geometry, ({ shape, o, k, stride, pad, seed }) => checkConvolution(false, shape, k, o, stride, pad, seed)), options);
    });

    it('convolve depthwise, with gradients', () => {
      fc.assert(fc.property(geometry, ({ shape, k, stride, pad, seed }) => checkConvolution(true, shape, k, 1, stride, pad, seed)), options);
    });

    it('activate, scale, pool, squeeze and excite, with gradients', () => {
      fc.assert(fc.property(small, ({ shape, squeezed, seed }) => {
        const [n, , , c] = shape;
        check((x) => swish(x), reference.swish, [shape], seed);
        check((x, a) => scaleChannels(x, a as tf.Tensor2D), reference.scaleChannels, [shape, [n, c]], seed);
        check((x) => poolChannels(x as tf.Tensor4D), reference.poolChannels, [shape], seed);
        check(squeezeExcite as unknown as Op, reference.squeezeExcite, [shape, [c, squeezed], [squeezed], [squeezed, c], [c]], seed);
      }), options);
    });

    it('activate the largest and the smallest numbers, and say NaN where something went wrong before', () => {
      const swished = (x: number): number => onEngine((t) => swish(t), [{ shape: [1], values: Float64Array.of(x) }], (shape) => ({ shape, values: Float64Array.of(1) })).value.values[0]!;
      for (const x of [-1e30, -200, -88]) expect(Math.abs(swished(x))).toBeLessThan(1e-6);
      for (const x of [0, 1e-30, 88, 200, 1e30]) expect(swished(x)).toBeCloseTo(x <= 1e-30 ? x / 2 : x, x > 1e3 ? -24 : 5);
      expect(swished(NaN)).toBeNaN();
    });
  });
}

describe('WASM training kernels', () => {
  beforeAll(async () => void (await useEngine('wasm')));

  it('serve tf.conv2d and tf.depthwiseConv2d with explicit padding too', () => {
    fc.assert(fc.property(geometry, whole(0, 2), ({ shape: [n, h, w, c], o, stride, seed }, pad) => {
      const random = new Random(seed);
      const inputs = [draw([n, h, w, c], random), draw([3, 3, c, 1], random), draw([1, 1, c, o], random)];
      const plain: Op = (x, f, g) => tf.conv2d(tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, stride, pad), g as tf.Tensor4D, 1, 'valid');
      const ours: Op = (x, f, g) => {
        const y = depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, tf.zeros([c]), stride, pad);
        return conv2d(y, g as tf.Tensor4D, tf.zeros([o]), 1, 'valid');
      };
      const [a, b] = [plain, ours].map((op) => onEngine(op, inputs, (shape) => draw(shape, new Random(seed))));
      for (const [i, expected] of b!.gradients.entries()) expectClose(a!.gradients[i]!, expected);
    }), { numRuns: 10, seed: 4 });
  });

  it('refuse what they do not implement instead of giving a wrong gradient', () => {
    const grad = tf.grad((x: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, tf.ones([3, 3, 2, 2]), 1, 'same'));
    expect(() => tf.tidy(() => grad(tf.ones([1, 4, 4, 2])))).toThrow('channel multiplier');
  });
});
