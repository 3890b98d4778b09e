// Federated averaging: clinics train by the study's plan, and the server takes the mean of what
// training changed.
import { z } from 'zod';
import { weightedMean } from '../rules/weighted-mean.js';
import { moved, type StrategyDefinition } from '../strategy.js';

/** McMahan et al. 2017, Algorithm 1, with a server learning rate of 1. */
export const fedAvg: StrategyDefinition = {
  name: 'fedavg',
  reference:
    'McMahan et al. 2017, Communication-Efficient Learning of Deep Networks from Decentralized Data',
  settings: z.strictObject({}),
  create: () => ({
    init: () => ({}),
    rule: weightedMean,
    step: ({ parameters, aggregate }) => ({ parameters: moved(parameters, aggregate), state: {} }),
  }),
};
