// The teachers' outputs for each augmented photograph: computed once, stored in a folder, and read
// back when the student trains on it.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../../common/dataset/sample.js';
import { imageError } from '../../common/images/image-error.js';
import { attentionMap } from '../../common/training/distillation-losses.js';
import { FolderFeatureCache } from '../../common/training/feature-cache.node.js';
import { breathe, type Example, imagesAtOnce } from '../../common/training/features.js';
import { type InputReader, readAhead } from '../../common/training/inputs.js';
import { batchesOf } from '../../common/training/train.js';
import type { Teacher } from '../../common/model/teacher.js';
import type { Trace } from '../../common/model/student.js';

/** A block of the teacher and one of the student with the same resolution. */
export interface Pairing {
  readonly teacher: string;
  readonly student: string;
}

/** The teachers' outputs for one batch, [n, …] each. */
export interface Lesson {
  readonly logits: tf.Tensor2D;
  readonly embedding: tf.Tensor2D;
  /** In the order of the pairings. */
  readonly maps: readonly tf.Tensor2D[];
}

/** The teachers' outputs. A stored row is: logits, embedding, attention maps. */
export class TeacherOutputs {
  readonly #cache: FolderFeatureCache;
  readonly #teachers: readonly Teacher[];
  readonly #pairings: readonly Pairing[];
  /** Number of values in each part of a row. */
  readonly #sizes: readonly number[];

  private constructor(
    cache: FolderFeatureCache,
    teachers: readonly Teacher[],
    pairings: readonly Pairing[],
    sizes: readonly number[],
  ) {
    this.#cache = cache;
    this.#teachers = teachers;
    this.#pairings = pairings;
    this.#sizes = sizes;
  }
  /**
   * Opens the folder.
   * @param sample any sample, to find the sizes of the outputs
   */
  static async open(
    folder: string,
    teachers: readonly Teacher[],
    pairings: readonly Pairing[],
    sample: Sample,
  ): Promise<TeacherOutputs> {
    const cache = await FolderFeatureCache.open(folder, Number.MAX_SAFE_INTEGER);
    const sizes = tf.tidy(() => {
      const size = teachers[0]!.inputSize;
      return partsOf(teachers, pairings, tf.zeros([1, size, size, 3]), [sample]).map(
        ({ shape }) => shape[1],
      );
    });
    return new TeacherOutputs(cache, teachers, pairings, sizes);
  }
  /** Width of the embedding. */
  get embedding(): number {
    return this.#sizes[1]!;
  }

  /**
   * Computes what is missing from the folder, and reads the next photograph meanwhile. Unreadable
   * ones are left out.
   */
  async compute(
    samples: readonly Sample[],
    variants: number,
    reader: InputReader,
    onProgress: (fraction: number) => void,
  ): Promise<void> {
    const size = this.#teachers[0]!.inputSize;
    const missing = async (sample: Sample): Promise<(readonly [Example, Float32Array])[]> => {
      const lacking: Example[] = [];
      for (let variant = 0; variant < variants; variant++)
        if (!(await this.#stored({ sample, variant }))) lacking.push({ sample, variant });
      const inputs =
        lacking.length > 0
          ? await readable(
              reader.read(
                sample,
                lacking.map(({ variant }) => variant),
                size,
              ),
            )
          : undefined;
      return inputs ? lacking.map((example, i) => [example, inputs[i]!]) : [];
    };
    let done = 0;
    for await (const inputs of readAhead(samples, missing, 1)) {
      for (const part of batchesOf(inputs, imagesAtOnce())) {
        await this.#compute(part);
        await breathe();
      }
      onProgress(++done / samples.length);
    }
  }

  /** The rows of these examples, all of which must have been computed. */
  async rows(examples: readonly Example[]): Promise<Float32Array[]> {
    return Promise.all(
      examples.map(async (example) => {
        const row = await this.#stored(example);
        if (!row)
          throw new Error(
            `no teacher's output of ${example.sample.id}, variant ${example.variant}`,
          );
        return row;
      }),
    );
  }
  /** Rows as tensors; call it in a tidy. */
  lesson(rows: readonly Float32Array[]): Lesson {
    let at = 0;
    const parts = this.#sizes.map((size) => {
      const values = new Float32Array(rows.length * size);
      for (const [i, row] of rows.entries()) values.set(row.subarray(at, at + size), i * size);
      at += size;
      return tf.tensor2d(values, [rows.length, size]);
    });
    const [logits, embedding, ...maps] = parts as [tf.Tensor2D, tf.Tensor2D, ...tf.Tensor2D[]];
    return { logits, embedding, maps };
  }

  /** Number of values in a row. */
  get #length(): number {
    return this.#sizes.reduce((a, b) => a + b, 0);
  }
  /** Also undefined if a power cut left the row unfinished. */
  async #stored(example: Example): Promise<Float32Array | undefined> {
    const row = await this.#cache.get(keyOf(example));
    return row?.length === this.#length ? row : undefined;
  }
  async #compute(inputs: readonly (readonly [Example, Float32Array])[]): Promise<void> {
    const size = this.#teachers[0]!.inputSize;
    const all = tf.tidy(() => {
      const x = tf.concat(inputs.map(([, values]) => tf.tensor4d(values, [1, size, size, 3])));
      return tf.concat(
        partsOf(
          this.#teachers,
          this.#pairings,
          x,
          inputs.map(([{ sample }]) => sample),
        ),
        1,
      );
    });
    const values = (await all.data()) as Float32Array;
    all.dispose();
    const each = this.#length;
    for (const [i, [example]] of inputs.entries())
      await this.#cache.set(keyOf(example), values.slice(i * each, (i + 1) * each));
  }
}

const keyOf = ({ sample, variant }: Example): string =>
  `${variant}/${sample.revision ?? ''}/${sample.id}`;

async function readable(inputs: Promise<Float32Array[]>): Promise<Float32Array[] | undefined> {
  try {
    return await inputs;
  } catch (error) {
    imageError(error);
    return undefined;
  }
}

/**
 * Logits, embedding and attention maps. For an ensemble the logits are averaged, and the rest is
 * taken from the first teacher.
 */
function partsOf(
  teachers: readonly Teacher[],
  pairings: readonly Pairing[],
  x: tf.Tensor4D,
  samples: readonly Sample[],
): tf.Tensor2D[] {
  const traces: Trace[] = teachers.map((teacher) => teacher.trace(x, teacher.blocks[0]!, samples));
  const logits = tf.div<tf.Tensor2D>(tf.addN(traces.map((trace) => trace.logits)), teachers.length);
  return [
    logits,
    traces[0]!.embedding,
    ...pairings.map((pairing) => attentionMap(traces[0]!.maps.get(pairing.teacher)!)),
  ];
}
