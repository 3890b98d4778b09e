// A training thread in a browser: computes gradients on its own WASM engine, and answers each
// message when done.
import { type ThreadMessage, threadWork } from '../../../common/training/gradient-threads.js';
import { useEngine } from './engines.js';

const ready = useEngine('wasm').then(threadWork);
addEventListener('message', async ({ data }: MessageEvent<ThreadMessage>) => {
  const work = await ready;
  work(data);
  postMessage('done');
});
