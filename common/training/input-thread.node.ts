// Reads photographs in a worker thread of Node: they are decoded and augmented while this thread is
// busy with an engine.
import { ServiceThread } from '../workers/thread.node.js';
import { DirectReader, type InputReader, type Photograph } from './inputs.js';
import type { InputService } from './input-worker.node.js';

/**
 * Its thread starts with the first reading, and keeps no process alive that has nothing to read.
 */
export class InputThread implements InputReader {
  readonly #thread = new ServiceThread<InputService>(
    'the thread that reads photographs',
    new URL('./input-worker.node.js', import.meta.url),
  );
  /** Reads what only a function of this thread can load. */
  readonly #direct = new DirectReader(0);

  read(sample: Photograph, variants: readonly number[], size: number): Promise<Float32Array[]> {
    const { id, revision, origin } = sample;
    return origin
      ? this.#thread.call('read', { id, revision, origin }, variants, size)
      : this.#direct.read(sample, variants, size);
  }
  release(): Promise<void> {
    return this.#thread.close();
  }
}
