// Keys and identities: Ed25519 identities of studies and clinics, the id and fingerprint that
// people compare, and the X25519 keys of rounds.
import nacl from 'tweetnacl';
import { sha256, toHex } from './bytes.js';

/** An Ed25519 key pair: 32 bytes public, 64 bytes secret (tweetnacl's form: seed ‖ public key). */
export interface Identity {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export function createIdentity(): Identity {
  return nacl.sign.keyPair();
}

/**
 * The identity for 64 stored secret bytes.
 * @throws RangeError on another length.
 */
export function identityFrom(secretKey: Uint8Array): Identity {
  if (secretKey.length !== 64)
    throw new RangeError(`an Ed25519 secret key has 64 bytes, got ${secretKey.length}`);
  return nacl.sign.keyPair.fromSecretKey(secretKey);
}

/** A clinic's id: the first 16 bytes of SHA-256 of its public key, hexadecimal. */
export async function clinicIdOf(publicKey: Uint8Array): Promise<string> {
  return toHex((await sha256(publicKey)).subarray(0, 16));
}

/** A clinic's id in groups of four, for reading aloud: "3f2a 91c0 …". */
export function fingerprint(clinicId: string): string {
  return (clinicId.match(/.{1,4}/g) ?? []).join(' ');
}

/** An X25519 key pair, 32 bytes each: one per attempt at a round, deleted when the round closes. */
export interface RoundKey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export function createRoundKey(): RoundKey {
  return nacl.box.keyPair();
}
