import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../common/random.js';
import { encodings, type DeltaEncoding } from '../../../common/update/encoding.js';

const int8 = encodings.get('int8');
const float32 = encodings.get('float32');
const normals = (count: number, seed = 1, scale = 1e-3): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal(0, scale));
};
const finite = fc.float32Array({
  noNaN: true,
  noDefaultInfinity: true,
  min: -(2 ** 126),
  max: 2 ** 126,
  maxLength: 40,
});

describe.each(encodings.values().map((e): [string, DeltaEncoding] => [e.name, e]))(
  'the %s encoding',
  (_, encoding) => {
    it('has the length it says, for any count', () => {
      for (const count of [0, 1, 1023, 1024, 1025, 4096, 5000]) {
        const bytes = encoding.encode(normals(count), new Random(1));
        expect(bytes.length).toBe(encoding.encodedBytes(count));
        expect(encoding.decode(bytes).length).toBe(count);
      }
    });

    it('decodes every aligned range as the whole decodes, at any byte offset', () => {
      const count = 5 * 1024 + 321;
      const bytes = encoding.encode(normals(count), new Random(1));
      const whole = encoding.decode(bytes);
      fc.assert(
        fc.property(fc.nat(5), fc.nat(6), fc.nat(7), (a, b, shift) => {
          const start = Math.min(a, b) * 1024;
          const end = Math.min(Math.max(a, b) * 1024, count);
          const moved = new Uint8Array(bytes.length + shift);
          moved.set(bytes, shift);
          const range = moved.subarray(
            shift + encoding.encodedBytes(start),
            shift + encoding.encodedBytes(end),
          );
          expect(encoding.decode(range)).toEqual(whole.subarray(start, end));
        }),
      );
    });

    it('depends on nothing but values and seed', () => {
      const values = normals(3000);
      expect(encoding.encode(values, new Random(5))).toEqual(
        encoding.encode(values, new Random(5)),
      );
    });

    it('refuses NaN and infinity, naming the value', () => {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const values = normals(2000);
        values[1500] = bad;
        expect(() => encoding.encode(values, new Random(1))).toThrow(
          expect.objectContaining({
            code: 'LENTIGO_UPDATE_NOT_FINITE',
            message: expect.stringContaining('1500'),
          }),
        );
      }
    });

    it('refuses bytes that are no whole blocks', () => {
      const bytes = encoding.encode(normals(1025), new Random(1));
      expect(() => encoding.decode(bytes.subarray(0, bytes.length - 1))).toThrow(
        expect.objectContaining({ code: 'LENTIGO_UPDATE_LENGTH' }),
      );
    });
  },
);

describe('float32', () => {
  it('is exact, and little-endian', () => {
    fc.assert(
      fc.property(finite, (values) => {
        expect(float32.decode(float32.encode(values, new Random(1)))).toEqual(values);
      }),
    );
    expect([...float32.encode(Float32Array.of(1), new Random(1))]).toEqual([0, 0, 0x80, 0x3f]);
  });
});

describe('int8', () => {
  it('errs by less than one step of its block, from denormal to huge values', () => {
    fc.assert(
      fc.property(finite, fc.nat(), (values, seed) => {
        const decoded = int8.decode(int8.encode(values, new Random(seed)));
        const step = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0) / 127;
        for (const [i, v] of values.entries())
          expect(Math.abs(decoded[i]! - v)).toBeLessThanOrEqual(step * (1 + 1e-6) + 2e-45);
      }),
      { numRuns: 500 },
    );
  });

  it('is unbiased: the mean of many encodings approaches the value', () => {
    const values = Float32Array.of(0.3, -0.3, 0.001, -0.7123, 1, -1, 0.99, 0);
    const runs = 20_000;
    const random = new Random(3);
    const sums = new Float64Array(values.length);
    for (let r = 0; r < runs; r++)
      int8.decode(int8.encode(values, random)).forEach((v, i) => (sums[i]! += v));
    // Each rounding's standard deviation is at most half a step: five standard errors of the mean.
    for (const [i, v] of values.entries())
      expect(Math.abs(sums[i]! / runs - v)).toBeLessThan((5 * 0.5) / 127 / Math.sqrt(runs));
  });

  it('keeps the largest value of a block, and a block of zeros', () => {
    const decoded = int8.decode(int8.encode(Float32Array.of(0.1, -0.7), new Random(1)));
    expect(decoded[1]).toBeCloseTo(-0.7, 6);
    expect(int8.decode(int8.encode(new Float32Array(2000), new Random(1)))).toEqual(
      new Float32Array(2000),
    );
  });

  it('does not overflow where the largest value meets the largest random number', () => {
    const nearlyOne = new Random(1);
    nearlyOne.uniform = () => 1 - 2 ** -53;
    expect([...int8.decode(int8.encode(Float32Array.of(127, -127), nearlyOne))]).toEqual([
      127,
      -127 + 1,
    ]);
  });

  it('gives each block its own scale', () => {
    const values = new Float32Array(2048).fill(1e-6);
    values[0] = 1000;
    const decoded = int8.decode(int8.encode(values, new Random(1)));
    for (let i = 1024; i < 2048; i++) expect(decoded[i]).toBeCloseTo(1e-6, 12);
  });

  it('takes a little over one byte a value, and four million of them in well under a second', () => {
    const values = normals(4_000_000);
    const random = new Random(1);
    const start = performance.now();
    const bytes = int8.encode(values, random);
    // about 60 ms; the bound leaves room for a busy machine
    expect(performance.now() - start).toBeLessThan(2000);
    expect(bytes.length / values.length).toBeLessThan(1.005);
  });
});
