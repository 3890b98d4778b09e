// Checks an engine before it is used, because drivers, and GPUs emulated in software, can compute
// wrongly without an error. The engine computes a small network's value and gradients, which must
// agree with those of plain JavaScript.
import * as tf from '@tensorflow/tfjs';
import { conv2d, depthwiseConv2d, poolChannels, squeezeExcite, swish } from './ops.js';

/**
 * Bound on ‖engine − plain‖ / ‖plain‖ over everything. float32 in another order gives 1e-6, a GPU's
 * half precision 1e-3.
 */
const TOLERANCE = 1e-4;

/** Fixed values in [−1, 1], the same everywhere. */
const fixed = (shape: number[], phase: number): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, k) =>
      Math.sin(1.7 * k + phase),
    ),
    shape,
  );

/** A network with one of each of the student's operations, x [2, 9, 9, 3] → [2, 4]. */
function network(...inputs: tf.Tensor[]): tf.Tensor {
  const [x, stem, depthwise, w1, b1, w2, b2, dense] = inputs as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor2D,
    tf.Tensor1D,
    tf.Tensor2D,
    tf.Tensor1D,
    tf.Tensor2D,
  ];
  const wide = swish(conv2d(x, stem, b2, 2, 1));
  const deep = squeezeExcite(
    swish(depthwiseConv2d(wide, depthwise, b2, 1, 'same')),
    w1,
    b1,
    w2,
    b2,
  );
  return tf.matMul(poolChannels(tf.add(deep, wide)), dense);
}

/** The network's value and its gradients in all inputs, as one vector. */
async function compute(): Promise<Float32Array> {
  const all = tf.tidy(() => {
    const shapes = [[2, 9, 9, 3], [3, 3, 3, 5], [3, 3, 5, 1], [5, 2], [2], [2, 5], [5], [5, 4]];
    const inputs = shapes.map((shape, i) => fixed(shape, i));
    const gradients = tf.grads(network)(inputs, fixed([2, 4], 9));
    return tf.concat([network(...inputs), ...gradients].map((t) => tf.reshape(t, [-1])));
  });
  const values = (await all.data()) as Float32Array;
  all.dispose();
  return values.slice();
}

let expected: Promise<Float32Array> | undefined;

/**
 * Checks `backend`, and leaves it in use.
 * @param usePlain makes plain JavaScript the tfjs backend
 * @throws when the backend's result differs from plain JavaScript's
 */
export async function selfCheck(backend: string, usePlain: () => Promise<unknown>): Promise<void> {
  expected ??= usePlain().then(compute);
  const plain = await expected;
  await tf.setBackend(backend);
  const found = await compute();
  const norm = (values: Float32Array): number => Math.hypot(...values);
  const error = norm(found.map((v, i) => v - plain[i]!)) / norm(plain);
  // Negated, so that NaN counts as wrong too.
  if (!(error <= TOLERANCE))
    throw new Error(
      `it computes wrongly here: a small network's gradients are off by ${(error * 100).toPrecision(2)} %`,
    );
}
