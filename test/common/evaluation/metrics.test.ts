import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelSet } from '../../../common/model/labels.js';
import { Metrics, metricsOf } from '../../../common/evaluation/metrics.js';
import { Random } from '../../../common/random.js';

const THREE: LabelSet = { names: ['A', 'B', 'C'], malignant: ['B', 'C'] };
const TWO: LabelSet = { names: ['benign', 'malignant'], malignant: ['malignant'] };
const hot = (c: number) => [0, 1, 2].map((i) => (i === c ? 1 : 0));

/** n random predictions over three classes. */
function randomPredictions(n: number, seed: number) {
  const random = new Random(seed);
  const probabilities = Array.from({ length: n }, () => {
    const raw = [random.uniform(), random.uniform(), random.uniform()];
    const sum = raw.reduce((a, b) => a + b);
    return raw.map((p) => p / sum);
  });
  const labels = Array.from({ length: n }, () => random.int(3));
  return {
    labels,
    probabilities,
    patients: labels.map((_, i) => `p${Math.floor(i / 2)}`),
    fitzpatrick: labels.map(() => random.pick([1, 2, 3, 4, 5, undefined])),
  };
}

describe('metrics against known values', () => {
  // The example in scikit-learn's f1_score and precision_score: y_true = 0 1 2 0 1 2, y_pred = 0 2
  // 1 0 0 1; f1 macro = weighted = 0.2667, f1 by class 0.8 0 0; precision of class 0 is 2/3, its
  // recall 1.
  const m = metricsOf(
    { labels: [0, 1, 2, 0, 1, 2], probabilities: [0, 2, 1, 0, 0, 1].map(hot) },
    THREE,
  );

  it('scores predictions as scikit-learn documents', () => {
    expect(m.macroF1).toBeCloseTo(0.8 / 3, 12);
    expect(m.weightedF1).toBeCloseTo(0.8 / 3, 12);
    expect(m.accuracy).toBeCloseTo(2 / 6, 12);
    expect(m.balancedAccuracy).toBeCloseTo(1 / 3, 12);
    expect(m.perClass['A']).toEqual({ precision: 2 / 3, recall: 1, f1: 0.8, support: 2 });
    expect(m.confusion).toEqual([
      [2, 0, 0],
      [1, 0, 1],
      [0, 2, 0],
    ]);
  });

  it('weights the F1 of unequal classes by their counts, and leaves absent classes out of the means', () => {
    // Truth A A A B, predicted A A B B. F1: A = 2·2/(3+2) = 0.8, B = 2·1/(1+2) = 2/3; C neither
    // occurs nor is predicted.
    const m = metricsOf({ labels: [0, 0, 0, 1], probabilities: [0, 0, 1, 1].map(hot) }, THREE);
    expect(m.weightedF1).toBeCloseTo((3 * 0.8 + 2 / 3) / 4, 12);
    expect(m.macroF1).toBeCloseTo((0.8 + 2 / 3) / 2, 12);
    expect(m.balancedAccuracy).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(m.perClass['C']).toEqual({ precision: null, recall: null, f1: null, support: 0 });
  });

  it("has the AUC of scikit-learn's roc_auc_score example: 0.75", () => {
    // y_true = 0 0 1 1, y_score = 0.1 0.4 0.35 0.8.
    const m = metricsOf(
      { labels: [0, 0, 1, 1], probabilities: [0.1, 0.4, 0.35, 0.8].map((p) => [1 - p, p]) },
      TWO,
    );
    expect(m.malignantAuc).toBeCloseTo(0.75, 12);
    expect(m.aucOvr).toBeCloseTo(0.75, 12);
    expect(m.malignantRecall).toBe(0.5);
  });

  it('counts a tie between a positive and a negative as half', () => {
    // Positives 0.5, 0.9; negatives 0.5, 0.2: wins 1 + ½ + 1 + 1 of 4.
    const m = metricsOf(
      { labels: [1, 1, 0, 0], probabilities: [0.5, 0.9, 0.5, 0.2].map((p) => [1 - p, p]) },
      TWO,
    );
    expect(m.malignantAuc).toBeCloseTo(3.5 / 4, 12);
  });

  it('sums the malignant probabilities: a malignancy can be flagged although the likeliest class is benign', () => {
    const m = metricsOf(
      {
        labels: [1, 2, 0],
        probabilities: [
          [0.4, 0.3, 0.3],
          [0.6, 0.1, 0.3],
          [0.8, 0.1, 0.1],
        ],
      },
      THREE,
    );
    expect(m.malignantRecall).toBe(0.5);
    expect(m.malignantAuc).toBe(1);
    expect(m.accuracy).toBeCloseTo(1 / 3, 12);
  });

  it('measures calibration by the gap of confidence and accuracy in each bin', () => {
    // Two with confidence 0.9 (one right): gap |0.5 − 0.9| · 2/4; two with 0.6 (both right): |1 −
    // 0.6| · 2/4.
    const m = metricsOf(
      {
        labels: [0, 1, 0, 1],
        probabilities: [
          [0.9, 0.1],
          [0.9, 0.1],
          [0.6, 0.4],
          [0.4, 0.6],
        ],
      },
      TWO,
    );
    expect(m.ece).toBeCloseTo(0.2 + 0.2, 12);
  });

  it('gives null, not NaN, where a score is undefined', () => {
    const m = metricsOf(
      {
        labels: [0, 0],
        probabilities: [
          [0.9, 0.1],
          [0.8, 0.2],
        ],
      },
      TWO,
    );
    expect([m.malignantAuc, m.malignantRecall, m.aucOvr, m.intervals.malignantAuc]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(Metrics.parse(JSON.parse(JSON.stringify(m)))).toEqual(m);
  });
});

describe('metrics by skin type and their intervals', () => {
  it('gives small groups as a count only', () => {
    const p = randomPredictions(60, 3);
    const m = metricsOf(
      {
        ...p,
        fitzpatrick: p.labels.map((_, i) => (i < 20 ? 2 : i < 39 ? 3 : i < 40 ? 6 : undefined)),
      },
      THREE,
    );
    expect(m.byFitzpatrick['III-IV']).toEqual({ samples: 19 });
    expect(m.byFitzpatrick['V-VI']).toEqual({ samples: 1 });
    expect(m.byFitzpatrick['unknown']?.samples).toBe(20);
    const firstTwenty = metricsOf(
      { labels: p.labels.slice(0, 20), probabilities: p.probabilities.slice(0, 20) },
      THREE,
    );
    expect(m.byFitzpatrick['I-II']?.accuracy).toBeCloseTo(firstTwenty.accuracy!, 12);
    expect(m.byFitzpatrick['I-II']?.aucOvr).toBeCloseTo(firstTwenty.aucOvr!, 12);
  });

  it('resamples patients: the interval of many images of few patients is wide', () => {
    // 200 images, half of them right. By image the 95% interval of accuracy is about 0.5 ± 0.07;
    // when two patients hold all, it reaches 0 and 1.
    const labels = Array.from({ length: 200 }, (_, i) => (i < 100 ? 0 : 1));
    const probabilities = labels.map(() => [0.9, 0.1]);
    const byImage = metricsOf({ labels, probabilities }, TWO).intervals.accuracy!;
    expect(byImage.low).toBeGreaterThan(0.4);
    expect(byImage.high).toBeLessThan(0.6);
    const byPatient = metricsOf(
      { labels, probabilities, patients: labels.map((l) => `p${l}`) },
      TWO,
    ).intervals.accuracy!;
    expect(byPatient).toEqual({ low: 0, high: 1 });
  });

  it('gives the same intervals for the same seed', () => {
    const p = randomPredictions(40, 5);
    expect(metricsOf(p, THREE, 9)).toEqual(metricsOf(p, THREE, 9));
    expect(metricsOf(p, THREE, 9).intervals).not.toEqual(metricsOf(p, THREE, 10).intervals);
  });
});

describe('properties of the metrics', () => {
  const seeds = fc.integer({ min: 0, max: 1e6 });

  it("the area under the curve doesn't change when scores are squeezed monotonically", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const p = randomPredictions(30, seed);
        const two = {
          labels: p.labels.map((l) => l % 2),
          probabilities: p.probabilities.map(([a]) => [1 - a!, a!]),
        };
        const squeezed = {
          ...two,
          probabilities: two.probabilities.map(([, a]) => [1 - a! ** 3, a! ** 3]),
        };
        expect(metricsOf(squeezed, TWO).malignantAuc).toEqual(metricsOf(two, TWO).malignantAuc);
      }),
      { numRuns: 20 },
    );
  });

  it("the order of the images doesn't matter", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const p = randomPredictions(30, seed);
        const order = new Random(seed).shuffle(p.labels.map((_, i) => i));
        const shuffled = {
          labels: order.map((i) => p.labels[i]!),
          probabilities: order.map((i) => p.probabilities[i]!),
          fitzpatrick: order.map((i) => p.fitzpatrick[i]),
        };
        const {
          intervals: _a,
          ece: e1,
          ...one
        } = metricsOf(
          { labels: p.labels, probabilities: p.probabilities, fitzpatrick: p.fitzpatrick },
          THREE,
        );
        const { intervals: _b, ece: e2, ...other } = metricsOf(shuffled, THREE);
        expect(other).toEqual(one);
        expect(e2).toBeCloseTo(e1!, 9);
      }),
      { numRuns: 20 },
    );
  });

  it('perfect predictions score 1 everywhere, and every score lies between 0 and 1', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const p = randomPredictions(30, seed);
        for (const score of Object.values(metricsOf(p, THREE).perClass).flatMap((c) => [
          c.precision,
          c.recall,
          c.f1,
        ]))
          expect(score ?? 0).toBeLessThanOrEqual(1);
        const m = metricsOf({ labels: p.labels, probabilities: p.labels.map(hot) }, THREE);
        expect([
          m.accuracy,
          m.balancedAccuracy,
          m.weightedF1,
          m.macroF1,
          m.aucOvr,
          m.malignantAuc,
          m.malignantRecall,
          m.ece,
        ]).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
      }),
      { numRuns: 20 },
    );
  });
});
