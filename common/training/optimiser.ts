// The optimiser's interface for the training loop, and the choice of optimiser by a plan.
import type * as tf from '@tensorflow/tfjs';
import type { TrainingPlan } from '../protocol/study.js';
import { AdamW } from './adamw.js';
import { Sgd } from './sgd.js';

export interface Optimiser {
  learningRate: number;
  /**
   * One step. Gradients are in the order of the variables the optimiser was made for; the caller
   * disposes of them.
   */
  apply(gradients: readonly tf.Tensor[]): void;
  /** Frees the state; the variables remain the caller's. */
  dispose(): void;
}

export function createOptimiser(
  variables: readonly tf.Variable[],
  plan: Pick<TrainingPlan, 'optimiser' | 'learningRate' | 'momentum' | 'weightDecay'>,
): Optimiser {
  return plan.optimiser === 'sgd' ? new Sgd(variables, plan) : new AdamW(variables, plan);
}
