// The header of a sealed update, which the coordinator reads before it decrypts anything. Sent as
// JSON, signed and authenticated byte for byte.
import { z } from 'zod';
import { Encoding } from '../update/encoding.js';
import {
  ByteCount,
  ClinicId,
  Id,
  PublicKey,
  RoundNumber,
  SampleCount,
  Sha256,
} from './primitives.js';

export const UpdateHeader = z.strictObject({
  protocol: z.int(),
  study: Id,
  round: RoundNumber,
  attempt: Id,
  clinic: ClinicId,
  /** SHA-256 of the announced base blob. */
  base: Sha256,
  encoding: Encoding,
  /** Number of training images that took part: FedAvg's weight. */
  samples: SampleCount,
  /** The payload: length in bytes and SHA-256 of the encoded delta before encryption. */
  payload: z.strictObject({ bytes: ByteCount, sha256: Sha256 }),
  /**
   * The AES-256-GCM key, in a tweetnacl box from a one-time X25519 key to the round's key. base64.
   */
  key: z.strictObject({
    from: PublicKey,
    nonce: z.string().length(32),
    box: z.string().length(64),
  }),
});
export type UpdateHeader = z.infer<typeof UpdateHeader>;
