import { describe, expect, it } from 'vitest';
import { checkDelta, DeltaCheck } from '../../../common/update/check.js';

const refusedAs = (code: string) => expect.objectContaining({ code });

describe('the check of a delta', () => {
  it('gives the L2 norm, the same in ranges as whole', () => {
    const values = Float32Array.of(3, 4, 12);
    expect(checkDelta(values, { count: 3, maxNorm: 13 })).toBe(13);
    const check = new DeltaCheck({ count: 3, maxNorm: 13 });
    check.add(values.subarray(0, 1));
    check.add(values.subarray(1));
    expect(check.finish()).toBe(13);
  });

  it('refuses too few and too many values', () => {
    expect(() => checkDelta(new Float32Array(2), { count: 3, maxNorm: 1 })).toThrow(
      refusedAs('LENTIGO_UPDATE_LENGTH'),
    );
    expect(() => checkDelta(new Float32Array(4), { count: 3, maxNorm: 1 })).toThrow(
      refusedAs('LENTIGO_UPDATE_LENGTH'),
    );
  });

  it('refuses NaN and infinity, naming their index in the whole delta', () => {
    const check = new DeltaCheck({ count: 4, maxNorm: 10 });
    check.add(Float32Array.of(0, 1));
    expect(() => check.add(Float32Array.of(1, NaN))).toThrow(/Value 3 of the update is NaN/);
    expect(() => checkDelta(Float32Array.of(-Infinity), { count: 1, maxNorm: 1 })).toThrow(
      refusedAs('LENTIGO_UPDATE_NOT_FINITE'),
    );
  });

  it('refuses a norm beyond the bound, also where float32 squares would overflow', () => {
    expect(() => checkDelta(Float32Array.of(3, 4.01), { count: 2, maxNorm: 5 })).toThrow(
      refusedAs('LENTIGO_UPDATE_NORM'),
    );
    expect(() => checkDelta(Float32Array.of(3e38, 3e38), { count: 2, maxNorm: 1e9 })).toThrow(
      refusedAs('LENTIGO_UPDATE_NORM'),
    );
  });
});
