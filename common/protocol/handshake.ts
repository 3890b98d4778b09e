// Mutual proof of identity on connect. Both sides sign tag ‖ protocol ‖ role ‖ study ‖ both keys ‖
// both nonces (common/crypto/challenge.ts).
import { z } from 'zod';
import { Id, Nonce, PublicKey, Signature } from './primitives.js';

/**
 * clinic → coordinator, event `hello`. `protocol` is checked first and separately, so that another
 * version gets a clear answer.
 */
export const Hello = z.strictObject({
  protocol: z.int(),
  study: Id,
  key: PublicKey,
  nonce: Nonce,
  /** Drawn by each process: its own reconnection is told from another machine of the same key. */
  instance: Nonce,
});
export type Hello = z.infer<typeof Hello>;

/**
 * coordinator → clinic, the acknowledgement of `hello`: the coordinator proves the study's key
 * first.
 */
export const Challenge = z.strictObject({
  protocol: z.int(),
  study: Id,
  key: PublicKey,
  nonce: Nonce,
  signature: Signature,
});
export type Challenge = z.infer<typeof Challenge>;

/** clinic → coordinator, event `prove`. */
export const Proof = z.strictObject({ signature: Signature });
export type Proof = z.infer<typeof Proof>;
