// A whole aggregation as the worker runs it: from the base blob and the sealed updates on disk to a
// result file.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LentigoError } from '../../common/errors.js';
import { decodeParameters, encodeParameters } from '../../common/model/encoding.js';
import type { Encoding } from '../../common/protocol/round.js';
import { ENCODINGS } from '../../common/update/encoding.js';
import type { ParameterSpec } from '../../common/update/parameter-set.js';
import type { BlobRef } from '../rounds/state.js';
import { writeDurably } from '../../common/files/durable.node.js';
import { aggregateUpdates, rangeSizeFor, type SealedUpdate } from './aggregate.js';
import { fedAvg } from '../../common/federation/fedavg.js';

export interface AggregateJob {
  readonly updates: readonly SealedUpdate[];
  readonly roundSecretKey: Uint8Array;
  /**
   * The trainable parameters that the round started from: a safetensors file, and the hash it must
   * have.
   */
  readonly base: { readonly path: string; readonly sha256: string };
  /** The trainable parameters, in the order of the deltas' values. */
  readonly specs: readonly ParameterSpec[];
  readonly encoding: Encoding;
  /** Where the result is written (safetensors, float32), durably and whole. */
  readonly outPath: string;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Aggregates by FedAvg and writes the new trainable parameters. The same job again writes the same
 * bytes.
 * @throws LENTIGO_BLOB_CORRUPT when the base is not the one named; LENTIGO_DISK_FULL; and as
 *   aggregateUpdates.
 */
export async function runAggregateJob(job: AggregateJob): Promise<BlobRef> {
  const baseBytes = await readFile(job.base.path);
  if (sha256(baseBytes) !== job.base.sha256)
    throw new LentigoError(
      'LENTIGO_BLOB_CORRUPT',
      `${job.base.path} does not have the hash ${job.base.sha256}.`,
    );
  const result = await aggregateUpdates({
    updates: job.updates,
    roundSecretKey: job.roundSecretKey,
    base: decodeParameters(baseBytes, job.specs),
    encoding: ENCODINGS[job.encoding],
    rule: fedAvg,
    rangeSize: rangeSizeFor(1),
  });
  const bytes = encodeParameters(result);
  await writeDurably(job.outPath, bytes);
  return { sha256: sha256(bytes), bytes: bytes.length };
}
