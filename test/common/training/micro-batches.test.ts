import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { sumOverMicroBatches } from '../../../common/training/micro-batches.js';
import { warmUpCosine } from '../../../common/training/schedule.js';
import { describeEngines } from '../../support/engines.js';

describeEngines('sums over micro-batches', () => {
  it('are those of the whole batch, the last part being smaller, and leave no other tensor', async () => {
    const values = tf.tensor1d([1, 2, 3, 4, 5, 6, 7]);
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    const [sum, squares] = sumOverMicroBatches(7, 3, (start, count) => {
      counts.push(count);
      const part = tf.slice(values, start, count);
      return [tf.sum(part), tf.sum(tf.square(part))];
    });
    expect(counts).toEqual([3, 3, 1]);
    expect([...(await sum!.data()), ...(await squares!.data())]).toEqual([28, 140]);
    tf.dispose([sum!, squares!]);
    expect(tf.memory().numTensors).toBe(before);
    values.dispose();
  });
});

it('the learning rate rises for a tenth of the steps, then falls to 0 along a cosine', () => {
  expect([0, 0.05, 0.1, 0.55, 1].map((done) => warmUpCosine(done))).toEqual([
    0,
    0.5,
    1,
    expect.closeTo(0.5, 12),
    0,
  ]);
  expect(warmUpCosine(0, 0.001)).toBeCloseTo(0.01, 12);
});
