// Threads for training in Node: workers, each with a WASM engine of its own. Not ServiceThreads: one
// that died can't be replaced, as it holds a student in training, and what a step needs lies in
// shared memory, so that its message and its answer say no more than "go" and "done".
import * as tf from '@tensorflow/tfjs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Thread } from './gradient-threads.js';

/** More threads gain little: they wait for memory. */
const MOST = 4;

/** Starts a thread for each core but this thread's; none where the engine itself uses all cores. */
export const spareThreads = (): Thread[] =>
  tf.getBackend() === 'wasm'
    ? Array.from({ length: Math.min(MOST, availableParallelism()) - 1 }, startThread)
    : [];

/** Starts a thread. */
export function startThread(): Thread {
  const worker = new Worker(new URL('./gradient-worker.node.js', import.meta.url));
  let failure: Error | undefined;
  const fail = (error: Error): void => void (failure ??= error);
  // Whoever waits hears it too; before that, nobody listens.
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`a training thread ended with code ${code}`)));
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    post: (message) => worker.postMessage(message),
    answer: () =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        const settle = (): void => {
          worker.off('message', settle).off('error', settle).off('exit', settle);
          if (failure) reject(failure);
          else resolve();
        };
        worker.on('message', settle).on('error', settle).on('exit', settle);
      }),
    end: () => void worker.terminate(),
  };
}
