// Checkpoints of a training on disk, after each epoch: after a kill, training continues from the
// last completed epoch and reaches the same numbers.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import { systemCode, writeDurably } from '../../common/files/durable.node.js';
import { Metrics } from '../../common/evaluation/metrics.js';
import { decodeSafetensors, encodeSafetensors } from '../../common/model/safetensors.js';

/** One record of the learning curves. */
export const EpochRecord = z.strictObject({
  /** Counted from 1 through all phases. */
  epoch: z.int(),
  phase: z.int(),
  learningRate: z.number(),
  loss: z.number(),
  validation: Metrics,
  seconds: z.number(),
});
export type EpochRecord = z.infer<typeof EpochRecord>;

export const TrainingState = z.strictObject({
  /** The current phase, and its number of completed epochs. */
  phase: z.int(),
  done: z.int(),
  /** Optimiser steps done in this phase. */
  steps: z.int(),
  /** Consecutive epochs of this phase without a better result. */
  stalled: z.int(),
  /** The best epoch so far by validation; 0: none yet. */
  best: z.int(),
  history: z.array(EpochRecord),
});
export type TrainingState = z.infer<typeof TrainingState>;

/** Values by name: parameters and the optimiser's moments. */
export type Values = ReadonlyMap<string, Float32Array>;

/** The files of one training, in a folder that several trainings share. */
export class Checkpoint {
  readonly #folder: string;
  readonly #name: string;
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * Reads the checkpoint.
   * @returns undefined if none was begun
   * @throws LENTIGO_WEIGHTS_INVALID naming a file that is damaged
   */
  async read(): Promise<{ state: TrainingState; values: Values } | undefined> {
    const stored = await this.#readFile(this.#path);
    return (
      stored && {
        state: TrainingState.parse(JSON.parse(stored.metadata['state'] ?? 'null')),
        values: stored.values,
      }
    );
  }
  /**
   * Writes the best epoch's file first, then the state that names it: if killed in between, only
   * the epoch is repeated.
   */
  async write(state: TrainingState, values: Values, best: Values | undefined): Promise<void> {
    if (best) await writeDurably(this.#bestPath(state.best), pack(best, {}));
    await writeDurably(this.#path, pack(values, { state: JSON.stringify(state) }));
    await this.remove(new Set([this.#path, this.#bestPath(state.best)]));
  }
  /** Deletes all files of this training except `kept`. */
  async remove(kept: ReadonlySet<string> = new Set()): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.startsWith(`${this.#name}.`) && !kept.has(path)) await rm(path, { force: true });
    }
  }
  /** The model's parameters after its best epoch by validation. */
  async best(epoch: number): Promise<Values> {
    const path = this.#bestPath(epoch);
    const stored = await this.#readFile(path);
    if (!stored) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path} is missing`);
    return stored.values;
  }

  get #path(): string {
    return join(this.#folder, `${this.#name}.checkpoint`);
  }
  #bestPath(epoch: number): string {
    return join(this.#folder, `${this.#name}.best-${epoch}`);
  }
  async #readFile(path: string) {
    const bytes = await readFile(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!bytes) return undefined;
    try {
      const { metadata, tensors } = decodeSafetensors(bytes);
      return { metadata, values: new Map(tensors.map((t) => [t.name, t.values])) };
    } catch (cause) {
      throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

const pack = (values: Values, metadata: Record<string, string>): Uint8Array =>
  encodeSafetensors({
    metadata,
    tensors: [...values].map(([name, v]) => ({ name, shape: [v.length], values: v })),
  });
