// What every encoding of a delta offers: bytes for the wire, and any aligned range of them back as
// values.
import type { Random } from '../random.js';

export interface DeltaEncoding {
  /** What study.yaml and messages call it. */
  readonly name: string;
  /**
   * Values per independently decodable block: ranges start at a multiple of it, and end at one or
   * at the last value.
   */
  readonly block: number;
  /**
   * Length of `count` encoded values, bytes. For a multiple of `block` it is also where that
   * value's bytes start.
   */
  encodedBytes(count: number): number;
  /** @throws LENTIGO_UPDATE_NOT_FINITE naming the first value that is NaN or infinite. */
  encode(values: Float32Array, random: Random): Uint8Array;
  /**
   * The values of whole blocks, from the bytes encodedBytes(start) to encodedBytes(end).
   * @param into where they are written instead of new memory; at least as long.
   * @throws LENTIGO_UPDATE_LENGTH when the bytes aren't whole blocks.
   */
  decode(bytes: Uint8Array, into?: Float32Array): Float32Array;
}
