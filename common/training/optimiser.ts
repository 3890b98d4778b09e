// What the training loop needs of an optimiser, and the choice that a plan makes.
import type * as tf from '@tensorflow/tfjs';
import type { TrainingPlan } from '../protocol/study.js';
import { AdamW } from './adamw.js';
import { Sgd } from './sgd.js';

export interface Optimiser {
  learningRate: number;
  /**
   * One step: gradients in the order of the variables the optimiser was made for; they stay the
   * caller's.
   */
  apply(gradients: readonly tf.Tensor[]): void;
  /** Frees the state; the variables are the caller's. */
  dispose(): void;
}

export function createOptimiser(
  variables: readonly tf.Variable[],
  plan: Pick<TrainingPlan, 'optimiser' | 'learningRate' | 'momentum' | 'weightDecay'>,
): Optimiser {
  return plan.optimiser === 'sgd' ? new Sgd(variables, plan) : new AdamW(variables, plan);
}
