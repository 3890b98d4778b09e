// Held-out evaluation from the coordinator's side: hands jobs to a worker thread that outlives
// rounds, and replaces it when it dies.
import { Worker } from 'node:worker_threads';
import type { EngineName } from '../../common/engine/engine.node.js';
import { LentigoError } from '../../common/errors.js';
import type { Evaluation, EvaluationJob } from './job.js';
import type { Reply, Request } from './worker.js';

export type { Evaluation, EvaluationJob } from './job.js';

interface Pending {
  readonly resolve: (value: Evaluation) => void;
  readonly reject: (error: LentigoError) => void;
  readonly onProgress: ((fraction: number) => void) | undefined;
}

/**
 * @example const { validation, heldout } = await new Evaluator().evaluate({ start, result,
 *   trainFrom: 'features.6', data: 'synthetic:images=60', seed: 1 });
 */
export class Evaluator {
  readonly #engine: EngineName | undefined;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #id = 0;
  #closed = false;

  /** @param options.engine the fastest that works, where absent */
  constructor(options: { engine?: EngineName } = {}) {
    this.#engine = options.engine;
  }

  /**
   * Metrics of a round's result on both of the coordinator's splits. Jobs wait for each other.
   * @param onProgress the share of their images that is done, 0–1
   * @throws LENTIGO_DATA_EMPTY a split has no usable image; what openDataset and the decoders
   *   throw; LENTIGO_UPDATE_NOT_FINITE
   * @throws LENTIGO_INTERNAL the worker died under this job; the next job gets a new one
   */
  evaluate(job: EvaluationJob, onProgress?: (fraction: number) => void): Promise<Evaluation> {
    if (this.#closed)
      return Promise.reject(new LentigoError('LENTIGO_INTERNAL', 'the evaluator is closed'));
    const worker = (this.#worker ??= this.#start());
    const id = this.#id++;
    return new Promise<Evaluation>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      const request: Request = { id, job };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(request);
    });
  }

  /** Stops the worker; jobs in flight are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { engine: this.#engine },
    });
    let cause: unknown;
    worker.on('message', (reply: Reply) => this.#receive(reply));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      this.#worker = undefined;
      const why = this.#closed
        ? 'was closed'
        : `died (${cause instanceof Error ? cause.message : `exit code ${code}`})`;
      for (const { reject } of this.#pending.values())
        reject(new LentigoError('LENTIGO_INTERNAL', `the evaluation worker ${why}`, { cause }));
      this.#pending.clear();
    });
    return worker;
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if (reply.kind === 'progress') {
      pending.onProgress?.(reply.fraction);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.kind === 'done') pending.resolve(reply.value);
    else pending.reject(new LentigoError(reply.code, reply.message, { cause: reply.stack }));
  }
}
