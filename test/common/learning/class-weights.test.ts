import { describe, expect, it } from 'vitest';
import { classWeights } from '../../../common/learning/class-weights.js';

describe('class weights', () => {
  it('are 1 for every present class without a scheme', () => expect([...classWeights([5, 0, 7], 'none')]).toEqual([1, 0, 1]));
  it('fall with the count, or with its square root, and have mean 1 over the present classes', () => {
    // 1/count: 1, 1/4 → ×2/(5/4) = 1.6, 0.4. 1/√count: 1, 1/2 → ×2/(3/2) = 4/3, 2/3.
    expect([...classWeights([1, 0, 4], 'inverse')]).toEqual([1.6, 0, 0.4].map(Math.fround));
    expect([...classWeights([1, 0, 4], 'inverse-sqrt')]).toEqual([4 / 3, 0, 2 / 3].map(Math.fround));
  });
});
