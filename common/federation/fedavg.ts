// Federated averaging: the mean of the clinics' deltas, each as heavy as the number of its training
// images.
import type { AggregationRule, Fold } from './rule.js';

/**
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * Algorithm 1: Δ = Σ (n_k / n) Δ_k.
 */
export const fedAvg: AggregationRule = {
  name: 'fedavg',
  combine(deltas, weights) {
    const mean = fold(deltas[0]?.length ?? 0, weights);
    for (const [k, delta] of deltas.entries()) mean.add(k, delta, 0);
    return mean.combined();
  },
  fold,
};

function fold(length: number, weights: readonly number[]): Fold {
  const sum = new Float64Array(length);
  return {
    add(k, delta, at) {
      const samples = weights[k]!;
      for (let i = 0; i < delta.length; i++) sum[at + i]! += samples * delta[i]!;
    },
    combined() {
      const total = weights.reduce((a, b) => a + b, 0);
      for (let i = 0; i < length; i++) sum[i]! /= total;
      return sum;
    },
  };
}
