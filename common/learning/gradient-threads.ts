// Training steps on several threads: each computes the gradients of micro-batches on an engine of its own, over shared memory. A micro-batch
// goes to whichever thread is free, its gradients to a place of its own; they are summed in order: the result is that of one thread, to the bit.
import * as tf from '@tensorflow/tfjs';
import type { ArchitectureId } from '../model/architecture-id.js';
import type { LabelSet } from '../model/labels.js';
import { createStudent, type Student } from '../model/student.js';
import { ParameterSet, type ParameterSpec, sizeOf } from '../update/parameter-set.js';
import type { Optimiser } from './optimiser.js';
import { type LossOptions, microBatchSize, partGradients } from './step.js';

/** Another thread, whatever the platform calls it. */
export interface Thread {
  post(message: ThreadMessage): void;
  /** Settles with the thread's next answer; rejects when it has failed or ended. */
  answer(): Promise<void>;
  end(): void;
}

/** All that the threads of a training share. */
interface Shared {
  /** The trainable parameters, as of this step. */
  readonly parameters: Float32Array;
  /** The batch: inputs of block `trainFrom`, and class indices. */
  readonly x: Float32Array;
  readonly labels: Int32Array;
  /** For each micro-batch its loss and its gradients. */
  readonly parts: readonly Float32Array[];
  /** The next micro-batch that nobody has taken. */
  readonly next: Int32Array;
}

/** What is trained, and on which loss. */
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
}

/** One batch: `n` examples of `shape`, in micro-batches of `size`. */
interface Step {
  readonly kind: 'step';
  readonly n: number;
  readonly size: number;
  readonly shape: readonly number[];
}

export type ThreadMessage = Start | Step;

const sharedFloats = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(length * 4));

/** Views of consecutive parts of a vector, as long as the tensors. */
function split(values: Float32Array, tensors: readonly tf.Tensor[]): Float32Array[] {
  let at = 0;
  return tensors.map(({ size }) => values.subarray(at, (at += size)));
}

/** sum ← sum + values */
function add(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + values[i]!;
}

/** Takes micro-batches, one after the other, until none is left. */
function work(student: Student, { trainFrom, loss }: ThreadedTraining, shared: Shared, { n, size, shape }: Step): void {
  const each = sizeOf(shape);
  for (let part = Atomics.add(shared.next, 0, 1); part * size < n; part = Atomics.add(shared.next, 0, 1)) {
    const [start, end] = [part * size, Math.min(n, (part + 1) * size)];
    tf.tidy(() => {
      const x = tf.tensor(shared.x.slice(start * each, end * each), [end - start, ...shape]);
      const found = partGradients(student, trainFrom, x, [...shared.labels.subarray(start, end)], n, loss);
      for (const [i, values] of split(shared.parts[part]!, found).entries()) values.set(found[i]!.dataSync());
    });
  }
}

/** What a thread does with its messages, the engine being ready; to be answered when it returns. */
export function threadWork(): (message: ThreadMessage) => void {
  let step: ((message: Step) => void) | undefined;
  return (message) => {
    if (message.kind === 'step') return step!(message);
    const { architecture, labelSet, specs, values, shared, trainFrom } = message;
    const student = createStudent({ architecture, labels: labelSet, parameters: new ParameterSet(specs, values) });
    const variables = student.variables(trainFrom);
    step = (batch) => {
      tf.tidy(() => {
        for (const [i, values] of split(shared.parameters, variables).entries()) variables[i]!.assign(tf.tensor(values, variables[i]!.shape));
      });
      work(student, message, shared, batch);
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

  private constructor(student: Student, training: ThreadedTraining, threads: readonly Thread[], shared: Shared, size: number) {
    this.#student = student;
    this.#training = training;
    this.#threads = threads;
    this.#shared = shared;
    this.#size = size;
  }

  /**
   * Takes the threads over: `dispose` ends them. Each holds a student and, for its micro-batches, an engine of its own; the shared memory holds
   * the batch and one set of gradients for each of its micro-batches.
   * @param shape of one input of block `trainFrom` @param batchSize the most examples of a step
   */
  static async start(student: Student, training: ThreadedTraining, shape: readonly number[], batchSize: number, threads: readonly Thread[]): Promise<ThreadedStep> {
    const all = await student.parameters();
    const names = new Set(student.trainable(training.trainFrom));
    const trainable = all.specs.filter((s) => names.has(s.name)).reduce((sum, s) => sum + sizeOf(s.shape), 0);
    const size = microBatchSize(student, training.trainFrom);
    const shared: Shared = {
      parameters: sharedFloats(trainable),
      x: sharedFloats(batchSize * sizeOf(shape)),
      labels: new Int32Array(new SharedArrayBuffer(batchSize * 4)),
      parts: Array.from({ length: Math.ceil(batchSize / size) }, () => sharedFloats(trainable + 1)),
      next: new Int32Array(new SharedArrayBuffer(4)),
    };
    const { architecture, labels } = student;
    const started = new ThreadedStep(student, training, threads, shared, size);
    try {
      await started.#ask({ kind: 'start', ...training, architecture, labelSet: labels, specs: all.specs, values: all.values, shared }, () => {});
      return started;
    } catch (e) {
      started.dispose();
      throw e;
    }
  }

  /** As `trainStep`: one optimiser step on x [n, …] of block `trainFrom`, n up to `batchSize`. @returns the batch's mean loss, the caller's to dispose of */
  async step(optimiser: Optimiser, x: tf.Tensor, labels: readonly number[]): Promise<tf.Scalar> {
    const shared = this.#shared;
    const variables = this.#student.variables(this.#training.trainFrom);
    for (const [i, values] of split(shared.parameters, variables).entries()) values.set(variables[i]!.dataSync());
    shared.x.set(x.dataSync());
    shared.labels.set(labels);
    Atomics.store(shared.next, 0, 0);
    const step: Step = { kind: 'step', n: labels.length, size: this.#size, shape: x.shape.slice(1) };
    await this.#ask(step, () => work(this.#student, this.#training, shared, step));
    // In the first part's place: another sixteen megabytes would be made anew, and cleared, at each step.
    const [sum, ...others] = shared.parts.slice(0, Math.ceil(step.n / step.size)) as [Float32Array, ...Float32Array[]];
    for (const part of others) add(sum, part);
    return tf.tidy(() => {
      const loss = tf.scalar(sum[0]!);
      optimiser.apply(split(sum.subarray(1), variables).map((values, i) => tf.tensor(values, variables[i]!.shape)));
      return loss;
    });
  }

  /** Ends the threads. */
  dispose(): void {
    for (const thread of this.#threads) thread.end();
  }

  /** Gives every thread the message, does `meanwhile` on this one, and waits for all. */
  async #ask(message: ThreadMessage, meanwhile: () => void): Promise<void> {
    const answers = Promise.all(this.#threads.map((thread) => thread.answer()));
    // Should `meanwhile` throw, nobody waits for the answers.
    answers.catch(() => {});
    for (const thread of this.#threads) thread.post(message);
    meanwhile();
    await answers;
  }
}
