import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { focalLoss } from '../../../common/training/focal-loss.js';
import { describeEngines } from '../../support/engines.js';

const lossOf = (logits: number[][], labels: number[], gamma: number, weights?: number[]): number =>
  tf.tidy(
    () =>
      focalLoss(
        tf.tensor2d(logits),
        tf.tensor1d(labels, 'int32'),
        gamma,
        tf.tensor1d(weights ?? logits[0]!.map(() => 1)),
      ).dataSync()[0]!,
  );

const gradientOf = (
  logits: number[][],
  labels: number[],
  gamma: number,
  weights: number[],
): number[][] =>
  tf.tidy(
    () =>
      tf
        .grad((z) =>
          focalLoss(z as tf.Tensor2D, tf.tensor1d(labels, 'int32'), gamma, tf.tensor1d(weights)),
        )(tf.tensor2d(logits))
        .arraySync() as number[][],
  );

/** The definition, in doubles. */
function reference(logits: number[][], labels: number[], gamma: number, weights: number[]): number {
  const each = logits.map((row, i) => {
    const top = Math.max(...row);
    const sum = row.reduce((s, z) => s + Math.exp(z - top), 0);
    const logP = row[labels[i]!]! - top - Math.log(sum);
    return -weights[labels[i]!]! * (1 - Math.exp(logP)) ** gamma * logP;
  });
  return each.reduce((a, b) => a + b, 0) / each.length;
}

describeEngines('focal loss', () => {
  it("has the values of the paper's equation", () => {
    // Logits 0, 0: p_t = ½, −(½)² log ½ = 0.25 · 0.6931. Logits log 3, 0: p_t = ¾, (¼)² · 0.28768.
    expect(lossOf([[0, 0]], [0], 2)).toBeCloseTo(0.25 * Math.LN2, 6);
    expect(lossOf([[Math.log(3), 0]], [0], 2)).toBeCloseTo(0.0625 * Math.log(4 / 3), 6);
  });

  it('is cross-entropy where γ is 0', () => {
    // softmax(1, 2, 3) of the last class: 1 / (1 + e⁻¹ + e⁻²) = 0.66524; −log = 0.40761.
    expect(lossOf([[1, 2, 3]], [2], 0)).toBeCloseTo(0.407606, 5);
  });

  it('weights the classes and averages over the batch, not over the weights', () => {
    expect(
      lossOf(
        [
          [0, 0],
          [0, 0],
        ],
        [0, 1],
        0,
        [3, 0],
      ),
    ).toBeCloseTo((3 * Math.LN2) / 2, 6);
  });

  it('has a gradient equal to finite differences, for several γ', () => {
    const logits = [
      [0.3, -1.2, 0.8],
      [2.1, 0.4, -0.5],
      [-0.7, 0.1, 1.9],
    ];
    const labels = [1, 0, 2];
    const weights = [0.5, 2, 1];
    const h = 1e-5;
    for (const gamma of [0, 0.5, 1, 2, 5]) {
      const gradient = gradientOf(logits, labels, gamma, weights);
      for (const [i, row] of logits.entries()) {
        for (const [j] of row.entries()) {
          const at = (step: number) =>
            reference(
              logits.map((r, k) => r.map((z, l) => (k === i && l === j ? z + step : z))),
              labels,
              gamma,
              weights,
            );
          expect(gradient[i]![j]!).toBeCloseTo((at(h) - at(-h)) / (2 * h), 4);
        }
      }
    }
  });

  it('stays finite, value and gradient, for logits that are far apart', () => {
    for (const gamma of [0, 0.5, 2]) {
      expect(lossOf([[200, -200]], [0], gamma)).toBeCloseTo(0, 6);
      expect(lossOf([[200, -200]], [1], gamma)).toBeCloseTo(400, 2);
      expect(
        gradientOf([[200, -200]], [0], gamma, [1, 1])
          .flat()
          .map(Math.abs),
      ).toEqual([0, 0].map(() => expect.closeTo(0, 4)));
      const wrong = gradientOf([[200, -200]], [1], gamma, [1, 1]).flat();
      expect(wrong).toEqual([expect.closeTo(1, 4), expect.closeTo(-1, 4)]);
    }
  });
});
