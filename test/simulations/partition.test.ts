// The shares of virtual clinics: whole patients, nothing lost, no clinic empty, and as uneven as
// alpha says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { dirichlet, partition, partitionByDirichlet } from '../../simulations/partition.js';

const LABELS = ['ACK', 'BCC', 'MEL', 'NEV'];
const rowsOf = fc.array(
  fc.record({
    patient: fc.integer({ min: 0, max: 30 }).map((n) => `P${n}`),
    label: fc.constantFrom(...LABELS),
  }),
  { minLength: 1, maxLength: 100 },
);
const alphas = fc.constantFrom(0.001, 0.1, 0.5, 1, 10, 1e6);

/** 300 patients with one to three images of one diagnosis. */
function cohort(): { patient: string; label: string }[] {
  const random = new Random('cohort');
  return Array.from({ length: 300 }, (_, p) => {
    const label = random.pick(LABELS);
    return Array.from({ length: 1 + random.int(3) }, () => ({ patient: `P${p}`, label }));
  }).flat();
}

/**
 * Mean distance (total variation) of the clinics' mixes of diagnoses from the overall mix: 0 for
 * equal mixes, towards 1 for disjoint ones.
 */
function skew(shares: readonly (readonly { label: string }[])[]): number {
  const mix = (rows: readonly { label: string }[]) =>
    LABELS.map((label) => rows.filter((r) => r.label === label).length / rows.length);
  const all = mix(shares.flat());
  const distances = shares.map((share) =>
    mix(share).reduce((sum, q, c) => sum + Math.abs(q - all[c]!) / 2, 0),
  );
  return distances.reduce((a, b) => a + b) / distances.length;
}
const meanSkew = (alpha: number | undefined): number => {
  const seeds = Array.from({ length: 12 }, (_, s) =>
    skew(partition(cohort(), { clinics: 4, alpha, seed: new Random(s) })),
  );
  return seeds.reduce((a, b) => a + b) / seeds.length;
};

describe('the shares of virtual clinics', () => {
  it('hold every sample once, every patient in one clinic, and every clinic has some, whatever alpha', () => {
    fc.assert(
      fc.property(
        rowsOf,
        fc.integer({ min: 1, max: 8 }),
        alphas,
        fc.integer({ min: 0, max: 1000 }),
        (rows, clinics, alpha, seed) => {
          fc.pre(new Set(rows.map((row) => row.patient)).size >= clinics);
          const shares = partitionByDirichlet(rows, clinics, alpha, new Random(seed));
          expect(shares).toHaveLength(clinics);
          expect(shares.flat()).toHaveLength(rows.length);
          expect(new Set(shares.flat())).toEqual(new Set(rows));
          for (const share of shares) expect(share.length).toBeGreaterThan(0);
          const homes = shares.flatMap((share) => [...new Set(share.map((row) => row.patient))]);
          expect(new Set(homes).size).toBe(homes.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('depend on the seed, and not on the order of rows', () => {
    const of = (rows: readonly { patient: string; label: string }[], seed: number) =>
      partitionByDirichlet(rows, 4, 0.5, new Random(seed)).map((share) =>
        [...new Set(share.map((row) => row.patient))].sort(),
      );
    expect(of(cohort(), 1)).toEqual(of(cohort(), 1));
    expect(of(cohort().toReversed(), 1)).toEqual(of(cohort(), 1));
    expect(of(cohort(), 2)).not.toEqual(of(cohort(), 1));
  });

  it('are the more uneven the smaller alpha is, and most alike without it', () => {
    const [tiny, small, large, iid] = [
      meanSkew(0.05),
      meanSkew(0.5),
      meanSkew(50),
      meanSkew(undefined),
    ];
    expect(tiny).toBeGreaterThan(small + 0.1);
    expect(small).toBeGreaterThan(large + 0.1);
    expect(large).toBeLessThan(0.15);
    expect(iid).toBeLessThan(0.03);
  });

  it('refuse fewer patients than clinics', () => {
    const rows = [
      { patient: 'A', label: 'MEL' },
      { patient: 'A', label: 'NEV' },
    ];
    expect(() => partitionByDirichlet(rows, 2, 1, new Random(1))).toThrow(
      expect.objectContaining({ code: 'LENTIGO_DATA_EMPTY' }),
    );
  });
});

describe('the Dirichlet distribution', () => {
  it('has the known mean and variance', () => {
    for (const alpha of [0.1, 0.5, 1, 5]) {
      const n = 4;
      const random = new Random(`dirichlet ${alpha}`);
      const draws = Array.from({ length: 4000 }, () => dirichlet(alpha, n, random));
      for (const draw of draws) expect(draw.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
      const mean = draws.reduce((sum, d) => sum + d[0]!, 0) / draws.length;
      const variance = draws.reduce((sum, d) => sum + (d[0]! - mean) ** 2, 0) / draws.length;
      const expected = ((1 / n) * (1 - 1 / n)) / (n * alpha + 1);
      expect(Math.abs(mean - 1 / n)).toBeLessThan(5 * Math.sqrt(expected / draws.length));
      expect(variance / expected).toBeGreaterThan(0.9);
      expect(variance / expected).toBeLessThan(1.1);
    }
  });

  it('gives finite numbers for a tiny alpha', () => {
    for (let seed = 0; seed < 50; seed++)
      expect(dirichlet(0.001, 5, new Random(seed)).every((p) => p >= 0 && p <= 1)).toBe(true);
  });
});
