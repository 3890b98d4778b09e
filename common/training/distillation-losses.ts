// What a student is taught by besides the labels: the teacher's logits, its features, and where it
// looks. Each is a mean over the batch, so that micro-batches add up to their batch.
import * as tf from '@tensorflow/tfjs';

/** Keeps norms away from 0. */
const TINY = 1e-8;

/**
 * T² · KL(softmax(teacher/T) ‖ softmax(student/T)) (Hinton et al. 2015, "Distilling the Knowledge
 * in a Neural Network"; T² keeps the gradient's size independent of T).
 * @param student, teacher logits [n, c]
 * @returns a scalar, differentiable in the student's
 */
export function softTargetLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  return tf.tidy(() => {
    const target = tf.logSoftmax(tf.div<tf.Tensor2D>(teacher, temperature));
    const own = tf.logSoftmax(tf.div<tf.Tensor2D>(student, temperature));
    return tf.mul<tf.Scalar>(
      tf.mean(tf.sum(tf.mul(tf.exp(target), tf.sub(target, own)), 1)),
      temperature ** 2,
    );
  });
}

/**
 * A learned map from the student's features to the teacher's: weight [student's, teacher's], bias
 * [teacher's].
 */
export interface Projection {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

/**
 * 1 − cos(projection of the student's features, the teacher's): both may have their own scale.
 * @param student [n, s]
 * @param teacher [n, t]
 */
export function featureLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  { weight, bias }: Projection,
): tf.Scalar {
  return tf.tidy(() =>
    tf.sub<tf.Scalar>(
      1,
      tf.mean(tf.sum(tf.mul(unit(tf.add(tf.matMul(student, weight), bias)), unit(teacher)), 1)),
    ),
  );
}

/**
 * Where a network looks: the mean over channels of squared activations [n, h, w, c] → [n, h·w],
 * each of length 1 (Zagoruyko & Komodakis 2017, "Paying More Attention to Attention", F²_sum).
 */
export const attentionMap = (activations: tf.Tensor4D): tf.Tensor2D =>
  tf.tidy(() => unit(tf.reshape(tf.mean(tf.square(activations), 3), [activations.shape[0], -1])));

/**
 * ‖student's map − teacher's‖² (there equation 2, with the squared norm): both [n, h·w] of
 * attentionMap.
 */
export const attentionLoss = (student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar =>
  tf.tidy(() => tf.mean(tf.sum(tf.square(tf.sub(student, teacher)), 1)));

/** Rows of length 1. */
const unit = <T extends tf.Tensor>(x: T): T =>
  tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), TINY)));
