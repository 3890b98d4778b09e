// Batch norm with the batch's own statistics: for training from scratch, where there is nothing yet to freeze.
import * as tf from '@tensorflow/tfjs';
import { layoutOf } from '../model/architecture.js';
import { BATCH_NORM_EPSILON, blockForward, classify, convolve, type Parameters } from '../model/forward.js';
import type { Student } from '../model/student.js';

/** γ (x − mean) / σ + β over n, h and w (Ioffe & Szegedy 2015): x [n, h, w, c], γ and β [c]. The gradient is written out: tfjs's own tiles to full size and takes twice as long. */
export const batchNorm: (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor4D = tf.customGrad((...args) => {
  const [x, gamma, beta, save] = args as unknown as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
  const axes = [0, 1, 2];
  const count = x.size / x.shape[3];
  const centred = tf.sub(x, tf.mean(x, axes));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes), BATCH_NORM_EPSILON));
  const normal = tf.mul(centred, inverse);
  save([normal, inverse, gamma]);
  return {
    value: tf.add(tf.mul(normal, gamma), beta),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [normal, inverse, gamma] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const dBeta = tf.sum(dy, axes);
      const dGamma = tf.sum(tf.mul(dy, normal), axes);
      const dNormal = tf.sub(tf.sub(dy, tf.div(dBeta, count)), tf.mul(normal, tf.div(dGamma, count)));
      return [tf.mul(dNormal, tf.mul(gamma, inverse)), dGamma, dBeta];
    },
  };
}) as never;

/** A student's forward pass in training mode: images [n, size, size, 3] → logits [n, classes], differentiable in its variables. Running statistics stay as they are: `student.calibrate` estimates them afterwards. */
export function trainingForward(student: Student): (x: tf.Tensor4D) => tf.Tensor2D {
  const first = student.blocks[0]!;
  const variables = student.variables(first);
  const byName = new Map(student.trainable(first).map((name, i) => [name, variables[i]!]));
  const parameters: Parameters = (name) => byName.get(name)!;
  const { blocks } = layoutOf(student.architecture);
  return (x) =>
    tf.tidy(() => {
      const features = blocks.reduce(
        (y, block) =>
          blockForward(y, block, parameters, (y, unit) => {
            const filter = parameters(`${unit.name}.weight`) as tf.Tensor4D;
            const z = convolve(y, unit, filter, tf.zeros([unit.outChannels]));
            return batchNorm(z, parameters(`${unit.norm}.weight`) as tf.Tensor1D, parameters(`${unit.norm}.bias`) as tf.Tensor1D);
          }),
        x,
      );
      return classify(features, parameters);
    });
}
