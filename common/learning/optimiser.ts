// What the training loop needs of an optimiser, and the choice that a plan makes.
import type * as tf from '@tensorflow/tfjs';
import type { TrainingPlan } from '../protocol/study.js';
import { AdamW } from './adamw.js';
import { Sgd } from './sgd.js';

export interface Optimiser {
  learningRate: number;
  /** One step: gradients in the order of the variables the optimiser was made for; they stay the caller's. */
  apply(gradients: readonly tf.Tensor[]): void;
  /** Frees the state; the variables are the caller's. */
  dispose(): void;
}

type Settings = Pick<TrainingPlan, 'optimiser' | 'learningRate' | 'momentum' | 'weightDecay'>;

export const createOptimiser = (variables: readonly tf.Variable[], plan: Settings): Optimiser =>
  plan.optimiser === 'sgd' ? new Sgd(variables, plan) : new AdamW(variables, plan);

/** The optimiser of a student's trainable variables, of which the last `head` are the classifier's and learn `headFactor` times as fast. */
export function createStudentOptimiser(variables: readonly tf.Variable[], head: number, plan: Settings & Pick<TrainingPlan, 'headFactor'>): Optimiser {
  if (plan.headFactor === 1) return createOptimiser(variables, plan);
  const split = variables.length - head;
  return new WithHead(createOptimiser(variables.slice(0, split), plan), createOptimiser(variables.slice(split), plan), split, plan);
}

/** Two optimisers as one: of the first `split` variables, and of the rest at another rate. */
class WithHead implements Optimiser {
  readonly #body: Optimiser;
  readonly #head: Optimiser;
  readonly #split: number;
  readonly #factor: number;

  constructor(body: Optimiser, head: Optimiser, split: number, { headFactor, learningRate }: Pick<TrainingPlan, 'headFactor' | 'learningRate'>) {
    this.#body = body;
    this.#head = head;
    this.#split = split;
    this.#factor = headFactor;
    this.learningRate = learningRate;
  }
  get learningRate(): number {
    return this.#body.learningRate;
  }
  set learningRate(rate: number) {
    this.#body.learningRate = rate;
    this.#head.learningRate = rate * this.#factor;
  }
  apply(gradients: readonly tf.Tensor[]): void {
    this.#body.apply(gradients.slice(0, this.#split));
    this.#head.apply(gradients.slice(this.#split));
  }
  dispose(): void {
    this.#body.dispose();
    this.#head.dispose();
  }
}
