// The aggregation thread from the coordinator's side: promises in, results or LentigoErrors out.
import type { StrategyChoice } from '../../common/federation/strategies/index.js';
import { ServiceThread } from '../../common/workers/thread.node.js';
import type { AggregatedFiles, AggregateJob } from './aggregate-job.js';
import type { CheckedUpdate, CheckJob } from './check-update.js';
import type { AggregationService } from './worker.js';

/**
 * Runs jobs in a worker thread, which starts with the first job; a worker that crashed is replaced
 * at the next job.
 * @example const aggregator = new Aggregator(); const { norm } = await aggregator.check(job); await
 *   aggregator.close();
 */
export class Aggregator {
  readonly #thread: ServiceThread<AggregationService>;

  constructor(script = new URL('./worker.js', import.meta.url)) {
    this.#thread = new ServiceThread('the aggregation worker', script);
  }
  /** @throws as checkUpdate; LENTIGO_INTERNAL when the worker crashed. */
  check(job: CheckJob): Promise<CheckedUpdate> {
    return this.#thread.call('check', job);
  }
  /**
   * Before a study begins: what it names must be known in the worker, too.
   * @throws LENTIGO_STRATEGY_UNKNOWN
   */
  requireStrategy(choice: StrategyChoice): Promise<void> {
    return this.#thread.call('requireStrategy', choice);
  }
  /**
   * Writes the results to job.out. @throws as runAggregateJob; LENTIGO_INTERNAL when the worker
   * crashed.
   */
  aggregate(job: AggregateJob): Promise<AggregatedFiles> {
    return this.#thread.call('aggregate', job);
  }
  /** Ends the worker; jobs that are not done are rejected. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
