// A strategy that remembers, as a program of its own would register it: the server's momentum.
import { z } from 'zod';
import { weightedMean } from '../../../common/federation/rules/weighted-mean.js';
import { registerStrategy } from '../../../common/federation/strategies/index.js';
import { moved, type StrategyDefinition } from '../../../common/federation/strategy.js';

const settings = z.strictObject({ momentum: z.number().min(0).max(0.999).default(0.9) });

/** v ← β v + Δ; w ← w + v. Hsu et al. 2019, FedAvgM, with a server learning rate of 1. */
export const serverMomentum: StrategyDefinition<typeof settings.shape> = {
  name: 'test-server-momentum',
  reference: 'Hsu et al. 2019, Measuring the Effects of Non-Identical Data Distribution',
  settings,
  create: ({ momentum }) => ({
    init: (start) => ({ velocity: new Float32Array(start.length) }),
    rule: weightedMean,
    step({ parameters, aggregate, state }) {
      const velocity = state['velocity']!.map((v, i) => momentum * v + aggregate[i]!);
      return { parameters: moved(parameters, velocity), state: { velocity } };
    },
  }),
};
registerStrategy(serverMomentum);
