import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../../common/evaluation/metrics.js';
import { meanPairedDifference, pairedDifference } from '../../../common/evaluation/paired.js';
import type { LabelSet } from '../../../common/model/labels.js';
import { Random } from '../../../common/random.js';

const labels: LabelSet = { names: ['benign', 'malignant'], malignant: ['malignant'] };
const row = (malignant: number): number[] => [1 - malignant, malignant];

/**
 * n patients with two images each, half of them malignant; a prediction is right with this
 * probability.
 */
function predictions(n: number, seed: number, right: number) {
  const random = new Random(seed);
  const truth = Array.from({ length: 2 * n }, (_, i) => Math.floor(i / 2) % 2);
  return {
    labels: truth,
    patients: truth.map((_, i) => `p${Math.floor(i / 2)}`),
    probabilities: truth.map((label) =>
      row(random.chance(right) === (label === 1) ? random.uniform(0.6, 1) : random.uniform(0, 0.4)),
    ),
  };
}
const compare = (a: ReturnType<typeof predictions>, b: ReturnType<typeof predictions>, seed = 1) =>
  pairedDifference(a, b, 'balancedAccuracy', { labels, random: new Random(seed) });

describe('the paired difference of two models', () => {
  it('is the difference of their scores', () => {
    const [a, b] = [predictions(30, 1, 0.9), predictions(30, 2, 0.7)];
    for (const metric of ['balancedAccuracy', 'malignantAuc', 'accuracy'] as const) {
      const { difference, interval } = pairedDifference(a, b, metric, {
        labels,
        random: new Random(1),
      });
      expect(difference).toBeCloseTo(
        metricsOf(a, labels)[metric]! - metricsOf(b, labels)[metric]!,
        12,
      );
      expect(interval!.low).toBeLessThan(difference!);
      expect(interval!.high).toBeGreaterThan(difference!);
    }
  });

  it('of a model and itself is 0, with an interval from 0 to 0', () => {
    const a = predictions(30, 1, 0.8);
    expect(compare(a, a)).toEqual({ difference: 0, interval: { low: 0, high: 0 } });
  });

  it('changes its sign when the models are exchanged', () => {
    const [a, b] = [predictions(30, 1, 0.9), predictions(30, 2, 0.7)];
    const [there, back] = [compare(a, b), compare(b, a)];
    expect(back.difference).toBeCloseTo(-there.difference!, 12);
    expect(back.interval!.low).toBeCloseTo(-there.interval!.high, 12);
  });

  it('has the known interval if one model is always right and the other wrong for some patients', () => {
    // Each patient has one image; b fails for 20 of 100, all benign. Balanced accuracy: 1 against
    // (1 + 30/50)/2 = 0.8.
    const truth = Array.from({ length: 100 }, (_, i) => i % 2);
    const a = {
      labels: truth,
      patients: truth.map(String).map((_, i) => `p${i}`),
      probabilities: truth.map((l) => row(l)),
    };
    const b = { ...a, probabilities: truth.map((l, i) => row(l === 0 && i < 40 ? 1 : l)) };
    const { difference, interval } = compare(a, b);
    expect(difference).toBeCloseTo(0.2, 12);
    // Half of a binomial proportion of about 50 with p = 0.4: standard deviation 0.5·√(0.4·0.6/50)
    // = 0.0346.
    expect(interval!.low).toBeGreaterThan(0.2 - 1.96 * 0.0346 - 0.02);
    expect(interval!.low).toBeLessThan(0.2 - 1.96 * 0.0346 + 0.02);
    expect(interval!.high).toBeGreaterThan(0.2 + 1.96 * 0.0346 - 0.02);
    expect(interval!.high).toBeLessThan(0.2 + 1.96 * 0.0346 + 0.02);
  });

  it("is narrower than the models' own intervals suggest when they fail at the same patients", () => {
    const a = predictions(60, 1, 0.75);
    // b is a copy of a that is wrong on two more images.
    const b = {
      ...a,
      probabilities: a.probabilities.map((p, i) => (i === 3 || i === 10 ? [p[1]!, p[0]!] : p)),
    };
    const { interval } = compare(a, b);
    const own = metricsOf(a, labels).intervals.balancedAccuracy!;
    expect(interval!.high - interval!.low).toBeLessThan((own.high - own.low) / 2);
  });

  it('draws the images of a patient together', () => {
    // b fails on every image of one patient in ten: over patients the difference varies as if there
    // were ten images, not a hundred.
    const truth = Array.from({ length: 100 }, (_, i) => i % 2);
    const patients = truth.map((_, i) => `p${Math.floor(i / 10)}`);
    const a = { labels: truth, patients, probabilities: truth.map((l) => row(l)) };
    const b = { ...a, probabilities: truth.map((l, i) => row(i < 10 ? 1 - l : l)) };
    const width = (x: { interval: { low: number; high: number } | null }) =>
      x.interval!.high - x.interval!.low;
    const single = truth.map((_, i) => `q${i}`);
    expect(width(compare(a, b))).toBeGreaterThan(
      2 * width(compare({ ...a, patients: single }, { ...b, patients: single })),
    );
  });

  it('over several pairs is the mean of their differences, and varies less', () => {
    const pairs = [1, 2, 3, 4].map((seed) => ({
      a: predictions(40, seed, 0.85),
      b: predictions(40, seed + 10, 0.75),
    }));
    const how = () => ({ labels, random: new Random(1) });
    const each = pairs.map(({ a, b }) => pairedDifference(a, b, 'accuracy', how()));
    const mean = meanPairedDifference(pairs, 'accuracy', how());
    expect(mean.difference).toBeCloseTo(each.reduce((sum, d) => sum + d.difference!, 0) / 4, 12);
    for (const { interval } of each)
      expect(mean.interval!.high - mean.interval!.low).toBeLessThan(interval!.high - interval!.low);
  });

  it('is the same for the same seed, and refuses models of different images', () => {
    const [a, b] = [predictions(30, 1, 0.9), predictions(30, 2, 0.7)];
    expect(compare(a, b, 5)).toEqual(compare(a, b, 5));
    expect(compare(a, b, 5)).not.toEqual(compare(a, b, 6));
    expect(() => compare(a, predictions(29, 1, 0.9))).toThrow(/same images/);
  });
});
