// A round's aggregation: base + the rule's combination of the sealed deltas, read from disk a range
// of coordinates at a time.
import { fromBase64 } from '../../common/crypto/base64.js';
import { fileSource } from '../../common/crypto/byte-source.node.js';
import {
  openEnvelope,
  readEnvelope,
  verifyEnvelope,
  type OpenedUpdate,
} from '../../common/crypto/envelope.js';
import { LentigoError } from '../../common/errors.js';
import type { DeltaEncoding } from '../../common/update/delta-encoding.js';
import { ParameterSet } from '../../common/update/parameter-set.js';
import type { AggregationRule, Fold } from '../../common/federation/rule.js';

/**
 * An accepted update: where its sealed bytes lie, whose they are (Ed25519 key, base64), and its
 * weight.
 */
export interface SealedUpdate {
  readonly clinic: string;
  readonly path: string;
  readonly samples: number;
  readonly clinicKey: string;
}

/** A clinic's encoded delta, of which any range can be read, and its weight. */
export interface Payload {
  readonly samples: number;
  /** Bytes [start, end). */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Decoded values, over all clinics, that may lie in memory at once (4 bytes each). */
const VALUES_IN_MEMORY = 32 * 1024 * 1024;

const OPENED_AT_ONCE = 4;

/**
 * Values decoded at a time where a rule folds: they stay in the processor's cache. A multiple of
 * every encoding's block.
 */
const PIECE = 64 * 1024;

/**
 * How many coordinates are read at a time, so that memory doesn't grow with the number of clinics.
 * A rule that folds has one clinic's in memory.
 */
export const rangeSizeFor = (clinics: number): number =>
  Math.max(1, Math.floor(VALUES_IN_MEMORY / clinics));

/**
 * The new trainable parameters, float32. The result doesn't depend on the order of `updates` nor on
 * `rangeSize`, to the bit.
 * @param base the trainable parameters that the deltas were trained from.
 * @param rangeSize coordinates at a time; rounded up to whole blocks of the encoding.
 * @throws LENTIGO_UPDATE_SIGNATURE, LENTIGO_UPDATE_ALTERED or LENTIGO_UPDATE_LENGTH when an
 *   accepted update is no longer what was accepted.
 */
export async function aggregateUpdates(round: {
  updates: readonly SealedUpdate[];
  roundSecretKey: Uint8Array;
  base: ParameterSet;
  encoding: DeltaEncoding;
  rule: AggregationRule;
  rangeSize: number;
}): Promise<ParameterSet> {
  const updates = round.updates.toSorted((a, b) => (a.clinic < b.clinic ? -1 : 1));
  const opened: Payload[] = [];
  // A few at once: hashing has threads of its own.
  for (let at = 0; at < updates.length; at += OPENED_AT_ONCE) {
    const some = updates.slice(at, at + OPENED_AT_ONCE).map(async (update): Promise<Payload> => {
      const payload = await openUpdate(
        update,
        round.roundSecretKey,
        round.encoding.encodedBytes(round.base.length),
      );
      return { samples: update.samples, read: (start, end) => payload.read(start, end) };
    });
    opened.push(...(await Promise.all(some)));
  }
  return await aggregatePayloads({ ...round, payloads: opened });
}

/**
 * The same on payloads that are open already, in clinic-id order.
 * @throws what `read` throws
 */
export async function aggregatePayloads(round: {
  payloads: readonly Payload[];
  base: ParameterSet;
  encoding: DeltaEncoding;
  rule: AggregationRule;
  rangeSize: number;
}): Promise<ParameterSet> {
  const { payloads, base, encoding, rule } = round;
  if (payloads.length === 0) throw new RangeError('there is no update to aggregate');
  const weights = payloads.map((p) => p.samples);
  const result = new ParameterSet(base.specs);
  const piece = new Float32Array(PIECE);
  const step = Math.ceil(round.rangeSize / encoding.block) * encoding.block;
  for (let start = 0; start < base.length; start += step) {
    const end = Math.min(start + step, base.length);
    const read = (payload: Payload) =>
      payload.read(encoding.encodedBytes(start), encoding.encodedBytes(end));
    let combined: Float64Array;
    if (rule.fold) {
      const fold = rule.fold(end - start, weights);
      for (const [k, payload] of payloads.entries())
        addPieces(fold, k, await read(payload), encoding, piece);
      combined = fold.combined();
    } else {
      const deltas: Float32Array[] = [];
      for (const payload of payloads) deltas.push(encoding.decode(await read(payload)));
      combined = rule.combine(deltas, weights);
    }
    addInto(result.values.subarray(start, end), base.values.subarray(start, end), combined);
  }
  return result;
}

/** A clinic's range, decoded a piece at a time into the same memory. */
function addPieces(
  fold: Fold,
  k: number,
  bytes: Uint8Array,
  encoding: DeltaEncoding,
  piece: Float32Array,
): void {
  const pieceBytes = encoding.encodedBytes(piece.length);
  for (let i = 0; i * pieceBytes < bytes.length; i++) {
    fold.add(
      k,
      encoding.decode(bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes), piece),
      i * piece.length,
    );
  }
}

function addInto(out: Float32Array, base: Float32Array, change: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = base[i]! + change[i]!;
}

/**
 * Opens an update that was checked when it arrived; its signature is checked again, because it has
 * lain on a disk since.
 */
async function openUpdate(
  update: SealedUpdate,
  roundSecretKey: Uint8Array,
  payloadBytes: number,
): Promise<OpenedUpdate> {
  const envelope = await readEnvelope(await fileSource(update.path));
  await verifyEnvelope(envelope, fromBase64(update.clinicKey));
  const { clinic, samples, payload } = envelope.header;
  if (clinic !== update.clinic || samples !== update.samples) {
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `${update.path} holds clinic ${clinic}'s update of ${samples} samples instead of clinic ${update.clinic}'s of ${update.samples}.`,
    );
  }
  if (payload.bytes !== payloadBytes)
    throw new LentigoError(
      'LENTIGO_UPDATE_LENGTH',
      `Clinic ${clinic}'s update has ${payload.bytes} bytes of payload instead of ${payloadBytes}.`,
    );
  return await openEnvelope(envelope, roundSecretKey);
}
