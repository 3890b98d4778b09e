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
  // A tenth of an image more for each of three diagnoses: 6.1, 2.1 and 0.1 of 8.3.
  const shares = [6.1 / 8.3, 2.1 / 8.3, 0.1 / 8.3];

  it("adds the log of each class's smoothed share and weights nothing", () => {
    expect(weights).toEqual([1, 1, 1]);
    expect(offsets).toEqual(close(shares.map(Math.log)));
  });
  it('gives balanced scores: a network without evidence learns equal logits', () => {
    // With equal logits the adjusted softmax equals the classes' shares, so the loss is flat there.
    expect(offsets.map(Math.exp)).toEqual(close(shares));
  });
  it('leaves a clinic of one diagnosis something to learn', () => {
    // 0.1 of 10.6 each for the five others.
    const one = classBalance([0, 10, 0, 0, 0, 0], 'logit-adjustment').offsets.map(Math.exp);
    expect(one).toEqual(close([0.1, 10.1, 0.1, 0.1, 0.1, 0.1].map((n) => n / 10.6)));
  });
});
