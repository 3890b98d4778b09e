// Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): which parts of a picture count in favour of a
// class.
import * as tf from '@tensorflow/tfjs';
import { LentigoError } from '../errors.js';
import type { Picture } from '../images/picture.js';
import { toInput } from '../images/prepare.js';
import { CLASSIFIER } from '../model/network.js';
import type { Student } from '../model/student.js';

export interface Explanation {
  /** One per class, in the order of the student's labels. */
  readonly probabilities: readonly number[];
  /** Index of the class that the heat map explains. */
  readonly of: number;
  /**
   * The heat map over the picture's centre square, side × side, row-major, 0–1; all 0 if nothing
   * counts in favour of the class.
   */
  readonly heat: Float32Array;
  /** 7 for efficientnet_b0 at 224 pixels; enlarge it smoothly for display. */
  readonly side: number;
}

/**
 * Equations 1 and 2 at the last convolution's activations A: αₖ = the mean over positions of
 * ∂score/∂Aₖ, heat = ReLU(Σₖ αₖ Aₖ), divided here by its maximum.
 * @param of index of the class to explain; by default the most probable
 * @throws LENTIGO_UPDATE_NOT_FINITE when the model gives NaN
 */
export async function gradCam(
  student: Student,
  picture: Picture,
  of?: number,
): Promise<Explanation> {
  const size = student.inputSize;
  const x = tf.tensor4d(toInput(picture, size), [1, size, size, 3]);
  const activations = student.features(x, CLASSIFIER);
  const softmax = tf.tidy(() => tf.softmax(student.logits(activations, CLASSIFIER)));
  try {
    const probabilities = [...(await softmax.data())];
    if (!probabilities.every(Number.isFinite))
      throw new LentigoError(
        'LENTIGO_UPDATE_NOT_FINITE',
        'the model gives probabilities that are not numbers',
      );
    const index = of ?? probabilities.indexOf(Math.max(...probabilities));
    const map = tf.tidy(() => {
      const score = (a: tf.Tensor) =>
        tf.sum(
          tf.mul(student.logits(a, CLASSIFIER), tf.oneHot([index], probabilities.length).toFloat()),
        );
      const alpha = tf.mean(tf.grad(score)(activations), [1, 2], true);
      return tf.relu(tf.sum(tf.mul(activations, alpha), 3));
    });
    const heat = (await map.data()) as Float32Array;
    map.dispose();
    const most = heat.reduce((a, b) => Math.max(a, b), 0);
    return {
      probabilities,
      of: index,
      heat: heat.map((v) => (most > 0 ? v / most : 0)),
      side: activations.shape[1],
    };
  } finally {
    tf.dispose([x, activations, softmax]);
  }
}
