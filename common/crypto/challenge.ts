// The mutual challenge on connect. Both sides sign both keys and both fresh nonces, so that neither
// an old proof nor a reflection of one's own passes.
import { LentigoError } from '../errors.js';
import { PROTOCOL } from '../protocol/primitives.js';
import { fromBase64 } from './base64.js';
import { utf8 } from './bytes.js';
import { sign, TAGS, verify } from './signature.js';

/**
 * What both sides know after `hello` was answered. Keys and nonces are base64, as in the messages.
 */
export interface ChallengeTerms {
  /** The side that signs. */
  readonly role: 'coordinator' | 'clinic';
  readonly study: string;
  readonly coordinatorKey: string;
  readonly clinicKey: string;
  readonly coordinatorNonce: string;
  readonly clinicNonce: string;
}

const partsOf = (t: ChallengeTerms): Uint8Array[] => [
  utf8(String(PROTOCOL)),
  utf8(t.role),
  utf8(t.study),
  ...[t.coordinatorKey, t.clinicKey, t.coordinatorNonce, t.clinicNonce].map(fromBase64),
];

/** The signature of `terms.role`, in base64. */
export function challengeSignature(terms: ChallengeTerms, secretKey: Uint8Array): string {
  return sign(TAGS.challenge, partsOf(terms), secretKey);
}

/**
 * Verifies that `terms.role` signed exactly these terms. Pass your own nonce and the pinned keys,
 * never those that the other side repeats.
 * @throws LENTIGO_CHALLENGE_FAILED
 */
export function verifyChallenge(terms: ChallengeTerms, signature: string): void {
  const key = fromBase64(terms.role === 'coordinator' ? terms.coordinatorKey : terms.clinicKey);
  if (!verify(TAGS.challenge, partsOf(terms), signature, key)) {
    throw new LentigoError(
      'LENTIGO_CHALLENGE_FAILED',
      `The ${terms.role} did not prove its key in study ${terms.study}.`,
    );
  }
}
