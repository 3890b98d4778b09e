// What teaches a student besides the labels: the teacher's logits, its features, and its attention
// maps. Each loss is a mean over the batch, so that micro-batches add up to their batch.
import * as tf from '@tensorflow/tfjs';

/** Keeps norms away from 0. */
const TINY = 1e-8;

/**
 * T² · KL(softmax(teacher/T) ‖ softmax(student/T)) (Hinton et al. 2015, "Distilling the Knowledge
 * in a Neural Network"; T² keeps the gradient's size independent of T).
 * @param student, teacher logits [n, c]
 * @returns a scalar, differentiable in the student's logits
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
 * A learned map from the student's features to the teacher's: weight [student features, teacher
 * features], bias [teacher features].
 */
export interface Projection {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

/**
 * 1 − cos(projected student features, teacher features): each may have its own scale.
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
 * Attention map: the mean over channels of squared activations [n, h, w, c] → [n, h·w], each row
 * scaled to length 1 (Zagoruyko & Komodakis 2017, "Paying More Attention to Attention", F²_sum).
 */
export const attentionMap = (activations: tf.Tensor4D): tf.Tensor2D =>
  tf.tidy(() => unit(tf.reshape(tf.mean(tf.square(activations), 3), [activations.shape[0], -1])));

/**
 * ‖student's map − teacher's map‖² (equation 2 of the same paper, with the squared norm); both are
 * [n, h·w] from attentionMap.
 */
export const attentionLoss = (student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar =>
  tf.tidy(() => tf.mean(tf.sum(tf.square(tf.sub(student, teacher)), 1)));

/** Scales rows to length 1. */
const unit = <T extends tf.Tensor>(x: T): T =>
  tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), TINY)));
