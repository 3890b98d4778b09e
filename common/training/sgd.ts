// Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013) and L2 weight
// decay, as torch.optim.SGD computes it.
import * as tf from '@tensorflow/tfjs';
import type { Optimiser } from './optimiser.js';

/** v ← μv + (g + λw); w ← w − ηv. Biases and batch-norm parameters (rank 1) are not decayed. */
export class Sgd implements Optimiser {
  learningRate: number;
  readonly #momentum: number;
  readonly #decay: number;
  readonly #variables: readonly tf.Variable[];
  readonly #velocities: tf.Variable[];

  constructor(
    variables: readonly tf.Variable[],
    options: { learningRate: number; momentum: number; weightDecay: number },
  ) {
    this.learningRate = options.learningRate;
    this.#momentum = options.momentum;
    this.#decay = options.weightDecay;
    this.#variables = variables;
    this.#velocities = variables.map((v) => tf.tidy(() => tf.variable(tf.zeros(v.shape), false)));
  }
  apply(gradients: readonly tf.Tensor[]): void {
    for (const [i, w] of this.#variables.entries()) {
      tf.tidy(() => {
        const velocity = this.#velocities[i]!;
        const g =
          this.#decay > 0 && w.rank > 1
            ? tf.add(gradients[i]!, tf.mul(w, this.#decay))
            : gradients[i]!;
        velocity.assign(tf.add(tf.mul(velocity, this.#momentum), g));
        w.assign(tf.sub(w, tf.mul(velocity, this.learningRate)));
      });
    }
  }
  dispose(): void {
    tf.dispose(this.#velocities);
  }
}
