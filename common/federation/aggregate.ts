// One round's deltas through an aggregation rule: read a range of coordinates at a time, from
// wherever the encoded deltas lie.
import type { DeltaEncoding } from '../update/delta-encoding.js';
import type { AggregationRule, Fold } from './rule.js';

/** A clinic's encoded delta, of which any range can be read, and its weight. */
export interface Payload {
  /** Training images that took part. */
  readonly samples: number;
  /** Bytes [start, end). */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Decoded values, over all clinics, that may lie in memory at once (4 bytes each). */
const VALUES_IN_MEMORY = 32 * 1024 * 1024;

/**
 * Values decoded at a time where a rule folds: they stay in the processor's cache. A multiple of
 * every encoding's block.
 */
const PIECE = 64 * 1024;

/**
 * The combined delta, float64, `count` values. The same to the bit however much is read at a time.
 * @param payloads in clinic-id order
 * @param count values in each delta
 * @param valuesInMemory decoded values, over all clinics, that may lie in memory at once
 * @throws RangeError without payloads, or when the rule gives what can't be; what `read` throws
 */
export async function aggregate({
  payloads,
  count,
  encoding,
  rule,
  valuesInMemory = VALUES_IN_MEMORY,
}: {
  readonly payloads: readonly Payload[];
  readonly count: number;
  readonly encoding: DeltaEncoding;
  readonly rule: AggregationRule;
  readonly valuesInMemory?: number;
}): Promise<Float64Array> {
  if (payloads.length === 0) throw new RangeError('there is no update to aggregate');
  const together = rangeSize(valuesInMemory / payloads.length, encoding);
  const samples = payloads.map((p) => p.samples);

  let chosen: readonly Payload[] = payloads;
  let weights: readonly number[] = samples;
  const choice = rule.choose?.(samples);
  if (choice) {
    for (const range of rangesOf(count, together))
      choice.add(await decodeRange(payloads, range, encoding));
    const given = choice.weights();
    if (given.length !== payloads.length)
      throw new RangeError(`its rule gave ${given.length} weights for ${payloads.length} clinics`);
    const wrong = given.find((weight) => !Number.isFinite(weight) || weight < 0);
    if (wrong !== undefined) throw new RangeError(`its rule gave a clinic the weight ${wrong}`);
    chosen = payloads.filter((_, k) => given[k] !== 0);
    weights = given.filter((weight) => weight !== 0);
    if (chosen.length === 0) throw new RangeError('the rule chose no clinic');
  }

  const result = new Float64Array(count);
  const folds = 'fold' in rule;
  const piece = new Float32Array(PIECE);
  for (const range of rangesOf(count, folds ? rangeSize(valuesInMemory, encoding) : together)) {
    let combined: Float64Array;
    if (folds) {
      const fold = rule.fold(range.end - range.start, weights);
      for (const [k, payload] of chosen.entries())
        addPieces(fold, k, await readRange(payload, range, encoding), encoding, piece);
      combined = fold.combined();
    } else {
      combined = rule.combine(await decodeRange(chosen, range, encoding), weights);
    }
    if (combined.length !== range.end - range.start)
      throw new RangeError(
        `its rule gave ${combined.length} values for a range of ${range.end - range.start}`,
      );
    result.set(combined, range.start);
  }
  return result;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Whole blocks of the encoding, at least one. */
const rangeSize = (values: number, { block }: DeltaEncoding): number =>
  Math.max(1, Math.floor(values / block)) * block;

function* rangesOf(count: number, size: number): Generator<Range> {
  for (let start = 0; start < count; start += size)
    yield { start, end: Math.min(start + size, count) };
}

const readRange = (payload: Payload, { start, end }: Range, encoding: DeltaEncoding) =>
  payload.read(encoding.encodedBytes(start), encoding.encodedBytes(end));

async function decodeRange(
  payloads: readonly Payload[],
  range: Range,
  encoding: DeltaEncoding,
): Promise<Float32Array[]> {
  const deltas: Float32Array[] = [];
  for (const payload of payloads)
    deltas.push(encoding.decode(await readRange(payload, range, encoding)));
  return deltas;
}

/** A clinic's range, decoded a piece at a time into `piece`, of PIECE values. */
function addPieces(
  fold: Fold,
  k: number,
  bytes: Uint8Array,
  encoding: DeltaEncoding,
  piece: Float32Array,
): void {
  const pieceBytes = encoding.encodedBytes(PIECE);
  for (let i = 0; i * pieceBytes < bytes.length; i++) {
    const part = bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes);
    fold.add(k, encoding.decode(part, piece), i * PIECE);
  }
}
