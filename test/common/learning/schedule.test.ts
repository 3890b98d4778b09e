import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../../common/learning/schedule.js';

const curve = (schedule: 'constant' | 'one-cycle', steps: number, learningRate = 1): number[] =>
  Array.from({ length: steps }, (_, step) => learningRateAt({ schedule, learningRate }, step, steps));

describe('the learning rate within a round', () => {
  it('stays the same where the plan says constant', () => {
    expect(curve('constant', 4, 0.3)).toEqual([0.3, 0.3, 0.3, 0.3]);
  });

  it('of one cycle is what torch.optim.lr_scheduler.OneCycleLR gives', () => {
    // OneCycleLR(SGD([p], lr=1), max_lr=1, total_steps=10), get_last_lr() before each step
    const torch = [0.04, 0.52, 1, 0.9504846320134737, 0.8117456539497631, 0.6112620219362893, 0.3887419780637108, 0.1882583460502371, 0.04951936798652634, 4e-6];
    for (const [step, rate] of curve('one-cycle', 10).entries()) expect(rate).toBeCloseTo(torch[step]!, 6);
  });

  it('of one cycle is finite and never above the plan\'s, however few the steps', () => {
    for (let steps = 1; steps <= 12; steps++) {
      for (const rate of curve('one-cycle', steps, 2e-4)) {
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(2e-4);
      }
    }
  });
});
