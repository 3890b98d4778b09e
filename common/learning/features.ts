// From samples to what the trainable part takes: decode, augment, frozen features, with a cache in between.
import * as tf from '@tensorflow/tfjs';
import { asLentigoError } from '../errors.js';
import type { Sample } from '../dataset/sample.js';
import { toAugmentedInput, toInput } from '../images/prepare.js';
import type { Picture } from '../images/picture.js';
import type { Classifier } from '../model/student.js';
import { Random } from '../random.js';
import type { FeatureCache } from './feature-cache.js';

/** One training example: variant 0 is the plain image, every other number an augmentation of its own, the same in every round. */
export interface Example {
  readonly sample: Sample;
  readonly variant: number;
}

/** A sample that could not be used, and why. */
export interface Skipped {
  readonly id: string;
  readonly message: string;
}

/** Whole images that go forward at once. WASM gains little from more and never gives memory back (efficientnet_b0 at 224 pixels, heap and CPU time an image: 1: 120 MiB, 75 ms; 4: 320, 46; 8: 580, 40). */
export const imagesAtOnce = (): number => (tf.getBackend() === 'wasm' ? 4 : 8);

/** Settles when a GPU has done what it was given until the last `breathe`. */
let given: Promise<unknown> = Promise.resolve();

/** Between two pieces of work: lets sockets and timers have their turn, and a GPU come within one piece of here, or it would be handed whole epochs with all their batches. */
export async function breathe(): Promise<void> {
  const before = given;
  const { queue } = tf.backend() as unknown as { queue?: GPUQueue };
  // A GPU that is taken away is noticed by what reads its results.
  given = queue?.onSubmittedWorkDone().catch(() => {}) ?? Promise.resolve();
  await Promise.all([before, new Promise((resolve) => setTimeout(resolve, 0))]);
}

/** What a model sees of an example's picture: float32, [size, size, 3]. */
export function inputOf(picture: Picture, size: number, { sample, variant }: Example): Float32Array {
  return variant === 0 ? toInput(picture, size) : toAugmentedInput(picture, size, new Random('variant').fork(sample.id, variant));
}

/** The frozen part of a student in front of its images. `skipped` grows as unreadable images are met; they are never tried again. */
export class FeatureSource {
  readonly skipped = new Map<string, string>();
  readonly #student: Pick<Classifier, 'blocks' | 'inputSize' | 'features'>;
  readonly #trainFrom: string;
  readonly #cache: FeatureCache | undefined;
  /** Of one input of the trainable part. */
  readonly shape: readonly number[];
  readonly #size: number;
  readonly frozen: boolean;

  /** @param cache of this starting model; without one, or where nothing is frozen, features are computed each time */
  constructor(student: Pick<Classifier, 'blocks' | 'inputSize' | 'features'>, trainFrom: string, cache?: FeatureCache) {
    this.#student = student;
    this.#trainFrom = trainFrom;
    this.frozen = trainFrom !== student.blocks[0];
    this.#cache = this.frozen ? cache : undefined;
    this.#size = student.inputSize;
    this.shape = tf.tidy(() => student.features(tf.zeros([1, this.#size, this.#size, 3]), trainFrom).shape.slice(1));
  }

  /** Computes what the cache lacks, one decoded picture in memory at a time. `onDone` hears the share of samples done. */
  async prepare(samples: readonly Sample[], variants: number, onDone: (fraction: number) => void, signal?: AbortSignal): Promise<void> {
    if (!this.#cache) return;
    let waiting: Example[] = [];
    let inputs: Float32Array[] = [];
    const flush = async () => {
      if (inputs.length > 0) await this.#compute(waiting, inputs);
      waiting = [];
      inputs = [];
      await breathe();
    };
    for (const [i, sample] of samples.entries()) {
      signal?.throwIfAborted();
      const missing: Example[] = [];
      for (let variant = 0; variant < variants; variant++) {
        const example = { sample, variant };
        if (!(await this.#cached(example))) missing.push(example);
      }
      const picture = missing.length > 0 ? await this.#load(sample) : undefined;
      for (const example of picture ? missing : []) {
        waiting.push(example);
        inputs.push(inputOf(picture!, this.#size, example));
        if (inputs.length === imagesAtOnce()) await flush();
      }
      onDone((i + 1) / samples.length);
    }
    await flush();
  }

  /**
   * The input of the trainable part for these examples, [n, …], n ≤ their number: unreadable images are left out. The caller disposes of `x`.
   * @returns undefined when none can be read
   */
  async batch(examples: readonly Example[]): Promise<{ x: tf.Tensor; used: Example[] } | undefined> {
    const features = new Map<Example, Float32Array>();
    const missing: Example[] = [];
    const inputs: Float32Array[] = [];
    for (const example of examples) {
      const cached = await this.#cached(example);
      if (cached) features.set(example, cached);
      else {
        const picture = await this.#load(example.sample);
        if (!picture) continue;
        missing.push(example);
        inputs.push(inputOf(picture, this.#size, example));
      }
    }
    if (!this.frozen) return missing.length > 0 ? { x: this.#stack(inputs, [this.#size, this.#size, 3]), used: missing } : undefined;
    const size = imagesAtOnce();
    for (let i = 0; i < missing.length; i += size) {
      const part = missing.slice(i, i + size);
      for (const [k, values] of (await this.#compute(part, inputs.slice(i, i + size))).entries()) features.set(part[k]!, values);
    }
    const used = examples.filter((example) => features.has(example));
    return used.length > 0 ? { x: this.#stack(used.map((example) => features.get(example)!), this.shape), used } : undefined;
  }

  async #compute(examples: readonly Example[], inputs: readonly Float32Array[]): Promise<Float32Array[]> {
    const x = this.#stack(inputs, [this.#size, this.#size, 3]) as tf.Tensor4D;
    const y = this.#student.features(x, this.#trainFrom);
    const values = (await y.data()) as Float32Array;
    tf.dispose([x, y]);
    const each = values.length / inputs.length;
    const features = inputs.map((_, i) => values.slice(i * each, (i + 1) * each));
    for (const [i, example] of examples.entries()) await this.#cache?.set(this.#key(example), features[i]!);
    return features;
  }

  async #cached(example: Example): Promise<Float32Array | undefined> {
    const features = await this.#cache?.get(this.#key(example));
    return features?.length === this.shape.reduce((a, b) => a * b, 1) ? features : undefined;
  }

  async #load(sample: Sample): Promise<Picture | undefined> {
    if (this.skipped.has(sample.id)) return undefined;
    try {
      return await sample.load();
    } catch (error) {
      const known = asLentigoError(error);
      if (known.code !== 'LENTIGO_DATA_IMAGE_UNREADABLE' && known.code !== 'LENTIGO_DATA_IMAGE_MISSING') throw error;
      this.skipped.set(sample.id, known.message);
      return undefined;
    }
  }

  #key({ sample, variant }: Example): string {
    return `${this.#trainFrom}/${variant}/${sample.revision ?? ''}/${sample.id}`;
  }

  #stack(rows: readonly Float32Array[], shape: readonly number[]): tf.Tensor {
    const each = rows[0]!.length;
    const all = new Float32Array(rows.length * each);
    for (const [i, row] of rows.entries()) all.set(row, i * each);
    return tf.tensor(all, [rows.length, ...shape]);
  }
}
