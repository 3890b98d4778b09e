// A worker thread in Node that answers calls, from the side that calls it: comlink carries the
// calls; the thread starts with the first one and is replaced when it has died.
import { type Endpoint, type Remote, wrap } from 'comlink';
import { type Transferable, Worker } from 'node:worker_threads';
import { LentigoError } from '../errors.js';
import { keepErrorCodes } from './error-codes.js';

keepErrorCodes();

/** What a thread offers: functions whose arguments and results can be cloned or transferred. */
// oxlint-disable-next-line typescript/no-explicit-any -- any arguments
export type Service = Record<string, (...args: any[]) => Promise<unknown>>;

interface Running<S> {
  readonly worker: Worker;
  readonly remote: Remote<S>;
  /** Rejects each call that waits for an answer. */
  readonly waiting: Set<(error: LentigoError) => void>;
  closed: boolean;
}

/** A Worker with the event methods of the web, as comlink wants it. It is never unwrapped. */
const endpointOf = (worker: Worker): Endpoint => ({
  postMessage: (message, transfer) =>
    worker.postMessage(message, transfer as Transferable[] | undefined),
  addEventListener: (_type, listener) =>
    worker.on('message', (data: unknown) => {
      const event = { data } as MessageEvent;
      if (typeof listener === 'function') listener(event);
      else listener.handleEvent(event);
    }),
  removeEventListener: () => {},
});

/**
 * Calls the functions that `script` gives to `serve` (serve.node.ts). A thread that has nothing to
 * do keeps no process alive.
 * @example const thread = new ServiceThread<typeof service>('the adding thread', url);
 *   const sum = await thread.call('add', 1, 2); await thread.close();
 */
export class ServiceThread<S extends Service> {
  readonly #name: string;
  readonly #script: URL;
  #running: Running<S> | undefined;

  /** @param name what error messages call the thread */
  constructor(name: string, script: URL) {
    this.#name = name;
    this.#script = script;
  }

  /**
   * Callbacks among the arguments are wrapped by comlink's `proxy`, what is handed over by its
   * `transfer`.
   * @throws what the function throws: a LentigoError as it was, anything else as LENTIGO_INTERNAL
   * @throws LENTIGO_INTERNAL the thread died or was closed before it answered; the next call starts
   *   another
   */
  call<M extends keyof S & string>(method: M, ...args: Parameters<S[M]>): ReturnType<S[M]> {
    const running = (this.#running ??= this.#start());
    const { worker, remote, waiting } = running;
    const answer = new Promise((resolve, reject) => {
      waiting.add(reject);
      worker.ref();
      const settled = (): void => {
        waiting.delete(reject);
        // A closed thread is still ending: its end is what `close` waits for.
        if (waiting.size === 0 && !running.closed) worker.unref();
      };
      const call = remote[method] as unknown as (...args: unknown[]) => Promise<unknown>;
      call(...args)
        .then(resolve, reject)
        .finally(settled);
    });
    return answer as ReturnType<S[M]>;
  }

  /** Ends the thread and rejects the calls that wait; a later call starts another. */
  async close(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    running.closed = true;
    await running.worker.terminate();
  }

  #start(): Running<S> {
    const worker = new Worker(this.#script);
    const running: Running<S> = {
      worker,
      remote: wrap<S>(endpointOf(worker)),
      waiting: new Set(),
      closed: false,
    };
    let crash: unknown;
    worker.on('error', (error) => (crash = error));
    // Comes after 'error', and alone when the thread was ended.
    worker.on('exit', (code) => {
      if (this.#running === running) this.#running = undefined;
      const why = crash instanceof Error ? crash.message : `exit code ${code}`;
      const error = new LentigoError(
        'LENTIGO_INTERNAL',
        `${this.#name} ended before its job was done (${running.closed ? 'it was closed' : `the worker died: ${why}`})`,
        { cause: crash },
      );
      for (const reject of running.waiting) reject(error);
    });
    return running;
  }
}
