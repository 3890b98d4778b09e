// Training steps on several threads. Each thread computes the gradients of micro-batches on its own
// WASM engine, over shared memory: it takes the next free micro-batch and stores its gradients in
// that micro-batch's place. Then each thread sums its share of all parameters over the
// micro-batches, in order. The result is bit-identical to that of one thread.
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ArchitectureId } from '../model/architecture-id.js';
import type { LabelSet } from '../model/labels.js';
import { createStudent, type Student } from '../model/student.js';
import { ParameterSet, type ParameterSpec, sizeOf } from '../update/parameter-set.js';
import type { Optimiser } from './optimiser.js';
import { type LossOptions, microBatchSize, partGradients } from './step.js';

/** Another thread, on any platform. */
export interface Thread {
  post(message: ThreadMessage): void;
  /** Resolves with the thread's next answer; rejects if it has failed or ended. */
  answer(): Promise<void>;
  end(): void;
}

/** The memory shared by all threads of a training. */
interface Shared {
  /** The trainable parameters at this step. */
  readonly parameters: Float32Array;
  /** The batch: inputs of block `trainFrom`, and class indices. */
  readonly x: Float32Array;
  readonly labels: Int32Array;
  /** One per micro-batch: its loss and its gradients. The first becomes the sum of all. */
  readonly parts: readonly Float32Array[];
  /** One per micro-batch: 1 when it is computed, else 0. */
  readonly done: Int32Array;
  /** Index of the next free micro-batch. */
  readonly next: Int32Array;
}

/** What is trained, and with which loss. */
export interface ThreadedTraining {
  readonly trainFrom: string;
  readonly loss: LossOptions;
}

interface Start extends ThreadedTraining {
  readonly kind: 'start';
  readonly architecture: ArchitectureId;
  readonly labelSet: LabelSet;
  readonly specs: readonly ParameterSpec[];
  readonly values: Float32Array;
  readonly shared: Shared;
  /** This thread's share of the sums. */
  readonly share: Share;
}

interface Share {
  readonly index: number;
  readonly of: number;
}

/** One batch: `n` examples of `shape`, in micro-batches of `size`. */
interface Step {
  readonly kind: 'step';
  readonly n: number;
  readonly size: number;
  readonly shape: readonly number[];
}

export type ThreadMessage = Start | Step;

/** Floats that one thread sums before it turns to the next micro-batch: they stay in its cache. */
const BLOCK = 4096;

const sharedFloats = (length: number): Float32Array =>
  new Float32Array(new SharedArrayBuffer(length * 4));
const sharedInts = (length: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(length * 4));

/**
 * A tensor's values in place on the engine's heap, valid until its next operation. Copying all
 * gradients at each step would cost more than it seems.
 */
const valuesOf = (tensor: tf.Tensor): Float32Array =>
  (tf.backend() as BackendWasm).typedArrayFromHeap(tensor) as Float32Array;

const partsOf = ({ n, size }: Step): number => Math.ceil(n / size);

/** Views of consecutive parts of a vector, each as long as its tensor. */
function split(values: Float32Array, tensors: readonly tf.Tensor[]): Float32Array[] {
  let at = 0;
  return tensors.map(({ size }) => values.subarray(at, (at += size)));
}

/** Computes micro-batches, one after the other, until none is left. */
function work(
  student: Student,
  { trainFrom, loss }: ThreadedTraining,
  shared: Shared,
  { n, size, shape }: Step,
): void {
  const each = sizeOf(shape);
  for (
    let part = Atomics.add(shared.next, 0, 1);
    part * size < n;
    part = Atomics.add(shared.next, 0, 1)
  ) {
    const [start, end] = [part * size, Math.min(n, (part + 1) * size)];
    tf.tidy(() => {
      const x = tf.tensor(shared.x.subarray(start * each, end * each), [end - start, ...shape]);
      const found = partGradients(
        student,
        trainFrom,
        x,
        [...shared.labels.subarray(start, end)],
        n,
        loss,
      );
      for (const [i, values] of split(shared.parts[part]!, found).entries())
        values.set(valuesOf(found[i]!));
    });
    Atomics.store(shared.done, part, 1);
    Atomics.notify(shared.done, part);
  }
}

/**
 * Adds up this thread's share of all micro-batches' gradients, once all are computed, into the
 * first one's place.
 */
function sum(shared: Shared, parts: number, { index, of }: Share): void {
  const [total, ...others] = shared.parts.slice(0, parts) as [Float32Array, ...Float32Array[]];
  const [from, to] = [
    Math.floor((index * total.length) / of),
    Math.floor(((index + 1) * total.length) / of),
  ];
  for (let start = from; start < to; start += BLOCK) {
    const end = Math.min(to, start + BLOCK);
    for (const part of others) for (let i = start; i < end; i++) total[i] = total[i]! + part[i]!;
  }
}

/**
 * A thread's handler of messages, once its engine is ready. The thread answers when the handler
 * returns.
 */
