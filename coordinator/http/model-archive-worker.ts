// Packs one model and ends (model-archive.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { zipSync } from 'fflate';
import { useEngine } from '../../common/engine/engine.node.js';
import { decodeModel } from '../../common/model/encoding.js';
import { modelFiles } from '../../common/model/folder.node.js';

// nothing is computed: building the topology allocates its weights, for a moment
await useEngine('cpu');
const files = modelFiles(decodeModel(workerData as Uint8Array)).map(
  ([name, content]) =>
    [
      name,
      typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
    ] as const,
);
// Weights are noise to a compressor: stored as they are.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage(zipSync(Object.fromEntries(files), { level: 0 }));
