// One contract for every engine: values and gradients of the student's operations, against plain
// float64 JavaScript, over random shapes, strides and paddings. Relative errors are over a whole
// tensor: ‖engine − reference‖ / ‖reference‖. Node's tests and a browser's page run it.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  conv2d,
  depthwiseConv2d,
  normaliseBatch,
  type Pad,
  poolChannels,
  relu,
  relu6,
  scaleChannels,
  squeezeExcite,
  swish,
} from '../../../common/engine/ops.js';
import { Random } from '../../../common/random.js';
import * as reference from './reference.js';

const TOLERANCE = 1e-4;
/** ε of batch norm; large, so that it matters. */
const EPSILON = 0.1;
export type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

export const draw = (shape: readonly number[], random: Random): reference.Values => {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    random.normal(),
  );
  return { shape, values: Float64Array.from(values) };
};
const toTensor = ({ shape, values }: reference.Values): tf.Tensor =>
  tf.tensor(Float32Array.from(values), [...shape]);

/** An operation's value, and its gradients in all inputs for the slope dy. */
export async function onEngine(
  op: Op,
  inputs: readonly reference.Values[],
  dyOf: (shape: readonly number[]) => reference.Values,
) {
  const before = tf.memory().numTensors;
  const tensors = inputs.map(toTensor);
  const value = tf.tidy(() => op(...tensors));
  const dy = dyOf(value.shape);
  const gradients = tf.tidy(() => tf.grads(op)(tensors, toTensor(dy)));
  const read = async (t: tf.Tensor): Promise<reference.Values> => ({
    shape: t.shape,
    values: Float64Array.from(await t.data()),
  });
  const found = { dy, value: await read(value), gradients: await Promise.all(gradients.map(read)) };
  tf.dispose([tensors, value, gradients]);
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${left} tensors were left behind`);
  return found;
}

export function expectClose(found: reference.Values, expected: reference.Values): void {
  if (found.shape.join() !== expected.shape.join())
    throw new Error(`shape [${found.shape.join()}] instead of [${expected.shape.join()}]`);
  const norm = (values: Float64Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0));
  const error = norm(found.values.map((v, i) => v - expected.values[i]!));
  // Negated, so that NaN counts as wrong too.
  if (!(error <= TOLERANCE * norm(expected.values)))
    throw new Error(
      `[${found.shape.join()}] is off by ${error}, its norm is ${norm(expected.values)}`,
    );
}

/** Checks an operation, its gradients by central differences of its reference. */
async function check(
  op: Op,
  referenceOp: (inputs: readonly reference.Values[]) => reference.Values,
  shapes: readonly (readonly number[])[],
  seed: number,
): Promise<void> {
  const random = new Random(seed);
  const inputs = shapes.map((shape) => draw(shape, random));
  const { dy, value, gradients } = await onEngine(op, inputs, (shape) => draw(shape, random));
  expectClose(value, referenceOp(inputs));
  for (const [i, expected] of reference.differences(referenceOp, inputs, dy).entries())
    expectClose(gradients[i]!, expected);
}

/** Checks a convolution. */
async function checkConvolution(
  depthwise: boolean,
  [n, h, w, c]: readonly number[],
  k: number,
  o: number,
  stride: number,
  pad: Pad,
  seed: number,
): Promise<void> {
  const random = new Random(seed);
  const filter = depthwise ? [k, k, c!, 1] : [k, k, c!, o];
  const inputs = [
    draw([n!, h!, w!, c!], random),
    draw(filter, random),
    draw([depthwise ? c! : o], random),
  ];
  const info = tf.backend_util.computeConv2DInfo(
    [n!, h!, w!, c!],
    filter as [number, number, number, number],
    stride,
    1,
    pad,
    undefined,
    depthwise,
  );
  const taps = {
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    stride,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
  const op: Op = (x, f, b) =>
    (depthwise ? depthwiseConv2d : conv2d)(
      x as tf.Tensor4D,
      f as tf.Tensor4D,
      b as tf.Tensor1D,
      stride,
      pad,
    );
  const { dy, value, gradients } = await onEngine(op, inputs, (shape) => draw(shape, random));
  expectClose(value, reference.convolution(inputs, depthwise, taps));
  for (const [i, expected] of reference.convolutionGradients(inputs, dy, depthwise, taps).entries())
    expectClose(gradients[i]!, expected);
}

export const whole = (min: number, max: number) => fc.integer({ min, max });
/** Channels in sixteens, fours and ones, as the kernels process them. */
const channels = whole(1, 39);
export const geometry = fc.record({
  shape: fc.tuple(whole(1, 3), whole(5, 12), whole(5, 12), channels),
  o: whole(1, 21),
  k: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 2, 3),
  pad: fc.constantFrom<Pad>('same', 'valid', 0, 1, 2),
  seed: fc.nat(),
});
/** Small, because each value is moved twice to get a gradient. */
const small = fc.record({
  shape: fc.tuple(whole(1, 2), whole(1, 4), whole(1, 3), channels),
  squeezed: whole(1, 5),
  seed: fc.nat(),
});

/**
 * The requirements on an engine, each checked in this many random cases.
 * @throws the smallest failing case
 */
export const CONTRACT: readonly {
  readonly promise: string;
  readonly hold: (cases: number) => Promise<void>;
}[] = [
  {
    promise: 'convolve, with gradients',
    hold: async (numRuns) =>
      await fc.assert(
        fc.asyncProperty(geometry, ({ shape, o, k, stride, pad, seed }) =>
          checkConvolution(false, shape, k, o, stride, pad, seed),
        ),
        { numRuns, seed: 4 },
      ),
  },
  {
    promise: 'convolve depthwise, with gradients',
    hold: async (numRuns) =>
      await fc.assert(
        fc.asyncProperty(geometry, ({ shape, k, stride, pad, seed }) =>
          checkConvolution(true, shape, k, 1, stride, pad, seed),
        ),
        { numRuns, seed: 4 },
      ),
  },
  {
    promise: 'activate, scale, pool, squeeze and excite, with gradients',
    hold: async (numRuns) =>
      await fc.assert(
        fc.asyncProperty(small, async ({ shape, squeezed, seed }) => {
          const [n, , , c] = shape;
          await check((x) => swish(x), reference.swish, [shape], seed);
          await check(
            (x, a) => scaleChannels(x, a as tf.Tensor2D),
            reference.scaleChannels,
            [shape, [n, c]],
            seed,
          );
          await check((x) => poolChannels(x as tf.Tensor4D), reference.poolChannels, [shape], seed);
          await check(
            squeezeExcite as unknown as Op,
            reference.squeezeExcite,
            [shape, [c, squeezed], [squeezed], [squeezed, c], [c]],
            seed,
          );
        }),
        { numRuns, seed: 4 },
      ),
  },
  {
    promise: 'rectify and normalise by the batch, with gradients',
    hold: async (numRuns) =>
      await fc.assert(
        fc.asyncProperty(small, async ({ shape: [n, h, w, c], seed }) => {
          const shape = [n + 1, h + 1, w + 1, c];
          const normalise: Op = (x, gamma, beta) =>
            normaliseBatch(x as tf.Tensor4D, gamma as tf.Tensor1D, beta as tf.Tensor1D, EPSILON);
          await check((x) => relu(x), reference.relu, [shape], seed);
          await check(
            (x) => relu6(tf.mul(x, 5)),
            (inputs) => reference.relu6(inputs, 5),
            [shape],
            seed,
          );
          await check(
            normalise,
            (inputs) => reference.normaliseBatch(inputs, EPSILON),
            [shape, [c], [c]],
            seed,
          );
        }),
        { numRuns: Math.ceil(numRuns / 3), seed: 4 },
      ),
  },
  {
    promise:
      'activate the largest and the smallest numbers, and say NaN where something went wrong before',
    hold: async () => {
      for (const x of [-1e30, -200, -88, 0, 1e-30, 88, 200, 1e30, NaN]) {
        const { value } = await onEngine(
          (t) => swish(t),
          [{ shape: [1], values: Float64Array.of(x) }],
          (shape) => ({ shape, values: Float64Array.of(1) }),
        );
        const [found] = value.values;
        const expected = x < 0 ? 0 : x <= 1e-30 ? x / 2 : x;
        if (
          Number.isNaN(x)
            ? !Number.isNaN(found)
            : !(Math.abs(found! - expected) <= Math.max(1e-6, 1e-6 * expected))
        )
          throw new Error(`swish(${x}) gave ${found}`);
      }
    },
  },
];
