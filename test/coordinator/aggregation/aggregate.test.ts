import * as fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { encodings } from '../../../common/update/encoding.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';
import { aggregateUpdates, type SealedUpdate } from '../../../coordinator/aggregation/aggregate.js';
import { weightedMean } from '../../../common/federation/rules/weighted-mean.js';
import { strategyOf } from '../../../common/federation/strategies/index.js';
import type { AggregationRule } from '../../../common/federation/rule.js';
import {
  COUNT,
  createClinic,
  normals,
  refusedAs,
  ROUND_KEY,
  SPECS,
  submit,
  writeFresh,
} from './sealed-updates.js';

const base = new ParameterSet(SPECS, normals(COUNT, 'base', 1));
const samples = [40, 7, 1900, 333, 120];
const deltas = samples.map((_, k) => normals(COUNT, k));
const exact = await Promise.all(deltas.map((d, k) => submit(d, samples[k]!, 'float32')));

const fedAvg = strategyOf({ name: 'fedavg' });
/** The weighted mean of whole ranges at once. */
const mean = (deltas: readonly Float32Array[], weights: readonly number[]): Float64Array => {
  const fold = weightedMean.fold(deltas[0]!.length, weights);
  for (const [k, delta] of deltas.entries()) fold.add(k, delta, 0);
  return fold.combined();
};

const aggregate = async (
  updates: readonly SealedUpdate[],
  change: { valuesInMemory?: number; rule?: AggregationRule; encoding?: 'int8' | 'float32' } = {},
): Promise<ParameterSet> => {
  const next = await aggregateUpdates({
    name: 'in the test',
    updates,
    roundSecretKey: ROUND_KEY.secretKey,
    round: 3,
    parameters: base,
    state: {},
    encoding: encodings.get(change.encoding ?? 'float32'),
    strategy: { ...fedAvg, rule: change.rule ?? fedAvg.rule },
    valuesInMemory: change.valuesInMemory ?? 1000,
  });
  return next.parameters;
};

