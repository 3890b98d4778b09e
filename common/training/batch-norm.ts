// A student's forward pass with the batch's own statistics: for training from scratch, where there
// are no running statistics yet to freeze.
import * as tf from '@tensorflow/tfjs';
import type { Student } from '../model/student.js';

/**
 * Images [n, size, size, 3] → logits [n, classes], differentiable in the student's variables. It
 * leaves running statistics unchanged: `student.calibrate` estimates them afterwards.
 */
export const trainingForward =
  (student: Student) =>
  (x: tf.Tensor4D): tf.Tensor2D =>
    tf.tidy(() => student.trace(x, student.blocks[0]!, { batchStatistics: true }).logits);
