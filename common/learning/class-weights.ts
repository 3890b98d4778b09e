// Weights of the classes in the loss, so that frequent diagnoses don't drown the rare ones.
import type { TrainingPlan } from '../protocol/study.js';

/**
 * Weights proportional to 1, 1/√count or 1/count, with mean 1 over the classes that are present; absent classes get 0.
 * @param counts images of each class, in the label set's order
 */
export function classWeights(counts: readonly number[], scheme: TrainingPlan['classWeights']): Float32Array {
  const raw = counts.map((n) => (n === 0 ? 0 : scheme === 'none' ? 1 : scheme === 'inverse' ? 1 / n : 1 / Math.sqrt(n)));
  const present = counts.filter((n) => n > 0).length;
  const sum = raw.reduce((a, b) => a + b, 0);
  return Float32Array.from(raw, (w) => (w * present) / sum);
}
