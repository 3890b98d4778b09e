// The aggregation thread: opens, checks and combines updates off the event loop. One job at a time,
// so that memory stays bounded.
import { serve } from '../../common/workers/serve.node.js';
import { type StrategyChoice, strategyOf } from '../../common/federation/strategies/index.js';
import { runAggregateJob } from './aggregate-job.js';
import { checkUpdate } from './check-update.js';

const service = {
  check: checkUpdate,
  aggregate: runAggregateJob,
  requireStrategy: async (choice: StrategyChoice): Promise<void> => void strategyOf(choice),
};
export type AggregationService = typeof service;

serve(service, { oneAtATime: true });
