// The mean of the clinics' deltas, each as heavy as the number of its training images.
import type { FoldingRule } from '../rule.js';

/**
 * Δ = Σ (n_k / n) Δ_k, in float64. McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", Algorithm 1.
 */
export const weightedMean: FoldingRule = {
  fold(length, weights) {
    const sum = new Float64Array(length);
    return {
      add(k, delta, at) {
        const weight = weights[k]!;
        for (let i = 0; i < delta.length; i++) sum[at + i]! += weight * delta[i]!;
      },
      combined() {
        const total = weights.reduce((a, b) => a + b, 0);
        for (let i = 0; i < length; i++) sum[i]! /= total;
        return sum;
      },
    };
  },
};
