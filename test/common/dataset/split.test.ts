// Splits and clinic shares: whole patients, everything kept, diagnoses in proportion.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionByPatient } from '../../../common/dataset/partition.js';
import { DEFAULT_FRACTIONS, splitByPatient } from '../../../common/dataset/split.js';
import { Random } from '../../../common/random.js';

const rowsOf = fc.array(
  fc.record({
    patient: fc.integer({ min: 0, max: 40 }).map((n) => `P${n}`),
    label: fc.constantFrom('ACK', 'BCC', 'MEL', 'NEV'),
  }),
  { minLength: 1, maxLength: 120 },
);

/** 300 patients with one to three images; MEL is rare. */
function cohort(): { patient: string; label: string }[] {
  const random = new Random('cohort');
  return Array.from({ length: 300 }, (_, p) => {
    const label = p % 15 === 0 ? 'MEL' : random.pick(['ACK', 'BCC', 'NEV']);
    return Array.from({ length: 1 + random.int(3) }, () => ({ patient: `P${p}`, label }));
  }).flat();
}

describe('splits by patient', () => {
  it('every patient has one split, whatever the rows, and the order of rows does not matter', () => {
    fc.assert(
      fc.property(rowsOf, fc.integer({ min: 0, max: 1000 }), (rows, seed) => {
        const splits = splitByPatient(rows, DEFAULT_FRACTIONS, new Random(seed));
        expect([...splits.keys()].sort()).toEqual(
          [...new Set(rows.map((row) => row.patient))].sort(),
        );
        const reversed = splitByPatient(rows.toReversed(), DEFAULT_FRACTIONS, new Random(seed));
        for (const [patient, split] of splits) expect(reversed.get(patient)).toBe(split);
      }),
      { numRuns: 100 },
    );
  });

  it('every diagnosis is divided 60/20/20, the rare one too', () => {
    const rows = cohort();
    const splits = splitByPatient(rows, DEFAULT_FRACTIONS, new Random(1));
    for (const label of ['ACK', 'BCC', 'MEL', 'NEV']) {
      const ofLabel = rows.filter((row) => row.label === label);
      for (const split of ['train', 'validation', 'heldout'] as const) {
        const share =
          ofLabel.filter((row) => splits.get(row.patient) === split).length / ofLabel.length;
        expect(Math.abs(share - DEFAULT_FRACTIONS[split]), `${label} ${split}`).toBeLessThan(
          label === 'MEL' ? 0.06 : 0.02,
        );
      }
    }
  });

  it('another seed gives another split', () => {
    const of = (seed: number): string =>
      JSON.stringify(
        [...splitByPatient(cohort(), DEFAULT_FRACTIONS, new Random(seed))]
          .map(([patient, split]) => `${patient} ${split}`)
          .sort(),
      );
    expect(of(1)).toBe(of(1));
    expect(of(1)).not.toBe(of(2));
  });
});

describe('clinic shares', () => {
  it('hold every sample once and every patient in one clinic', () => {
    fc.assert(
      fc.property(
        rowsOf,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 1000 }),
        (rows, clinics, seed) => {
          fc.pre(new Set(rows.map((row) => row.patient)).size >= clinics);
          const shares = partitionByPatient(rows, clinics, new Random(seed));
          expect(shares).toHaveLength(clinics);
          expect(new Set(shares.flat())).toEqual(new Set(rows));
          expect(shares.flat()).toHaveLength(rows.length);
          const homes = shares.flatMap((share) => [...new Set(share.map((row) => row.patient))]);
          expect(new Set(homes).size).toBe(homes.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are about equal, with about the same diagnoses', () => {
    const shares = partitionByPatient(cohort(), 5, new Random(2));
    const sizes = shares.map((share) => share.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(6);
    const melanomas = shares.map((share) => share.filter((row) => row.label === 'MEL').length);
    expect(Math.max(...melanomas) - Math.min(...melanomas)).toBeLessThanOrEqual(3);
  });

  it('need at least a patient each', () => {
    expect(() => partitionByPatient([{ patient: 'P1', label: 'NEV' }], 2, new Random(1))).toThrow(
      expect.objectContaining({ code: 'LENTIGO_DATA_EMPTY' }),
    );
  });
});
