// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), as
// torch.optim.AdamW computes it.
import type * as tf from '@tensorflow/tfjs';
import { type AdamState, createAdam } from '../engine/adam.js';
import type { Optimiser } from './optimiser.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * w ← w − ηλw, then Adam's step η m̂ / (√v̂ + ε). Biases and batch-norm parameters (rank 1) are not
 * decayed.
 */
export class AdamW implements Optimiser {
  learningRate: number;
  readonly #decay: number;
  readonly #variables: readonly tf.Variable[];
  readonly #state: AdamState;
  #step = 0;

  constructor(
    variables: readonly tf.Variable[],
    options: { learningRate: number; weightDecay: number },
  ) {
    this.learningRate = options.learningRate;
    this.#decay = options.weightDecay;
    this.#variables = variables;
    this.#state = createAdam(variables);
  }
  apply(gradients: readonly tf.Tensor[]): void {
    this.#step++;
    const stepSize = this.learningRate / (1 - BETA1 ** this.#step);
    const squareScale = 1 / Math.sqrt(1 - BETA2 ** this.#step);
    const decay = 1 - this.learningRate * this.#decay;
    const decays = this.#variables.map(({ rank }) => (rank > 1 ? decay : 1));
    this.#state.step(gradients, decays, [
      BETA1,
      1 - BETA1,
      BETA2,
      1 - BETA2,
      stepSize,
      squareScale,
      EPSILON,
    ]);
  }
  /** Number of steps done so far; it belongs to the moments that `moments` returns. */
  get steps(): number {
    return this.#step;
  }
  /**
   * The means of all variables, then their squares. With `steps`, this is the state needed to
   * resume training.
   */
  moments(): Promise<Float32Array[]> {
    return this.#state.moments();
  }
  restore(steps: number, moments: readonly Float32Array[]): void {
    this.#step = steps;
    this.#state.setMoments(moments);
  }
  dispose(): void {
    this.#state.dispose();
  }
}