describe('FedAvg over sealed updates', () => {
  it('is the base plus the mean of the deltas, weighted by samples', async () => {
    const { values } = await aggregate(exact);
    const total = samples.reduce((a, b) => a + b);
    for (let i = 0; i < COUNT; i++) {
      const mean = deltas.reduce((sum, d, k) => sum + (samples[k]! / total) * d[i]!, 0);
      expect(values[i]).toBeCloseTo(base.values[i]! + mean, 6);
    }
  });

  it('is the delta itself where there is one clinic', async () => {
    expect((await aggregate(exact.slice(0, 1))).values).toEqual(
      base.values.map((v, i) => v + deltas[0]![i]!),
    );
  });

  it('does not depend on the order of arrival, nor on how much is read at a time, to the bit', async () => {
    const expected = (await aggregate(exact)).values;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(exact, { minLength: exact.length }),
        fc.integer({ min: 1, max: 2 * COUNT }),
        async (order, size) => {
          const { values } = await aggregate(order, { valuesInMemory: Math.max(size, 50) });
          expect(Buffer.compare(Buffer.from(values.buffer), Buffer.from(expected.buffer))).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is the same folded, one clinic after the other, as of all at once, to the bit', async () => {
    const folded = await aggregate(exact, { valuesInMemory: COUNT });
    const atOnce = await aggregate(exact, {
      rule: { combine: mean },
      valuesInMemory: 700 * samples.length,
    });
    expect(
      Buffer.compare(Buffer.from(folded.values.buffer), Buffer.from(atOnce.values.buffer)),
    ).toBe(0);
  });

  it('moves by no more than its share when one clinic sends an outlier', () => {
    fc.assert(
      fc.property(
        fc.float({ min: -1000, max: 1000, noNaN: true }),
        fc.integer({ min: 1, max: 100 }),
        (outlier, weight) => {
          const calm = [Float32Array.of(0), Float32Array.of(0)];
          const [moved] = mean([...calm, Float32Array.of(outlier)], [100, 100, weight]);
          expect(Math.abs(moved!)).toBeLessThanOrEqual(
            (Math.abs(outlier) * weight) / (200 + weight) + 1e-9,
          );
        },
      ),
    );
  });

  it('from int8 updates stays within a rounding step of the exact one', async () => {
    const quantised = await Promise.all(deltas.map((d, k) => submit(d, samples[k]!, 'int8')));
    const [a, b] = [await aggregate(quantised, { encoding: 'int8' }), await aggregate(exact)];
    const step = Math.max(...deltas.flatMap((d) => [...d].map(Math.abs))) / 127;
    let squares = 0;
    for (let i = 0; i < COUNT; i++) {
      expect(Math.abs(a.values[i]! - b.values[i]!)).toBeLessThan(step * 1.001);
      squares += (a.values[i]! - b.values[i]!) ** 2;
    }
    expect(Math.sqrt(squares / COUNT)).toBeLessThan(step / 2);
    expect(squares).toBeGreaterThan(0);
  });
});

describe('an aggregation', () => {
  it('gives a rule the same range of every clinic, in clinic-id order', async () => {
    const byId = exact
      .map((u, k) => ({ ...u, delta: deltas[k]! }))
      .toSorted((a, b) => (a.clinic < b.clinic ? -1 : 1));
    let at = 0;
    const median: AggregationRule = {
      combine(ranges, weights) {
        expect(weights).toEqual(byId.map((u) => u.samples));
        for (const [k, range] of ranges.entries())
          expect(range).toEqual(byId[k]!.delta.subarray(at, at + range.length));
        at += ranges[0]!.length;
        return Float64Array.from(
          ranges[0]!,
          (_, i) => ranges.map((r) => r[i]!).toSorted((a, b) => a - b)[2]!,
        );
      },
    };
    const { values } = await aggregate(exact.toReversed(), {
      rule: median,
      valuesInMemory: 700 * samples.length,
    });
    expect(at).toBe(COUNT);
    expect(values[5]).toBe(
      Math.fround(base.values[5]! + deltas.map((d) => d[5]!).toSorted((a, b) => a - b)[2]!),
    );
  });

  it('reads less at a time the more clinics there are', async () => {
    const longest = async (clinics: number, valuesInMemory: number) => {
      const lengths: number[] = [];
      const rule: AggregationRule = {
        combine(ranges, weights) {
          expect(ranges).toHaveLength(clinics);
          lengths.push(...ranges.map((r) => r.length));
          return mean(ranges, weights);
        },
      };
      await aggregate(exact.slice(0, clinics), { rule, valuesInMemory });
      expect(lengths.reduce((a, b) => a + b)).toBe(COUNT * clinics);
      return Math.max(...lengths);
    };
    for (const clinics of [1, 2, 5])
      expect((await longest(clinics, 1000)) * clinics).toBeLessThanOrEqual(1000);
    expect(await longest(5, 1)).toBe(1);
  });

  it("refuses an accepted update that was altered on the disk, or is another clinic's", async () => {
    const first = exact[0]!;
    const bytes = await readFile(first.path);
    bytes[bytes.length - 20]! ^= 1;
    await expect(aggregate([{ ...first, path: await writeFresh(bytes) }])).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_SIGNATURE'),
    );
    await expect(aggregate([{ ...first, clinicKey: (await createClinic()).key }])).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_SIGNATURE'),
    );
    await expect(aggregate([{ ...first, samples: 41 }])).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_ALTERED'),
    );
  });

  it('refuses an update of another length', async () => {
    const short = await submit(normals(COUNT - 1, 1), 10, 'float32');
    await expect(aggregate([...exact, short])).rejects.toThrow(refusedAs('LENTIGO_UPDATE_LENGTH'));
  });

  it('of nothing is refused', async () => {
    await expect(aggregate([])).rejects.toThrow(/no update/);
  });
});
