// One optimiser step on one batch: gradients of the focal loss, accumulated over micro-batches where memory is short.
import * as tf from '@tensorflow/tfjs';
import type { Student } from '../model/student.js';
import { focalLoss } from './focal-loss.js';
import type { Optimiser } from './optimiser.js';

/** What the loss needs besides logits and labels. `weights`: of the classes, [c]. */
export interface LossOptions {
  readonly gamma: number;
  readonly weights: tf.Tensor1D;
}

/** WASM has 2 GiB for everything: of whole images four at a time fit with room to spare, of features deep in the network many. */
export function microBatchSize(student: Student, trainFrom: string): number {
  if (tf.getBackend() !== 'wasm') return 32;
  return student.blocks.indexOf(trainFrom) <= student.blocks.length / 3 ? 4 : 16;
}

/**
 * @param x input of block `trainFrom`, [n, …] @param labels class indices, n of them
 * @returns the batch's mean loss, a scalar that the caller disposes of (not read back here: that would wait for the engine)
 */
export function trainStep(student: Student, trainFrom: string, optimiser: Optimiser, x: tf.Tensor, labels: readonly number[], { gamma, weights }: LossOptions): tf.Scalar {
  const variables = student.variables(trainFrom);
  const n = labels.length;
  const size = microBatchSize(student, trainFrom);
  return tf.tidy(() => {
    let loss: tf.Scalar = tf.scalar(0);
    let gradients: tf.Tensor[] | undefined;
    for (let start = 0; start < n; start += size) {
      const count = Math.min(size, n - start);
      const part = tf.tidy(() => {
        const rows = count === n ? x : tf.slice(x, start, count);
        const hot = tf.tensor1d(labels.slice(start, start + count), 'int32');
        const { value, grads } = tf.variableGrads(() => tf.mul<tf.Scalar>(focalLoss(student.logits(rows, trainFrom), hot, gamma, weights), count / n), variables);
        return [value, ...variables.map((v) => grads[v.name]!)];
      });
      const [value, ...own] = part as [tf.Scalar, ...tf.Tensor[]];
      const before = gradients;
      gradients = before ? own.map((g, i) => tf.add(before[i]!, g)) : own;
      const total = tf.add<tf.Scalar>(loss, value);
      if (before) tf.dispose([...before, ...own]);
      loss = total;
    }
    optimiser.apply(gradients!);
    return loss;
  });
}
