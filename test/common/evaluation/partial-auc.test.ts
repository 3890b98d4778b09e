import { describe, expect, it } from 'vitest';
import { partialAuc } from '../../../common/evaluation/partial-auc.js';
import { BINARY_LABELS } from '../../../common/model/labels.js';
import { Random } from '../../../common/random.js';

/** The value for the malignant probabilities of five malignant images, and of the benign images. */
const valueOf = (malignant: number[], benign: number[]): number | null => {
  const all = [...malignant, ...benign];
  return partialAuc(
    {
      labels: all.map((_, i) => (i < malignant.length ? 1 : 0)),
      probabilities: all.map((p) => [1 - p, p]),
    },
    BINARY_LABELS,
    new Random(1),
  ).value;
};

describe('the partial AUC above 80% sensitivity', () => {
  it('is 0.2 if every malignant lesion ranks first, 0 if every one ranks last', () => {
    expect(valueOf([0.9, 0.8, 0.7, 0.6, 0.55], [0.1, 0.2])).toBeCloseTo(0.2, 10);
    expect(valueOf([0.1, 0.2], [0.9, 0.8])).toBe(0);
  });

  it('counts only sensitivities above four of five: a benign lesion ranked before the fifth costs its share, one before the first costs no more', () => {
    expect(valueOf([0.9, 0.8, 0.7, 0.6, 0.3], [0.4, 0.1])).toBeCloseTo(0.1, 10);
    expect(valueOf([0.9, 0.8, 0.7, 0.6, 0.5], [0.95, 0.1])).toBeCloseTo(0.1, 10);
  });

  it('of a model that gives every image the same probability is 0.02, the area of the diagonal above it', () => {
    expect(valueOf([0.5, 0.5, 0.5], [0.5, 0.5])).toBeCloseTo(0.02, 10);
  });

  it('lies in its interval over patients, and is null without both kinds', () => {
    const random = new Random('scores');
    const labels = Array.from({ length: 200 }, (_, i) => i % 2);
    const probabilities = labels
      .map((label) => random.normal(label, 1))
      .map((z) => [1 - 1 / (1 + Math.exp(-z)), 1 / (1 + Math.exp(-z))]);
    const { value, interval } = partialAuc({ labels, probabilities }, BINARY_LABELS, new Random(1));
    expect(interval!.low).toBeLessThan(value!);
    expect(interval!.high).toBeGreaterThan(value!);
    expect(
      partialAuc(
        {
          labels: [1, 1],
          probabilities: [
            [0, 1],
            [0, 1],
          ],
        },
        BINARY_LABELS,
        new Random(1),
      ),
    ).toEqual({ value: null, interval: null });
  });
});
