// A student's forward pass with the batch's own statistics: for training from scratch, where there is nothing yet to freeze.
import * as tf from '@tensorflow/tfjs';
import { networkOf } from '../model/architecture.js';
import { byBatch } from '../model/layers/batch-norm.js';
import type { Parameters } from '../model/layers/layer.js';
import { blockForward, classify, pool } from '../model/network.js';
import type { Student } from '../model/student.js';

/** A student's forward pass in training mode: images [n, size, size, 3] → logits [n, classes], differentiable in its variables. Running statistics stay as they are: `student.calibrate` estimates them afterwards. */
export function trainingForward(student: Student): (x: tf.Tensor4D) => tf.Tensor2D {
  const first = student.blocks[0]!;
  const variables = student.variables(first);
  const byName = new Map(student.trainable(first).map((name, i) => [name, variables[i]!]));
  const parameters: Parameters = (name) => byName.get(name)!;
  const { blocks, head } = networkOf(student.architecture);
  return (x) =>
    tf.tidy(() => {
      const features = blocks.reduce((y, block) => blockForward(y, block, { parameters, normalise: byBatch }), x);
      return classify(pool(features, head, parameters), head, parameters);
    });
}
