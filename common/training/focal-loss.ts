// Focal loss (Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 5): cross-entropy
// in which easy examples hardly count.
import * as tf from '@tensorflow/tfjs';

/** Keeps log p / (1 − p) finite where p rounds to 1; the factor (1 − p)^γ there is 0. */
const TINY = 1e-7;

/**
 * −(1 − p_t)^γ log p_t for each example, [n], from logits and one-hot labels [n, c]. The gradient
 * is written out, because tfjs's gradient of pow is NaN at p_t = 1.
 */
function perExample(logits: tf.Tensor2D, hot: tf.Tensor2D, gamma: number): tf.Tensor1D {
  return tf.customGrad((z, save) => {
    const shifted = tf.sub(z as tf.Tensor, tf.max(z as tf.Tensor, 1, true));
    const logP = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
    const logPt = tf.sum(tf.mul(logP, hot), 1, true);
    const miss = tf.maximum(tf.sub(1, tf.exp(logPt)), TINY);
    const focus = tf.pow(miss, gamma);
    const p = tf.exp(logP);
    (save as tf.GradSaveFunc)([hot, p, logPt, miss, focus]);
    return {
      value: tf.neg(tf.squeeze(tf.mul(focus, logPt), [1])),
      gradFunc: (dy, saved) => {
        const [hot, p, logPt, miss, focus] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        // d/d log p_t = −(1 − p_t)^γ (1 − γ p_t log p_t / (1 − p_t)), and d log p_t / dz = hot − p.
        const slope = tf.mul(
          focus,
          tf.sub(tf.div(tf.mul(tf.mul(tf.exp(logPt), logPt), gamma), miss), 1),
        );
        return tf.mul(tf.mul(tf.reshape(dy, [-1, 1]), slope), tf.sub(hot, p));
      },
    };
  })(logits) as tf.Tensor1D;
}

/**
 * Mean over the batch of w_t · −(1 − p_t)^γ log p_t, where t is the label. It divides by n, not by
 * the sum of the weights, so that micro-batches add up to their batch. γ = 0 is weighted
 * cross-entropy.
 * @param logits [n, c]
 * @param labels int32 [n], each in [0, c)
 * @param weights of the classes, [c]
 * @returns a scalar, differentiable in the logits
 */
export function focalLoss(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  gamma: number,
  weights: tf.Tensor1D,
): tf.Scalar {
  return tf.tidy(() => {
    // Cast afterwards, because the WASM backend's one-hot writes integers even if asked for
    // float32.
    const hot = tf.cast(tf.oneHot(labels, logits.shape[1]), 'float32') as tf.Tensor2D;
    return tf.mean(tf.mul(perExample(logits, hot, gamma), tf.sum(tf.mul(hot, weights), 1)));
  });
}
