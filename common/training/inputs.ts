// From a photograph to the model's input: decoded, augmented, normalised. On this thread;
// input-thread.node.ts does it on another.
import type { Sample } from '../dataset/sample.js';
import type { Picture } from '../images/picture.js';
import { toAugmentedInput, toInput } from '../images/prepare.js';
import { Random } from '../random.js';
import { SerialQueue } from '../serial-queue.js';

/** Reads the photographs of one dataset. */
export interface InputReader {
  /**
   * What a model sees of these variants of a photograph: float32, [size, size, 3] each. Readings
   * are done in the order in which they are asked for, one at a time.
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE, LENTIGO_DATA_IMAGE_MISSING
   */
  read(sample: Photograph, variants: readonly number[], size: number): Promise<Float32Array[]>;
  /** Lets go of the photographs, and of a thread; the next reading starts afresh. */
  release(): Promise<void>;
}

export type Photograph = Pick<Sample, 'id' | 'revision' | 'origin' | 'load'>;

/** Variant 0 is the plain picture, every other number an augmentation of its own. */
function inputOf(picture: Picture, size: number, id: string, variant: number): Float32Array {
  return variant === 0
    ? toInput(picture, size)
    : toAugmentedInput(picture, size, new Random('variant').fork(id, variant));
}

/**
 * Reads on this thread, and keeps decoded photographs up to `maxBytes`. Later ones aren't kept:
 * evicting would empty the memory in every pass over the images.
 */
export class DirectReader implements InputReader {
  readonly #pictures = new Map<string, Picture>();
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #queue = new SerialQueue();

  constructor(maxBytes = 64 * 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }
  read(sample: Photograph, variants: readonly number[], size: number): Promise<Float32Array[]> {
    return this.#queue.run(async () => {
      const picture = await this.#picture(sample);
      return variants.map((variant) => inputOf(picture, size, sample.id, variant));
    });
  }
  async release(): Promise<void> {
    this.#pictures.clear();
    this.#bytes = 0;
  }
  /** At its full size: augmentation crops it before it is scaled. */
  async #picture(sample: Photograph): Promise<Picture> {
    const key = `${sample.revision ?? ''}/${sample.id}`;
    const kept = this.#pictures.get(key);
    if (kept) return kept;
    const picture = await sample.load();
    if (this.#bytes + picture.data.byteLength <= this.#maxBytes) {
      this.#pictures.set(key, picture);
      this.#bytes += picture.data.byteLength;
    }
    return picture;
  }
}

/**
 * Yields the result of `read` for each item, in order. While one is used, the next `ahead` are
 * being read.
 */
export async function* readAhead<T, R>(
  items: Iterable<T>,
  read: (item: T) => Promise<R>,
  ahead: number,
): AsyncGenerator<R> {
  const reading: Promise<R>[] = [];
  for (const item of items) {
    const next = read(item);
    // A failure is reported when its turn comes.
    next.catch(() => {});
    reading.push(next);
    if (reading.length > ahead) yield await reading.shift()!;
  }
  for (const next of reading) yield await next;
}
