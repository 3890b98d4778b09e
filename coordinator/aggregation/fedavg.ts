// Federated averaging: the mean of the clinics' deltas, each as heavy as the number of its training images.
import type { AggregationRule } from './rule.js';

/** McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data", Algorithm 1: Δ = Σ (n_k / n) Δ_k. */
export const fedAvg: AggregationRule = {
  name: 'fedavg',
  combine(deltas, weights) {
    const combined = new Float64Array(deltas[0]?.length ?? 0);
    for (const [k, delta] of deltas.entries()) {
      const samples = weights[k]!;
      for (let i = 0; i < combined.length; i++) combined[i]! += samples * delta[i]!;
    }
    const total = weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < combined.length; i++) combined[i]! /= total;
    return combined;
  },
};
