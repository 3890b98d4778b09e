// Enrolment. The clinic signs its request, so that nobody can enrol a key that they don't hold; the
// invitation's one-time secret.
import nacl from 'tweetnacl';
import { LentigoError } from '../errors.js';
import type { EnrolRequest } from '../protocol/enrolment.js';
import { PROTOCOL } from '../protocol/primitives.js';
import { fromBase64, toBase64 } from './base64.js';
import { sha256Hex, utf8 } from './bytes.js';
import type { Identity } from './identity.js';
import { sign, TAGS, verify } from './signature.js';

const partsOf = (r: Omit<EnrolRequest, 'signature'>): Uint8Array[] => [
  utf8(String(r.protocol)),
  utf8(r.study),
  fromBase64(r.key),
  utf8(r.secret),
  utf8(r.name.trim()),
];

/** The whole request, signed with the clinic's identity. */
export function enrolRequest(
  request: { study: string; secret: string; name: string },
  identity: Identity,
): EnrolRequest {
  const unsigned = { protocol: PROTOCOL, ...request, key: toBase64(identity.publicKey) };
  return { ...unsigned, signature: sign(TAGS.enrolment, partsOf(unsigned), identity.secretKey) };
}

/**
 * Checks the request's signature.
 * @throws LENTIGO_CHALLENGE_FAILED when the request was not signed with the key that it names.
 */
export function verifyEnrolRequest(request: EnrolRequest): void {
  if (!verify(TAGS.enrolment, partsOf(request), request.signature, fromBase64(request.key))) {
    throw new LentigoError(
      'LENTIGO_CHALLENGE_FAILED',
      `The enrolment request in study ${request.study} is not signed with the key that it names.`,
    );
  }
}

/** A fresh nonce or one-time secret: 32 random bytes, base64. */
export function createNonce(): string {
  return toBase64(nacl.randomBytes(32));
}

/**
 * The form in which the coordinator stores an invitation's secret: SHA-256 of its text,
 * hexadecimal. (32 random bytes need no slow hash.)
 */
export async function hashSecret(secret: string): Promise<string> {
  return await sha256Hex(utf8(secret));
}

/** Compares two secrets of equal length in constant time. */
export function equalSecrets(a: string, b: string): boolean {
  return nacl.verify(utf8(a), utf8(b));
}
