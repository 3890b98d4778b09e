// Deltas through a rule: the same to the bit however they are read, each range once, and never more
// in memory than is allowed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, type Payload } from '../../../common/federation/aggregate.js';
import type { AggregationRule, CombiningRule } from '../../../common/federation/rule.js';
import { weightedMean } from '../../../common/federation/rules/weighted-mean.js';
import { Random } from '../../../common/random.js';
import { type DeltaEncoding, encodings } from '../../../common/update/encoding.js';

/** Some blocks of int8 and a part of one. */
const COUNT = 5 * 1024 + 100;
const SAMPLES = [30, 7, 200, 55];
const deltas = SAMPLES.map((_, k) => {
  const random = new Random(`delta ${k}`);
  return Float32Array.from({ length: COUNT }, () => random.normal(0, 0.01));
});

interface Read {
  readonly clinic: number;
  readonly start: number;
  readonly end: number;
}
/** The clinics' encoded deltas, and what is read of them. */
function payloadsOf(
  encoding: DeltaEncoding,
  of: readonly Float32Array[] = deltas,
): { payloads: Payload[]; reads: Read[] } {
  const reads: Read[] = [];
  const payloads = of.map((delta, clinic): Payload => {
    const bytes = encoding.encode(delta, new Random(clinic));
    return {
      samples: SAMPLES[clinic % SAMPLES.length]!,
      async read(start, end) {
        reads.push({ clinic, start, end });
        return bytes.subarray(start, end);
      },
    };
  });
  return { payloads, reads };
}
const mean = (ranges: readonly Float32Array[], weights: readonly number[]): Float64Array => {
  const fold = weightedMean.fold(ranges[0]!.length, weights);
  for (const [k, range] of ranges.entries()) fold.add(k, range, 0);
  return fold.combined();
};
const combiningMean: CombiningRule = { combine: mean };
const run = (rule: AggregationRule, encoding: DeltaEncoding, valuesInMemory?: number) =>
  aggregate({
    ...payloadsOf(encoding),
    count: COUNT,
    encoding,
    rule,
    ...(valuesInMemory !== undefined && { valuesInMemory }),
  });
const bits = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

/**
 * Leaves out the clinic that is farthest from the others, and counts the others alike: a whole
 * clinic is judged, so it sees all ranges first. In the manner of Krum (Blanchard et al. 2017).
 */
const withoutFarthest: AggregationRule = {
  ...weightedMean,
  choose(samples) {
    const distances = samples.map(() => samples.map(() => 0));
    return {
      add(ranges) {
        for (const [a, one] of ranges.entries())
          for (const [b, other] of ranges.entries())
            for (let i = 0; i < one.length; i++) distances[a]![b]! += (one[i]! - other[i]!) ** 2;
      },
      weights() {
        const sums = distances.map((row) => row.reduce((x, y) => x + y, 0));
        const farthest = sums.indexOf(Math.max(...sums));
        return samples.map((_, k) => (k === farthest ? 0 : 1));
      },
    };
  },
};