export function threadWork(): (message: ThreadMessage) => void {
  let step: ((message: Step) => void) | undefined;
  return (message) => {
    if (message.kind === 'step') return step!(message);
    const { architecture, labelSet, specs, values, shared, share, trainFrom } = message;
    const student = createStudent({
      architecture,
      labels: labelSet,
      parameters: new ParameterSet(specs, values),
    });
    const variables = student.variables(trainFrom);
    step = (batch) => {
      tf.tidy(() => {
        for (const [i, values] of split(shared.parameters, variables).entries())
          variables[i]!.assign(tf.tensor(values, variables[i]!.shape));
      });
      work(student, message, shared, batch);
      const parts = partsOf(batch);
      for (let part = 0; part < parts; part++) Atomics.wait(shared.done, part, 0);
      sum(shared, parts, share);
    };
  };
}

/** Steps of one training, on this thread and others. */
export class ThreadedStep {
  readonly #student: Student;
  readonly #training: ThreadedTraining;
  readonly #threads: readonly Thread[];
  readonly #shared: Shared;
  readonly #size: number;

  private constructor(
    student: Student,
    training: ThreadedTraining,
    threads: readonly Thread[],
    shared: Shared,
    size: number,
  ) {
    this.#student = student;
    this.#training = training;
    this.#threads = threads;
    this.#shared = shared;
    this.#size = size;
  }

  /**
   * Prepares these threads, and owns them: `dispose` ends them. Each has a student and its own
   * engine for its micro-batches; the shared memory holds the batch and one set of gradients per
   * micro-batch.
   * @param shape of one input of block `trainFrom`
   * @param batchSize the largest number of examples in a step
   */
  static async start(
    student: Student,
    training: ThreadedTraining,
    shape: readonly number[],
    batchSize: number,
    threads: readonly Thread[],
  ): Promise<ThreadedStep> {
    const all = await student.parameters();
    const names = new Set(student.trainable(training.trainFrom));
    const trainable = all.specs
      .filter((s) => names.has(s.name))
      .reduce((sum, s) => sum + sizeOf(s.shape), 0);
    const size = microBatchSize(student, training.trainFrom);
    const shared: Shared = {
      parameters: sharedFloats(trainable),
      x: sharedFloats(batchSize * sizeOf(shape)),
      labels: sharedInts(batchSize),
      parts: Array.from({ length: Math.ceil(batchSize / size) }, () => sharedFloats(trainable + 1)),
      done: sharedInts(Math.ceil(batchSize / size)),
      next: sharedInts(1),
    };
    const { architecture, labels } = student;
    const started = new ThreadedStep(student, training, threads, shared, size);
    try {
      await started.#ask(
        (index) => ({
          kind: 'start',
          ...training,
          architecture,
          labelSet: labels,
          specs: all.specs,
          values: all.values,
          shared,
          share: { index, of: 1 + threads.length },
        }),
        () => {},
      );
      return started;
    } catch (e) {
      started.dispose();
      throw e;
    }
  }

  /**
   * Like `trainStep`: one optimiser step on x [n, …] of block `trainFrom`, n up to `batchSize`.
   * @returns the batch's mean loss; the caller disposes of it
   */
  async step(optimiser: Optimiser, x: tf.Tensor, labels: readonly number[]): Promise<tf.Scalar> {
    const shared = this.#shared;
    const variables = this.#student.variables(this.#training.trainFrom);
    for (const [i, values] of split(shared.parameters, variables).entries())
      values.set(valuesOf(variables[i]!));
    shared.x.set(valuesOf(x));
    shared.labels.set(labels);
    shared.done.fill(0);
    Atomics.store(shared.next, 0, 0);
    const step: Step = {
      kind: 'step',
      n: labels.length,
      size: this.#size,
      shape: x.shape.slice(1),
    };
    await this.#ask(
      () => step,
      () => work(this.#student, this.#training, shared, step),
    );
    const of = 1 + this.#threads.length;
    sum(shared, partsOf(step), { index: of - 1, of });
    const [total] = shared.parts as [Float32Array];
    return tf.tidy(() => {
      const loss = tf.scalar(total[0]!);
      optimiser.apply(
        split(total.subarray(1), variables).map((values, i) =>
          tf.tensor(values, variables[i]!.shape),
        ),
      );
      return loss;
    });
  }

  /** Ends the threads. */
  dispose(): void {
    for (const thread of this.#threads) thread.end();
  }

  /** Sends every thread its message, runs `meanwhile` on this one, and waits for all. */
  async #ask(message: (index: number) => ThreadMessage, meanwhile: () => void): Promise<void> {
    const answers = Promise.all(this.#threads.map((thread) => thread.answer()));
    // If `meanwhile` throws, nobody awaits the answers.
    answers.catch(() => {});
    for (const [index, thread] of this.#threads.entries()) thread.post(message(index));
    meanwhile();
    await answers;
  }
}
