import { describe, expect, it } from 'vitest';
import { classBalance } from '../../../common/training/class-balance.js';

const close = (values: readonly number[]) => values.map((v) => expect.closeTo(v, 12) as number);

describe('class weights', () => {
  it('are 1 for every present class without a scheme', () =>
    expect(classBalance([5, 0, 7], 'none')).toEqual({ weights: [1, 0, 1], offsets: [0, 0, 0] }));
  it('fall with the count, or with its square root, and have mean 1 over the present classes', () => {
    // 1/count: 1, 1/4 → ×2/(5/4) = 1.6, 0.4. 1/√count: 1, 1/2 → ×2/(3/2) = 4/3, 2/3.
    expect(classBalance([1, 0, 4], 'inverse').weights).toEqual(close([1.6, 0, 0.4]));
    expect(classBalance([1, 0, 4], 'inverse-sqrt').weights).toEqual(close([4 / 3, 0, 2 / 3]));
  });
});

describe('logit adjustment', () => {
  const { weights, offsets } = classBalance([6, 2, 0], 'logit-adjustment');

  it("adds the log of each class's share and weights nothing", () => {
    expect(weights).toEqual([1, 1, 1]);
    expect(offsets.slice(0, 2)).toEqual(close([Math.log(0.75), Math.log(0.25)]));
  });
  it('leaves a class without examples out of the softmax, exactly in float32', () => {
    const logits = [0.3, -1, 80];
    const exps = logits.map((z, c) => Math.fround(Math.exp(Math.fround(z + offsets[c]!))));
    expect(exps[2]).toBe(0);
  });
  it('gives balanced scores: a network without evidence learns equal logits', () => {
    // With equal logits the adjusted softmax equals the classes' shares, so the loss is flat there.
    const p = offsets.map(Math.exp);
    const shares = [0.75, 0.25, 0];
    expect(p).toEqual(close(shares));
  });
});
