// The header of a sealed update: what the coordinator reads before it opens anything. Sent as JSON,
// signed and authenticated byte for byte.
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
  /** SHA-256 of the base blob that was announced. */
  base: Sha256,
  encoding: Encoding,
  /** Training images that took part: FedAvg's weight. */
  samples: SampleCount,
  /** Length, bytes, and SHA-256 of the encoded delta before encryption. */
  payload: z.strictObject({ bytes: ByteCount, sha256: Sha256 }),
  /** The AES-256-GCM key, in a tweetnacl box from a one-time X25519 key to the round's. base64. */
  key: z.strictObject({
    from: PublicKey,
    nonce: z.string().length(32),
    box: z.string().length(64),
  }),
});
export type UpdateHeader = z.infer<typeof UpdateHeader>;
