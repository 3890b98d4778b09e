// Threads for training in a browser: workers of the training worker, each with its own WASM engine.
import * as tf from '@tensorflow/tfjs';
import type { Thread } from '../../../common/training/gradient-threads.js';

/** More threads gain little: they wait for memory. */
const MOST = 4;

/**
 * Starts a thread for each core but this thread's. None on a GPU, or if the page isn't cross-origin
 * isolated, as threads can't share memory then.
 */
export function spareThreads(): Thread[] {
  if (tf.getBackend() !== 'wasm' || !globalThis.crossOriginIsolated) return [];
  return Array.from({ length: Math.min(MOST, navigator.hardwareConcurrency) - 1 }, startThread);
}

function startThread(): Thread {
  const worker = new Worker(new URL('./gradient-worker.ts', import.meta.url), { type: 'module' });
  let failure: Error | undefined;
  worker.addEventListener(
    'error',
    ({ message }) => (failure ??= new Error(`a training thread failed: ${message}`)),
  );
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    post: (message) => worker.postMessage(message),
    answer: () =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        const settle = (): void => {
          worker.removeEventListener('message', settle);
          worker.removeEventListener('error', settle);
          if (failure) reject(failure);
          else resolve();
        };
        worker.addEventListener('message', settle);
        worker.addEventListener('error', settle);
      }),
    end: () => worker.terminate(),
  };
}
