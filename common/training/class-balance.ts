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

/**
 * Images that each diagnosis counts as having more than it has, in logit adjustment. Without, a
 * clinic of one diagnosis has loss 0: all that it would send, weighed by its images, is weight
 * decay. A whole image more would pull the diagnoses that a clinic lacks down where others need
 * them, as AdamW takes full steps on small gradients.
 */
const SMOOTHING = 0.1;

/**
 * Class weights: 1/√count or 1/count, with mean 1 over the classes that are present; absent classes
 * get 0.
 *
 * Logit adjustment: the log of each class's share is added to its logit (Menon et al. 2021,
 * "Long-tail learning via logit adjustment", equation 10 with τ = 1), so that the network itself
 * learns the scores of balanced classes. In a federation each clinic adjusts by its own counts,
 * which takes its label skew out of its delta (Zhang et al. 2022, "Federated Learning with Label
 * Distribution Skew via Logits Calibration"). A diagnosis that a clinic has never seen hardly counts
 * in its softmax, so that its training doesn't erase what others know about it (as Li & Zhan 2021,
 * "FedRS"); additive smoothing keeps its share above 0, so that every diagnosis learns.
 * @param counts number of images per class
 */
export function classBalance(
  counts: readonly number[],
  scheme: TrainingPlan['balance'],
): ClassBalance {
  const total = counts.reduce((a, b) => a + b, 0);
  if (scheme === 'logit-adjustment') {
    const all = total + SMOOTHING * counts.length;
    return {
      weights: counts.map(() => 1),
      offsets: counts.map((n) => Math.log((n + SMOOTHING) / all)),
    };
  }
  const raw = counts.map((n) =>
    n === 0 ? 0 : scheme === 'none' ? 1 : scheme === 'inverse' ? 1 / n : 1 / Math.sqrt(n),
  );
  const present = counts.filter((n) => n > 0).length;
  const sum = raw.reduce((a, b) => a + b, 0);
  return { weights: raw.map((w) => (w * present) / sum), offsets: counts.map(() => 0) };
}
