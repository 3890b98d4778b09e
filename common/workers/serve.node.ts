// A worker thread in Node that answers calls, from the thread's own side.
import { type Endpoint, expose } from 'comlink';
import { parentPort } from 'node:worker_threads';
import { asLentigoError } from '../errors.js';
import { loadExtensions } from '../extensions.node.js';
import { SerialQueue } from '../serial-queue.js';
import { keepErrorCodes } from './error-codes.js';
import type { Service } from './thread.node.js';

/**
 * Answers the calls of a ServiceThread; extensions are loaded before the first job.
 * @param options.oneAtATime whether a job waits for those before it, so that memory stays bounded
 * @example serve({ add: async (a: number, b: number) => a + b }, { oneAtATime: true });
 */
export function serve(service: Service, { oneAtATime }: { oneAtATime: boolean }): void {
  if (!parentPort) throw new Error('serve() is for worker threads only');
  const ready = loadExtensions();
  // The caller gets the error.
  ready.catch(() => undefined);
  const queue = new SerialQueue();
  const answering = ([name, work]: [string, Service[string]]): [string, Service[string]] => {
    const job = async (...args: unknown[]): Promise<unknown> => {
      try {
        await ready;
        return await work(...args);
      } catch (thrown) {
        throw asLentigoError(thrown);
      }
    };
    return [name, oneAtATime ? (...args) => queue.run(() => job(...args)) : job];
  };
  keepErrorCodes();
  expose(
    Object.fromEntries(Object.entries(service).map(answering)),
    parentPort as unknown as Endpoint,
  );
}
