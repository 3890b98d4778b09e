// The journal of each attempt at a round, written before the next step, so that after a restart
// nothing is trained or sent twice.
import { z } from 'zod';
import { sha256Hex, utf8 } from '../../common/crypto/bytes.js';
import { LentigoError } from '../../common/errors.js';
import { ErrorName } from '../../common/protocol/error-body.js';
import {
  ByteCount,
  Id,
  RoundNumber,
  SampleCount,
  Sha256,
} from '../../common/protocol/primitives.js';
import { Signed } from '../../common/protocol/round.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import type { Skipped } from '../../common/training/features.js';
import type { Bytes, Store } from './store.js';

/**
 * announced → sealed (the bytes to send are stored) → uploaded (the coordinator has them) →
 * received (it promised to count them), or refused.
 */
export const AttemptEntry = z.strictObject({
  round: RoundNumber,
  attempt: Id,
  step: z.enum(['announced', 'sealed', 'uploaded', 'received', 'refused']),
  /** The sealed update, as named by its receipt. `norm` is the L2 norm of the delta. */
  sealed: z
    .strictObject({
      sha256: Sha256,
      bytes: ByteCount,
      samples: SampleCount,
      norm: z.number(),
      loss: z.number(),
      /** Number of photographs that could not be read. */
      leftOut: z.int().default(0),
    })
    .optional(),
  /** Where an interrupted upload resumes. */
  uploadUrl: z.string().max(2000).optional(),
  receipt: Signed.optional(),
  refusal: z.strictObject({ code: ErrorName, message: z.string() }).optional(),
});
export type AttemptEntry = z.infer<typeof AttemptEntry>;

/**
 * A trained delta before it is sealed: float32, in the order of the base's parameters. Another
 * attempt at the same round can seal it again.
 */
export interface Trained {
  readonly delta: Float32Array<ArrayBuffer>;
  readonly samples: number;
  /** The photographs that could not be read, and why. */
  readonly leftOut: readonly Skipped[];
  readonly loss: number;
}
const TrainedRecord = z.strictObject({
  inputs: z.string(),
  sha256: Sha256,
  samples: SampleCount,
  leftOut: z.array(z.strictObject({ id: z.string(), message: z.string() })).default([]),
  loss: z.number(),
});

const FOLDER = 'journal';
const roundOf = (name: string): number => Number(name.slice(0, name.indexOf('-')));
const nameOf = (at: { round: number; attempt: string }, kind: 'json' | 'sealed') =>
  `${FOLDER}/${at.round}-${at.attempt}.${kind}`;
const trainedName = (round: number, kind: 'json' | 'bin') => `${FOLDER}/${round}-trained.${kind}`;
const isEntry = (name: string) => name.endsWith('.json') && !name.endsWith('-trained.json');

export class Journal {
  readonly #store: Store;
  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * All attempts so far, by round.
   * @throws LENTIGO_HOME_INVALID naming an entry that is damaged
   */
  async entries(): Promise<AttemptEntry[]> {
    const names = (await this.#store.list(FOLDER)).filter(isEntry);
    const entries = await Promise.all(
      names.map((name) => this.#json(`${FOLDER}/${name}`, AttemptEntry)),
    );
    return entries.filter((e) => e !== undefined).sort((a, b) => a.round - b.round);
  }

  async entry({ round, attempt }: { round: number; attempt: string }): Promise<AttemptEntry> {
    return (
      (await this.#json(nameOf({ round, attempt }, 'json'), AttemptEntry)) ?? {
        round,
        attempt,
        step: 'announced',
      }
    );
  }

  /** Writes the entry, and returns it. */
  async save(entry: AttemptEntry): Promise<AttemptEntry> {
    await this.#store.write(nameOf(entry, 'json'), utf8(JSON.stringify(entry)));
    return entry;
  }

  /**
   * Stores the sealed bytes first, then the entry that names them. If it crashes in between,
   * nothing has been sent yet.
   */
  async saveSealed(entry: AttemptEntry, bytes: Uint8Array): Promise<AttemptEntry> {
    await this.#store.write(nameOf(entry, 'sealed'), bytes);
    return await this.save(entry);
  }

  /**
   * The sealed bytes that the entry names.
   * @throws LENTIGO_UPDATE_LATE when they were deleted with their round; LENTIGO_UPDATE_ALTERED
   *   when the stored file changed
   */
  async sealed(entry: AttemptEntry): Promise<Bytes> {
    const bytes = await this.#store.read(nameOf(entry, 'sealed'));
    if (!bytes)
      throw new LentigoError(
        'LENTIGO_UPDATE_LATE',
        `The sealed update of round ${entry.round} is no longer kept.`,
      );
    if ((await sha256Hex(bytes)) !== entry.sealed?.sha256)
      throw new LentigoError(
        'LENTIGO_UPDATE_ALTERED',
        `The sealed update of round ${entry.round} was damaged on this disk.`,
      );
    return bytes;
  }

  /**
   * The delta already trained in this round from the same model with the same plan, if there is
   * one.
   */
  async trained(terms: RoundTerms): Promise<Trained | undefined> {
    const record = await this.#json(trainedName(terms.round, 'json'), TrainedRecord);
    const bytes = await this.#store.read(trainedName(terms.round, 'bin'));
    if (
      !record ||
      !bytes ||
      record.inputs !== inputsOf(terms) ||
      (await sha256Hex(bytes)) !== record.sha256
    )
      return undefined;
    return {
      delta: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
      samples: record.samples,
      leftOut: record.leftOut,
      loss: record.loss,
    };
  }

  async saveTrained(terms: RoundTerms, { delta, samples, leftOut, loss }: Trained): Promise<void> {
    const bytes = new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength);
    const record = {
      inputs: inputsOf(terms),
      sha256: await sha256Hex(bytes),
      samples,
      leftOut,
      loss,
    };
    await this.#store.write(trainedName(terms.round, 'bin'), bytes);
    await this.#store.write(trainedName(terms.round, 'json'), utf8(JSON.stringify(record)));
  }

  /**
   * Deletes the sealed updates and trained deltas of rounds before this one. The entries with their
   * receipts stay.
   */
  async forgetBefore(round: number): Promise<void> {
    for (const name of await this.#store.list(FOLDER)) {
      if (!isEntry(name) && roundOf(name) < round) await this.#store.remove(`${FOLDER}/${name}`);
    }
  }

  async #json<T extends z.ZodType>(name: string, schema: T): Promise<z.infer<T> | undefined> {
    const bytes = await this.#store.read(name);
    if (!bytes) return undefined;
    try {
      return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    } catch (cause) {
      throw new LentigoError('LENTIGO_HOME_INVALID', `${name} is damaged.`, { cause });
    }
  }
}

/** Everything that the trained delta depends on, apart from this clinic's images. */
const inputsOf = (terms: RoundTerms): string => {
  const { study, round, start, base, architecture, labels, training, clientPart, seed } = terms;
  return JSON.stringify([
    study,
    round,
    start.sha256,
    base.sha256,
    architecture,
    labels,
    training,
    clientPart,
    seed,
  ]);
};
