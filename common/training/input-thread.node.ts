// Reads photographs in a worker thread of Node: they are decoded and augmented while this thread is
// busy with an engine.
import { Worker } from 'node:worker_threads';
import { LentigoError } from '../errors.js';
import { DirectReader, type InputReader, type Photograph } from './inputs.js';
import type { Reading, Reply } from './input-worker.node.js';

interface Waiting {
  readonly resolve: (inputs: Float32Array[]) => void;
  readonly reject: (error: LentigoError) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/**
 * Its thread starts with the first reading, and keeps no process alive that has nothing to read.
 */
export class InputThread implements InputReader {
  #thread: Thread | undefined;
  #id = 0;
  /** For what only a function can load. */
  readonly #direct = new DirectReader(0);

  read(sample: Photograph, variants: readonly number[], size: number): Promise<Float32Array[]> {
    const { id: name, revision, origin } = sample;
    if (!origin) return this.#direct.read(sample, variants, size);
    const { worker, waiting } = (this.#thread ??= this.#start());
    const reading: Reading = { reading: this.#id++, id: name, revision, origin, variants, size };
    return new Promise((resolve, reject) => {
      waiting.set(reading.reading, { resolve, reject });
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(reading);
    });
  }
  async release(): Promise<void> {
    await this.#thread?.worker.terminate();
  }

  #start(): Thread {
    const worker = new Worker(new URL('./input-worker.node.js', import.meta.url));
    const thread: Thread = { worker, waiting: new Map() };
    const { waiting } = thread;
    let cause: unknown;
    worker.on('message', (reply: Reply) => {
      const reader = waiting.get(reply.reading)!;
      waiting.delete(reply.reading);
      if (waiting.size === 0) worker.unref();
      if ('inputs' in reply) reader.resolve(reply.inputs);
      else reader.reject(new LentigoError(reply.code, reply.message, { cause: reply.stack }));
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      if (this.#thread === thread) this.#thread = undefined;
      const why = cause instanceof Error ? cause.message : `exit code ${code}`;
      for (const { reject } of waiting.values())
        reject(
          new LentigoError('LENTIGO_INTERNAL', `the thread that reads photographs ended (${why})`, {
            cause,
          }),
        );
    });
    return thread;
  }
}
