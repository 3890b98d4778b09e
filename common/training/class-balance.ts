// How the loss treats rare diagnoses, so that frequent ones don't drown them: by class weights, or
// by offsets added to the logits.
import type { TrainingPlan } from '../protocol/study.js';

/** One value per class, in the label set's order. Weights of 1 and offsets of 0 have no effect. */
export interface ClassBalance {
  /** Factors of an example's loss, by its label. */
  readonly weights: readonly number[];
  /** Added to the logits, in training only. */
  readonly offsets: readonly number[];
}

/** exp(NEVER) is 0 in float32, and a sum with it stays finite. */
const NEVER = -1e4;

/**
 * Class weights: 1/√count or 1/count, with mean 1 over the classes that are present; absent classes
 * get 0.
 *
 * Logit adjustment: the log of each class's share is added to its logit (Menon et al. 2021,
 * "Long-tail learning via logit adjustment", equation 10 with τ = 1), so that the network itself
 * learns the scores of balanced classes. In a federation each clinic adjusts by its own counts,
 * which takes its label skew out of its delta (Zhang et al. 2022, "Federated Learning with Label
 * Distribution Skew via Logits Calibration"). A diagnosis that a clinic has never seen is left out
 * of its softmax, so that its training doesn't erase what others know about it (Li & Zhan 2021,
 * "FedRS").
 * @param counts number of images per class
 */
export function classBalance(
  counts: readonly number[],
  scheme: TrainingPlan['balance'],
): ClassBalance {
  const total = counts.reduce((a, b) => a + b, 0);
  if (scheme === 'logit-adjustment') {
    return {
      weights: counts.map(() => 1),
      offsets: counts.map((n) => (n === 0 ? NEVER : Math.log(n / total))),
    };
  }
  const raw = counts.map((n) =>
    n === 0 ? 0 : scheme === 'none' ? 1 : scheme === 'inverse' ? 1 / n : 1 / Math.sqrt(n),
  );
  const present = counts.filter((n) => n > 0).length;
  const sum = raw.reduce((a, b) => a + b, 0);
  return { weights: raw.map((w) => (w * present) / sum), offsets: counts.map(() => 0) };
}
