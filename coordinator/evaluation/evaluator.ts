// Held-out evaluation from the coordinator's side: hands jobs to a worker thread that outlives
// rounds, and replaces it when it dies.
import { proxy } from 'comlink';
import type { EngineName } from '../../common/engine/engine.node.js';
import { LentigoError } from '../../common/errors.js';
import { ServiceThread } from '../../common/workers/thread.node.js';
import type { Evaluation, EvaluationJob } from './job.js';
import type { EvaluationService } from './worker.js';

export type { Evaluation, EvaluationJob } from './job.js';

/**
 * @example const { validation, heldout } = await new Evaluator().evaluate({ start, result,
 *   trainFrom: 'features.6', data: 'synthetic:images=60', seed: 1 });
 */
export class Evaluator {
  readonly #engine: EngineName | undefined;
  readonly #thread: ServiceThread<EvaluationService>;
  #closed = false;

  /** @param options.engine the fastest that works, where absent */
  constructor({ engine }: { engine?: EngineName } = {}) {
    this.#engine = engine;
    this.#thread = new ServiceThread(
      'the evaluation worker',
      new URL('./worker.js', import.meta.url),
    );
  }

  /**
   * Metrics of a round's result on both of the coordinator's splits. Jobs wait for each other.
   * @param onProgress the share of their images that is done, 0–1
   * @throws LENTIGO_DATA_EMPTY a split has no usable image; what openDataset and the decoders
   *   throw; LENTIGO_UPDATE_NOT_FINITE
   * @throws LENTIGO_INTERNAL the worker died under this job; the next job gets a new one
   */
  async evaluate(
    job: EvaluationJob,
    onProgress: (fraction: number) => void = () => undefined,
  ): Promise<Evaluation> {
    if (this.#closed) throw new LentigoError('LENTIGO_INTERNAL', 'the evaluator is closed');
    return await this.#thread.call('evaluate', this.#engine, job, proxy(onProgress));
  }

  /** Stops the worker; jobs in flight are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread.close();
  }
}
