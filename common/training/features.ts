// From samples to the input of the trainable part: decode, augment, compute frozen features, with a
// cache.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import { imageError } from '../images/image-error.js';
import type { Classifier } from '../model/student.js';
import type { FeatureCache } from './feature-cache.js';
import { DirectReader, type InputReader, readAhead } from './inputs.js';

/**
 * One training example: variant 0 is the plain image, every other number an augmentation, the same
 * in every round.
 */
export interface Example {
  readonly sample: Sample;
  readonly variant: number;
}

/** A sample that could not be used, and why. */
export interface Skipped {
  readonly id: string;
  readonly message: string;
}

/**
 * Number of whole images in one forward pass. WASM gains little from more, and never gives memory
 * back (efficientnet_b0 at 224 pixels, heap and CPU time per image: 1: 120 MiB, 75 ms; 4: 320, 46;
 * 8: 580, 40).
 */
export const imagesAtOnce = (): number => (tf.getBackend() === 'wasm' ? 4 : 8);

/** Settles when the GPU has finished the work submitted before the last `breathe`. */
let given: Promise<unknown> = Promise.resolve();

/**
 * Pauses between two pieces of work. It lets sockets and timers run, and a GPU catch up to within
 * one piece; otherwise whole epochs would be queued on the GPU with all their batches.
 */
export async function breathe(): Promise<void> {
  const before = given;
  const { queue } = tf.backend() as unknown as { queue?: GPUQueue };
  // A lost GPU is noticed where its results are read.
  given = queue?.onSubmittedWorkDone().catch(() => {}) ?? Promise.resolve();
  await Promise.all([before, new Promise((resolve) => setTimeout(resolve, 0))]);
}

/** An example, and the model's input for it. */
interface Input {
  readonly example: Example;
  readonly values: Float32Array;
}

export interface SourceOptions {
  /**
   * The cache for this starting model. Without one, or if nothing is frozen, features are computed
   * each time.
   */
  readonly cache?: FeatureCache | undefined;
  /** The reader for the samples' dataset. Without one, this thread reads the photographs. */
  readonly reader?: InputReader | undefined;
}

/**
 * The frozen part of a student together with its images. `skipped` grows as unreadable images are
 * found; they are never tried again.
 */
export class FeatureSource {
  readonly skipped = new Map<string, string>();
  readonly #student: Pick<Classifier, 'blocks' | 'inputSize' | 'features'>;
  readonly #trainFrom: string;
  readonly #cache: FeatureCache | undefined;
  readonly #reader: InputReader;
  /** Shape of one input of the trainable part. */
  readonly shape: readonly number[];
  readonly #size: number;
  readonly frozen: boolean;

