// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it.
import * as tf from '@tensorflow/tfjs';
import type { Optimiser } from './optimiser.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** w ← w − ηλw; then Adam's step η m̂ / (√v̂ + ε). Biases and batch-norm parameters (rank 1) are not decayed. */
export class AdamW implements Optimiser {
  learningRate: number;
  readonly #decay: number;
  readonly #variables: readonly tf.Variable[];
  readonly #means: tf.Variable[];
  readonly #squares: tf.Variable[];
  #step = 0;

  constructor(variables: readonly tf.Variable[], options: { learningRate: number; weightDecay: number }) {
    this.learningRate = options.learningRate;
    this.#decay = options.weightDecay;
    this.#variables = variables;
    const zeros = () => variables.map((v) => tf.tidy(() => tf.variable(tf.zeros(v.shape), false)));
    this.#means = zeros();
    this.#squares = zeros();
  }
  apply(gradients: readonly tf.Tensor[]): void {
    this.#step++;
    const stepSize = this.learningRate / (1 - BETA1 ** this.#step);
    const squareScale = 1 / Math.sqrt(1 - BETA2 ** this.#step);
    for (const [i, w] of this.#variables.entries()) {
      tf.tidy(() => {
        const g = gradients[i]!;
        const m = this.#means[i]!;
        const v = this.#squares[i]!;
        m.assign(tf.add(tf.mul(m, BETA1), tf.mul(g, 1 - BETA1)));
        v.assign(tf.add(tf.mul(v, BETA2), tf.mul(tf.square(g), 1 - BETA2)));
        const step = tf.div(tf.mul(m, stepSize), tf.add(tf.mul(tf.sqrt(v), squareScale), EPSILON));
        const decayed = this.#decay > 0 && w.rank > 1 ? tf.mul(w, 1 - this.learningRate * this.#decay) : w;
        w.assign(tf.sub(decayed, step));
      });
    }
  }
  dispose(): void {
    tf.dispose(this.#means);
    tf.dispose(this.#squares);
  }
}