describe.each(['float32', 'int8'] as const)('an aggregation of %s deltas', (name) => {
  const encoding = encodings.get(name);

  it('is the weighted mean of what was encoded', async () => {
    const values = await run(weightedMean, encoding);
    const { payloads } = payloadsOf(encoding);
    const decoded = await Promise.all(
      payloads.map(async (p) => encoding.decode(await p.read(0, encoding.encodedBytes(COUNT)))),
    );
    const total = SAMPLES.reduce((a, b) => a + b);
    for (let i = 0; i < COUNT; i += 37) {
      const expected = decoded.reduce((sum, d, k) => sum + (SAMPLES[k]! / total) * d[i]!, 0);
      expect(values[i]).toBeCloseTo(expected, 12);
    }
  });

  it('is the same folded and combined, however much is read at a time, to the bit', async () => {
    const expected = bits(await run(weightedMean, encoding));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<AggregationRule>(weightedMean, combiningMean),
        fc.integer({ min: 1, max: 6 * COUNT }),
        async (rule, valuesInMemory) => {
          fc.pre(name === 'int8' || valuesInMemory >= 50);
          expect(bits(await run(rule, encoding, valuesInMemory))).toBe(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads every range of every clinic once, in order', async () => {
    for (const [rule, valuesInMemory] of [
      [weightedMean, 2048],
      [combiningMean, 8192],
      [combiningMean, 1],
    ] as const) {
      if (name === 'float32' && valuesInMemory === 1) continue; // thousands of reads, one at a time
      const { payloads, reads } = payloadsOf(encoding);
      await aggregate({ payloads, count: COUNT, encoding, rule, valuesInMemory });
      for (const clinic of SAMPLES.keys()) {
        const own = reads.filter((r) => r.clinic === clinic);
        expect(own.length).toBeGreaterThan(1);
        expect(own.map((r) => r.start)).toEqual([0, ...own.slice(0, -1).map((r) => r.end)]);
        expect(own.at(-1)!.end).toBe(encoding.encodedBytes(COUNT));
      }
    }
  });

  it('never decodes more at once than it may: a block of each clinic at least', async () => {
    for (const valuesInMemory of [1, 5000, 10_000, 1e9]) {
      if (name === 'float32' && valuesInMemory === 1) continue;
      const lengths: number[] = [];
      const rule: CombiningRule = {
        combine(ranges, weights) {
          lengths.push(ranges.reduce((n, r) => n + r.length, 0));
          return mean(ranges, weights);
        },
      };
      await run(rule, encoding, valuesInMemory);
      expect(lengths.reduce((a, b) => a + b)).toBe(COUNT * SAMPLES.length);
      const atLeast = encoding.block * SAMPLES.length;
      expect(Math.max(...lengths)).toBeLessThanOrEqual(Math.max(valuesInMemory, atLeast));
    }
  });

  it('has one clinic in memory where the rule folds, however many there are', async () => {
    const many = Array.from({ length: 40 }, (_, k) => deltas[k % deltas.length]!);
    const { payloads, reads } = payloadsOf(encoding, many);
    const pieces: number[] = [];
    const rule: AggregationRule = {
      fold(length, weights) {
        const fold = weightedMean.fold(length, weights);
        return {
          add(k, delta, at) {
            pieces.push(delta.length);
            fold.add(k, delta, at);
          },
          combined: () => fold.combined(),
        };
      },
    };
    await aggregate({ payloads, count: COUNT, encoding, rule, valuesInMemory: COUNT });
    const inBlocks = Math.floor(COUNT / encoding.block) * encoding.block;
    expect(reads).toHaveLength(many.length * Math.ceil(COUNT / inBlocks));
    expect(Math.max(...pieces)).toBeLessThanOrEqual(COUNT);
  });

  it('leaves out the clinics that the rule does not choose, after it saw all of each', async () => {
    const outlier = deltas[1]!.map((v) => v + 1);
    const with1 = [deltas[0]!, outlier, deltas[2]!, deltas[3]!];
    for (const valuesInMemory of [4096, 1e9]) {
      const { payloads, reads } = payloadsOf(encoding, with1);
      const chosen = await aggregate({
        payloads,
        count: COUNT,
        encoding,
        rule: withoutFarthest,
        valuesInMemory,
      });
      const kept = payloads.filter((_, k) => k !== 1).map((p) => ({ ...p, samples: 1 }));
      const plain = await aggregate({ payloads: kept, count: COUNT, encoding, rule: weightedMean });
      expect(bits(chosen)).toBe(bits(plain));
      expect(Math.max(...chosen)).toBeLessThan(0.5);
      // the outlier was read to be judged; the others also to be combined, here and once more above
      const bytesOf = (clinic: number) =>
        reads.filter((r) => r.clinic === clinic).reduce((n, r) => n + r.end - r.start, 0);
      const whole = encoding.encodedBytes(COUNT);
      expect([1, 0, 2, 3].map(bytesOf)).toEqual([whole, 3 * whole, 3 * whole, 3 * whole]);
    }
  });
});

describe('an aggregation', () => {
  it('of nothing, or of nobody that the rule chose, is refused', async () => {
    const encoding = encodings.get('float32');
    const nobody: AggregationRule = {
      ...weightedMean,
      choose: (samples) => ({ add: () => undefined, weights: () => samples.map(() => 0) }),
    };
    await expect(
      aggregate({ payloads: [], count: COUNT, encoding, rule: weightedMean }),
    ).rejects.toThrow(/no update/);
    await expect(run(nobody, encoding)).rejects.toThrow(/chose no clinic/);
  });

  it('fails as a read fails', async () => {
    const { payloads } = payloadsOf(encodings.get('float32'));
    const broken = [...payloads, { samples: 1, read: () => Promise.reject(new Error('gone')) }];
    await expect(
      aggregate({
        payloads: broken,
        count: COUNT,
        encoding: encodings.get('float32'),
        rule: weightedMean,
      }),
    ).rejects.toThrow('gone');
  });
});
