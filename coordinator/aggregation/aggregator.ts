// The coordinator's side of the aggregation thread: promises in, results or LentigoErrors out.
import { Worker } from 'node:worker_threads';
import { LentigoError } from '../../common/errors.js';
import type { AggregatedFiles, AggregateJob } from './aggregate-job.js';
import type { CheckedUpdate, CheckJob } from './check-update.js';
import type { Reply, Request, Task } from './worker.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: LentigoError) => void;
}

/**
 * Runs jobs in a worker thread, which starts with the first job; a worker that crashed is replaced
 * at the next job.
 * @example const aggregator = new Aggregator(); const { norm } = await aggregator.check(job); await
 *   aggregator.close();
 */
export class Aggregator {
  readonly #script: URL;
  #thread: { readonly worker: Worker; readonly waiting: Map<number, Waiting> } | undefined;
  #lastId = 0;

  constructor(script = new URL('./worker.js', import.meta.url)) {
    this.#script = script;
  }
  /** @throws as checkUpdate; LENTIGO_INTERNAL when the worker crashed. */
  async check(job: CheckJob): Promise<CheckedUpdate> {
    return (await this.#run({ kind: 'check', job })) as CheckedUpdate;
  }
  /**
   * Writes the result to job.outPath. @throws as runAggregateJob; LENTIGO_INTERNAL when the worker
   * crashed.
   */
  async aggregate(job: AggregateJob): Promise<AggregatedFiles> {
    return (await this.#run({ kind: 'aggregate', job })) as AggregatedFiles;
  }
  /** Ends the worker; jobs that are not done are rejected. */
  async close(): Promise<void> {
    await this.#thread?.worker.terminate();
  }

  #run(task: Task): Promise<unknown> {
    const { worker, waiting } = (this.#thread ??= this.#start());
    const request: Request = { ...task, id: ++this.#lastId };
    return new Promise((resolve, reject) => {
      waiting.set(request.id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(request);
    });
  }

  #start(): { worker: Worker; waiting: Map<number, Waiting> } {
    const worker = new Worker(this.#script);
    const waiting = new Map<number, Waiting>();
    let crash: unknown;
    worker.on('message', (reply: Reply) => {
      const { resolve, reject } = waiting.get(reply.id)!;
      waiting.delete(reply.id);
      if (reply.ok) resolve(reply.value);
      else reject(new LentigoError(reply.code, reply.message, { cause: reply.stack }));
    });
    worker.on('error', (error) => (crash = error));
    // Comes after 'error', and alone when the thread was ended.
    worker.on('exit', (code) => {
      if (this.#thread?.worker === worker) this.#thread = undefined;
      const why = crash instanceof Error ? crash.message : `exit code ${code}`;
      for (const { reject } of waiting.values())
        reject(
          new LentigoError(
            'LENTIGO_INTERNAL',
            `The aggregation worker ended before its job was done (${why}).`,
            { cause: crash },
          ),
        );
    });
    return { worker, waiting };
  }
}
