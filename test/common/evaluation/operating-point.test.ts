import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Metrics, metricsOf } from '../../../common/evaluation/metrics.js';
import { chooseThreshold, rocCurve } from '../../../common/evaluation/operating-point.js';
import { Random } from '../../../common/random.js';

const TWO = { names: ['benign', 'malignant'], malignant: ['malignant'] };
/** Predictions of one probability of malignancy for each image. */
const predictions = (malignant: readonly number[], benign: readonly number[]) => ({
  labels: [...malignant.map(() => 1), ...benign.map(() => 0)],
  probabilities: [...malignant, ...benign].map((p) => [1 - p, p]),
});
const malignancy = (malignant: readonly number[], benign: readonly number[]) => ({
  values: [...malignant, ...benign],
  positive: [...malignant.map(() => true), ...benign.map(() => false)],
});

describe('the threshold that validation chooses', () => {
  it("has the largest Youden's index", () => {
    // Flagging from 0.9 on: 1/4 − 0. From 0.7: 2/4 − 0. From 0.6: 2/4 − 1/4. From 0.5: 3/4 − 1/4.
    // From 0.4: 4/4 − 1/4, the largest. From 0.3: 4/4 − 2/4.
    expect(chooseThreshold(malignancy([0.9, 0.7, 0.5, 0.4], [0.6, 0.3, 0.2, 0.1]))).toBe(0.4);
  });

  it('finds more among equals', () => {
    // From 0.9 on: 1/2 − 0. From 0.4: 2/2 − 1/2.
    expect(chooseThreshold(malignancy([0.9, 0.4], [0.5, 0.1]))).toBe(0.4);
  });

  it('flags images of one value together', () => {
    expect(chooseThreshold(malignancy([0.5, 0.5], [0.5, 0.2]))).toBe(0.5);
  });

  it('is null where there are not both kinds', () => {
    for (const [a, b] of [
      [[0.5], []],
      [[], [0.5]],
      [[], []],
    ] as const) {
      expect(chooseThreshold(malignancy(a, b))).toBeNull();
      expect(rocCurve(malignancy(a, b))).toEqual([]);
    }
  });

  it('stays a probability, although rounding can make a sum a little more than 1', () => {
    expect(chooseThreshold(malignancy([1 + 1e-12], [0.2]))).toBe(1);
  });
});

describe('the operating point', () => {
  const validation = predictions([0.9, 0.7, 0.5, 0.4], [0.6, 0.3, 0.2, 0.1]);
  const heldout = predictions([0.8, 0.4, 0.4, 0.39, 0.1], [0.5, 0.3, 0.2, 0.1, 0.05, 0.04]);

  it("is counted on held-out at validation's threshold, whatever held-out would choose", () => {
    const { operatingPoint: chosen } = metricsOf(validation, TWO, 1, 'choose');
    expect(chosen).toMatchObject({ threshold: 0.4, found: 4, falseAlarms: 1 });
    expect([chosen!.sensitivity, chosen!.specificity]).toEqual([1, 0.75]);
    const { operatingPoint } = metricsOf(heldout, TWO, 1, chosen!.threshold);
    expect(operatingPoint).toMatchObject({
      threshold: 0.4,
      malignant: 5,
      found: 3,
      benign: 6,
      falseAlarms: 1,
      sensitivity: 3 / 5,
      specificity: 5 / 6,
    });
    const { sensitivity, specificity } = operatingPoint!.intervals;
    expect([sensitivity!.low < 0.6, sensitivity!.high > 0.6]).toEqual([true, true]);
    expect([specificity!.low < 0.8, specificity!.high]).toEqual([true, 1]);
  });

  it('is absent where no threshold was chosen', () => {
    expect(metricsOf(heldout, TWO).operatingPoint).toBeNull();
  });

  it('is counted where one kind is absent, and undefined for it', () => {
    expect(metricsOf(predictions([], [0.5, 0.1]), TWO, 1, 0.4).operatingPoint).toMatchObject({
      malignant: 0,
      found: 0,
      benign: 2,
      falseAlarms: 1,
      sensitivity: null,
      specificity: 0.5,
      intervals: { sensitivity: null },
    });
  });

  it("doesn't change the intervals of the other scores", () => {
    const { intervals } = metricsOf(heldout, TWO, 7);
    expect(metricsOf(heldout, TWO, 7, 0.3).intervals).toEqual(intervals);
  });

  it('and the curve are absent from metrics of older releases, which still load', () => {
    const { roc: _, operatingPoint: __, ...older } = metricsOf(heldout, TWO);
    expect(Metrics.parse(older)).toEqual({ ...older, roc: [], operatingPoint: null });
  });
});

describe('the ROC curve', () => {
  it('has the corners counted by hand', () => {
    expect(rocCurve(malignancy([0.9, 0.4], [0.5, 0.1]))).toEqual([
      [0, 0],
      [0, 0.5],
      [0.5, 0.5],
      [0.5, 1],
      [1, 1],
    ]);
    // A malignant and a benign image of one value: one straight slanting piece.
    expect(rocCurve(malignancy([0.5], [0.5]))).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('of many images keeps at most 101 points, its ends, and its area', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(1, 1.5, 4), (seed, power) => {
        const random = new Random(seed);
        const scores = (of: (u: number) => number) =>
          Array.from({ length: 700 }, () => of(random.uniform()));
        const given = predictions(
          scores((u) => 1 - (1 - u) ** power),
          scores((u) => u),
        );
        const { roc, malignantAuc } = Metrics.parse(metricsOf(given, TWO));
        expect(roc.length).toBeLessThanOrEqual(101);
        expect(roc.length).toBeGreaterThan(60);
        expect([roc[0], roc.at(-1)]).toEqual([
          [0, 0],
          [1, 1],
        ]);
        const area = roc.slice(1).reduce((sum, [x, y], i) => {
          const [before, height] = roc[i]!;
          expect([x >= before, y >= height]).toEqual([true, true]);
          return sum + ((x - before) * (y + height)) / 2;
        }, 0);
        expect(area).toBeCloseTo(malignantAuc!, 2);
      }),
      { numRuns: 10 },
    );
  });
});