  constructor(
    student: Pick<Classifier, 'blocks' | 'inputSize' | 'features'>,
    trainFrom: string,
    { cache, reader = new DirectReader() }: SourceOptions = {},
  ) {
    this.#student = student;
    this.#trainFrom = trainFrom;
    this.frozen = trainFrom !== student.blocks[0];
    this.#cache = this.frozen ? cache : undefined;
    this.#reader = reader;
    this.#size = student.inputSize;
    this.shape = tf.tidy(() =>
      student.features(tf.zeros([1, this.#size, this.#size, 3]), trainFrom).shape.slice(1),
    );
  }

  /**
   * Computes what is missing from the cache, and reads the next images meanwhile. `onDone` receives
   * the share of samples done.
   */
  async prepare(
    samples: readonly Sample[],
    variants: number,
    onDone: (fraction: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    if (!this.#cache) return;
    const atOnce = imagesAtOnce();
    const waiting: Input[] = [];
    const flush = async () => {
      if (waiting.length > 0) await this.#compute(waiting.splice(0));
      await breathe();
    };
    const missing = async (sample: Sample): Promise<Input[]> => {
      const lacking: Example[] = [];
      for (let variant = 0; variant < variants; variant++)
        if (!(await this.#cached({ sample, variant }))) lacking.push({ sample, variant });
      return await this.#inputs(sample, lacking);
    };
    let done = 0;
    for await (const inputs of readAhead(samples, missing, 1 + Math.ceil(atOnce / variants))) {
      signal?.throwIfAborted();
      for (const input of inputs) {
        waiting.push(input);
        if (waiting.length === atOnce) await flush();
      }
      onDone(++done / samples.length);
    }
    await flush();
  }

  /**
   * Yields for each of these batches the input of the trainable part, [n, …]; n can be less than
   * its examples, because unreadable images are left out. While the caller uses one batch, the
   * images of the next are read. Yields undefined for a batch with no readable image. The caller
   * disposes of `x`.
   * @throws the signal's reason when aborted
   */
  async *batches(
    lists: Iterable<readonly Example[]>,
    signal?: AbortSignal,
  ): AsyncGenerator<{ x: tf.Tensor; used: Example[] } | undefined> {
    for await (const inputs of readAhead(lists, (examples) => this.#read(examples), 1)) {
      signal?.throwIfAborted();
      yield await this.#batch(inputs);
    }
  }

  /** The cached features of these examples; for the others, their images as input. */
  async #read(examples: readonly Example[]): Promise<(Input & { cached: boolean })[]> {
    const found = examples.map(async (example) => {
      // Without a cache nothing is awaited here, so that the reader gets its request before an
      // engine blocks this thread.
      const features = this.#cache && (await this.#cached(example));
      const inputs = features
        ? [{ example, values: features }]
        : await this.#inputs(example.sample, [example]);
      return inputs.map((input) => ({ ...input, cached: features !== undefined }));
    });
    return (await Promise.all(found)).flat();
  }

  async #batch(
    found: readonly (Input & { cached: boolean })[],
  ): Promise<{ x: tf.Tensor; used: Example[] } | undefined> {
    if (found.length === 0) return undefined;
    const used = found.map(({ example }) => example);
    if (!this.frozen) return { x: this.#stack(found, [this.#size, this.#size, 3]), used };
    const missing = found.filter(({ cached }) => !cached);
    const features = new Map(found.map(({ example, values }) => [example, values]));
    const size = imagesAtOnce();
    for (let i = 0; i < missing.length; i += size)
      for (const { example, values } of await this.#compute(missing.slice(i, i + size)))
        features.set(example, values);
    return {
      x: this.#stack(
        used.map((example) => ({ values: features.get(example)! })),
        this.shape,
      ),
      used,
    };
  }

  /** Replaces images by their features. */
  async #compute(inputs: readonly Input[]): Promise<Input[]> {
    const x = this.#stack(inputs, [this.#size, this.#size, 3]) as tf.Tensor4D;
    const y = this.#student.features(x, this.#trainFrom);
    const values = (await y.data()) as Float32Array;
    tf.dispose([x, y]);
    const each = values.length / inputs.length;
    const features = inputs.map(({ example }, i) => ({
      example,
      values: values.slice(i * each, (i + 1) * each),
    }));
    for (const { example, values } of features) await this.#cache?.set(this.#key(example), values);
    return features;
  }

  async #cached(example: Example): Promise<Float32Array | undefined> {
    const features = await this.#cache?.get(this.#key(example));
    return features?.length === this.shape.reduce((a, b) => a * b, 1) ? features : undefined;
  }

  /** The inputs of one sample; none if it can't be read. */
  async #inputs(sample: Sample, examples: readonly Example[]): Promise<Input[]> {
    if (examples.length === 0 || this.skipped.has(sample.id)) return [];
    try {
      const inputs = await this.#reader.read(
        sample,
        examples.map(({ variant }) => variant),
        this.#size,
      );
      return examples.map((example, i) => ({ example, values: inputs[i]! }));
    } catch (error) {
      this.skipped.set(sample.id, imageError(error).message);
      return [];
    }
  }

  #key({ sample, variant }: Example): string {
    return `${this.#trainFrom}/${variant}/${sample.revision ?? ''}/${sample.id}`;
  }

  #stack(rows: readonly { readonly values: Float32Array }[], shape: readonly number[]): tf.Tensor {
    const each = rows[0]!.values.length;
    const all = new Float32Array(rows.length * each);
    for (const [i, { values }] of rows.entries()) all.set(values, i * each);
    return tf.tensor(all, [rows.length, ...shape]);
  }
}
