// The interface of a delta's encoding: it turns values into bytes, and decodes any aligned range of
// them.
import type { Random } from '../random.js';

export interface DeltaEncoding {
  /** Its name in study.yaml and in messages. */
  readonly name: string;
  /**
   * Values per independently decodable block. Ranges start at a multiple of it, and end at a
   * multiple or at the last value.
   */
  readonly block: number;
  /**
   * Length of `count` encoded values in bytes. For a multiple of `block` it is also the offset of
   * that value's bytes.
   */
  encodedBytes(count: number): number;
  /**
   * Encodes values.
   * @throws LENTIGO_UPDATE_NOT_FINITE naming the first value that is NaN or infinite
   */
  encode(values: Float32Array, random: Random): Uint8Array;
  /**
   * Decodes whole blocks, from the bytes encodedBytes(start) to encodedBytes(end).
   * @param into where the values are written instead of new memory; at least as long
   * @throws LENTIGO_UPDATE_LENGTH when the bytes aren't whole blocks
   */
  decode(bytes: Uint8Array, into?: Float32Array): Float32Array;
}
