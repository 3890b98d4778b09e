// One optimiser step on one batch: gradients of the focal loss, accumulated over micro-batches
// where memory is short.
import * as tf from '@tensorflow/tfjs';
import type { Student } from '../model/student.js';
import type { ClassBalance } from './class-balance.js';
import { focalLoss } from './focal-loss.js';
import { sumOverMicroBatches } from './micro-batches.js';
import type { Optimiser } from './optimiser.js';

/** Number of steps from which on compiling them saves more time than it takes. */
export const WORTH_COMPILING = 10;

/** What the loss needs besides logits and labels. `gamma`: of the focal loss. */
export interface LossOptions extends ClassBalance {
  readonly gamma: number;
}

/**
 * Whether most of the network is trained, as opposed to the last blocks on features that are
 * computed once.
 */
export const trainsMost = (student: Pick<Student, 'blocks'>, trainFrom: string): boolean =>
  student.blocks.indexOf(trainFrom) <= student.blocks.length / 3;

/**
 * WASM has 2 GiB for everything and never gives memory back: four whole images take 650 MiB of it,
 * eight from the middle of EfficientNet-B0 on 450. A phone's GPU has no more than that. Not by the
 * number of threads, on which the result would depend then.
 */
export function microBatchSize(student: Pick<Student, 'blocks'>, trainFrom: string): number {
  if (!['wasm', 'webgpu'].includes(tf.getBackend())) return 32;
  return trainsMost(student, trainFrom) ? 4 : 8;
}

/**
 * A micro-batch's share in its batch's loss and gradients: sums over all micro-batches are the
 * whole batch's.
 * @param x input of block `trainFrom`, [count, …]
 * @param labels class indices, `count` of them
 * @param n size of the whole batch
 * @param compiled for many micro-batches of one size, where the engine can
 * @returns the loss and the gradients of the variables, in their order; the caller disposes of them
 */
export function partGradients(
  student: Student,
  trainFrom: string,
  x: tf.Tensor,
  labels: readonly number[],
  n: number,
  { gamma, weights, offsets }: LossOptions,
  compiled = false,
): [tf.Scalar, ...tf.Tensor[]] {
  const variables = student.variables(trainFrom);
  return tf.tidy(() => {
    const classes = tf.tensor1d([...labels], 'int32');
    const factors = tf.tensor1d([...weights]);
    const adjust = tf.tensor1d([...offsets]);
    const loss = () =>
      focalLoss(
        tf.add(
          compiled ? student.compiledLogits(x, trainFrom) : student.logits(x, trainFrom),
          adjust,
        ),
        classes,
        gamma,
        factors,
      );
    const { value, grads } = tf.variableGrads(
      () => tf.mul<tf.Scalar>(loss(), labels.length / n),
      variables,
    );
    return [value, ...variables.map((v) => grads[v.name]!)] as [tf.Scalar, ...tf.Tensor[]];
  });
}

/**
 * @param x input of block `trainFrom`, [n, …]
 * @param labels class indices, n of them
 * @param compiled for many steps of this n (`WORTH_COMPILING`)
 * @returns the batch's mean loss, a scalar that the caller disposes of (not read back here: that
 *   would wait for the engine)
 */
export function trainStep(
  student: Student,
  trainFrom: string,
  optimiser: Optimiser,
  x: tf.Tensor,
  labels: readonly number[],
  loss: LossOptions,
  compiled = false,
): tf.Scalar {
  const n = labels.length;
  const size = microBatchSize(student, trainFrom);
  return tf.tidy(() => {
    const [total, ...gradients] = sumOverMicroBatches(n, size, (start, count) =>
      partGradients(
        student,
        trainFrom,
        count === n ? x : tf.slice(x, start, count),
        labels.slice(start, start + count),
        n,
        loss,
        compiled,
      ),
    );
    optimiser.apply(gradients);
    return total;
  });
}
