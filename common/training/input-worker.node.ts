// The thread that reads photographs: gets what a sample comes from as data, and hands back what the
// model sees of it.
import { parentPort } from 'node:worker_threads';
import { loadExtensions } from '../extensions.node.js';
import type { Origin } from '../dataset/sample.js';
import { paint } from '../dataset/synthetic/paint.js';
import { asLentigoError, type ErrorCode } from '../errors.js';
import { decodePicture } from '../images/decode.node.js';
import { DirectReader } from './inputs.js';

export interface Reading {
  readonly reading: number;
  readonly id: string;
  readonly revision: string | undefined;
  readonly origin: Origin;
  readonly variants: readonly number[];
  readonly size: number;
}
export type Reply = { readonly reading: number } & (
  | { readonly inputs: Float32Array[] }
  | { readonly code: ErrorCode; readonly message: string; readonly stack: string | undefined }
);

/** Of decoded photographs: two thousand of 256 × 341 pixels, fourteen of 12 megapixels. */
const DECODED_BYTES = 512 * 1024 * 1024;

const port = parentPort;
if (!port) throw new Error('input-worker.node.js runs in a worker thread only');
await loadExtensions();
const reader = new DirectReader(DECODED_BYTES);
const reply = (message: Reply, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

port.on('message', async ({ reading, origin, variants, size, ...sample }: Reading) => {
  try {
    const load = async () =>
      'file' in origin ? await decodePicture(origin.file) : paint(origin.scene).picture;
    const inputs = await reader.read({ ...sample, load }, variants, size);
    reply(
      { reading, inputs },
      inputs.map(({ buffer }) => buffer as ArrayBuffer),
    );
  } catch (thrown) {
    const { code, message, stack } = asLentigoError(thrown);
    reply({ reading, code, message, stack });
  }
});
