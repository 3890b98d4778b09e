// The thread that reads photographs: it receives a sample's origin as data, and returns the model's
// input.
import { transfer } from 'comlink';
import type { Origin } from '../dataset/sample.js';
import { paint } from '../dataset/synthetic/paint.js';
import { decodePicture } from '../images/decode.node.js';
import { serve } from '../workers/serve.node.js';
import { DirectReader } from './inputs.js';

interface Source {
  readonly id: string;
  readonly revision: string | undefined;
  readonly origin: Origin;
}

/** Memory for decoded photographs: 2,000 of 256 × 341 pixels, or 14 of 12 megapixels. */
const DECODED_BYTES = 512 * 1024 * 1024;

const reader = new DirectReader(DECODED_BYTES);

const service = {
  async read(
    { origin, ...sample }: Source,
    variants: readonly number[],
    size: number,
  ): Promise<Float32Array[]> {
    const load = async () =>
      'file' in origin ? await decodePicture(origin.file) : paint(origin.scene).picture;
    const inputs = await reader.read({ ...sample, load }, variants, size);
    return transfer(
      inputs,
      inputs.map(({ buffer }) => buffer),
    );
  },
};
export type InputService = typeof service;

// The reader itself takes one photograph after the other.
serve(service, { oneAtATime: false });
