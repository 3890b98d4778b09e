// A training thread in Node: computes gradients on its own WASM engine, and answers each message
// when done.
import { parentPort } from 'node:worker_threads';
import { loadExtensions } from '../extensions.node.js';
import { useEngine } from '../engine/engine.node.js';
import { type ThreadMessage, threadWork } from './gradient-threads.js';

const port = parentPort;
if (!port) throw new Error('gradient-worker.node.js runs in a worker thread only');
await loadExtensions();

const ready = useEngine('wasm').then(threadWork);
port.on('message', async (message: ThreadMessage) => {
  const work = await ready;
  work(message);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  port.postMessage('done');
});
