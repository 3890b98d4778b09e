// A whole aggregation as the worker runs it: from the base and the sealed updates on disk to files.
import { readFile } from 'node:fs/promises';
import { LentigoError } from '../../common/errors.js';
import { strategyOf, type StrategyChoice } from '../../common/federation/strategies/index.js';
import { decodeState, encodeState, isEmpty } from '../../common/federation/strategy-state.js';
import { writeDurably } from '../../common/files/durable.node.js';
import { sha256Of } from '../../common/files/sha256.node.js';
import { decodeParameters, encodeParameters } from '../../common/model/encoding.js';
import type { BlobRef } from '../../common/protocol/primitives.js';
import { type Encoding, encodings } from '../../common/update/encoding.js';
import type { ParameterSpec } from '../../common/update/parameter-set.js';
import { aggregateUpdates, type SealedUpdate } from './aggregate.js';

/** A blob's file, and the hash that it must have. */
interface BlobFile {
  readonly path: string;
  readonly sha256: string;
}

export interface AggregateJob {
  readonly updates: readonly SealedUpdate[];
  readonly roundSecretKey: Uint8Array;
  readonly round: number;
  readonly strategy: StrategyChoice;
  /** The trainable parameters that the round started from: safetensors. */
  readonly base: BlobFile;
  /** What the strategy remembered when the round started; null for nothing. */
  readonly state: BlobFile | null;
  /** The trainable parameters, in the order of the deltas' values. */
  readonly specs: readonly ParameterSpec[];
  readonly encoding: Encoding;
  /** Where results are written, durably and whole: the next base (safetensors, float32), and the strategy's state. */
  readonly out: { readonly base: string; readonly state: string };
}

export interface AggregatedFiles {
  readonly base: BlobRef;
  /** Null where the strategy remembers nothing: no file was written. */
  readonly state: BlobRef | null;
}

/**
 * Aggregates by the study's strategy, and writes what the next round starts from. The same job
 * again writes the same bytes.
 * @throws LENTIGO_BLOB_CORRUPT when base or state is not the one named; LENTIGO_STRATEGY_UNKNOWN,
 *   LENTIGO_STRATEGY_FAILED;
 *   LENTIGO_DISK_FULL; and as aggregateUpdates
 */
export async function runAggregateJob(job: AggregateJob): Promise<AggregatedFiles> {
  const parameters = decodeParameters(await readBlob(job.base), job.specs);
  const next = await aggregateUpdates({
    updates: job.updates,
    roundSecretKey: job.roundSecretKey,
    round: job.round,
    parameters,
    state: job.state ? decodeState(await readBlob(job.state)) : {},
    name: job.strategy.name,
    strategy: strategyOf(job.strategy),
    encoding: encodings.get(job.encoding),
  });
  return {
    base: await write(job.out.base, encodeParameters(next.parameters)),
    state: isEmpty(next.state) ? null : await write(job.out.state, encodeState(next.state)),
  };
}

async function readBlob(file: BlobFile): Promise<Uint8Array> {
  const bytes = await readFile(file.path);
  if (sha256Of(bytes) !== file.sha256)
    throw new LentigoError(
      'LENTIGO_BLOB_CORRUPT',
      `${file.path} does not have the hash ${file.sha256}.`,
    );
  return bytes;
}

async function write(path: string, bytes: Uint8Array): Promise<BlobRef> {
  await writeDurably(path, bytes);
  return { sha256: sha256Of(bytes), bytes: bytes.length };
}
