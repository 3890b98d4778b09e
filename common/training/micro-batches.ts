// A batch in parts that fit into memory, whose results add up to the batch's.
import * as tf from '@tensorflow/tfjs';

/**
 * Sums over a batch's micro-batches, added in their order.
 * @param n examples in the batch, at least 1
 * @param size the most in one micro-batch
 * @param part what is summed, for `count` examples from `start` on: as many tensors each time
 * @returns the sums, the caller's to dispose of
 */
export function sumOverMicroBatches<T extends tf.Tensor[]>(
  n: number,
  size: number,
  part: (start: number, count: number) => T,
): T {
  let sums: tf.Tensor[] | undefined;
  for (let start = 0; start < n; start += size) {
    const own: tf.Tensor[] = tf.tidy(() => part(start, Math.min(size, n - start)));
    const before = sums;
    sums = before ? own.map((value, i) => tf.add(before[i]!, value)) : own;
    if (before) tf.dispose([...before, ...own]);
  }
  return sums as T;
}
