// Ed25519 with domain separation: what was signed for one purpose never verifies for another.
import nacl from 'tweetnacl';
import { fromBase64, toBase64 } from './base64.js';
import { concat, uint32, utf8 } from './bytes.js';

/** One per purpose. A signature made under one tag means nothing under another. */
export const TAGS = {
  announcement: 'lentigo/announcement',
  receipt: 'lentigo/receipt',
  challenge: 'lentigo/challenge',
  enrolment: 'lentigo/enrolment',
  update: 'lentigo/update',
} as const;

/** Every part after its length, the tag first, so that no two lists of parts give the same bytes. */
function frame(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  return concat(...[utf8(tag), ...parts].flatMap((part) => [uint32(part.length), part]));
}

/** The group order L of Ed25519, little-endian. */
const ORDER = Uint8Array.from('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed'.match(/../g)!, (h) => parseInt(h, 16)).toReversed();

/** RFC 8032 §5.1.7: S must be below L. tweetnacl does not look, and S + L would be a second valid signature of the same message. */
function isReduced(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = signature[32 + i]! - ORDER[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** A signature of 64 bytes over tag ‖ parts. */
export function signBytes(tag: string, parts: readonly Uint8Array[], secretKey: Uint8Array): Uint8Array {
  return nacl.sign.detached(frame(tag, parts), secretKey);
}

export function verifyBytes(tag: string, parts: readonly Uint8Array[], signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== nacl.sign.signatureLength || publicKey.length !== nacl.sign.publicKeyLength) return false;
  return isReduced(signature) && nacl.sign.detached.verify(frame(tag, parts), signature, publicKey);
}

/** The signature as base64, as messages carry it. */
export function sign(tag: string, parts: readonly Uint8Array[], secretKey: Uint8Array): string {
  return toBase64(signBytes(tag, parts, secretKey));
}

/** False for anything but an intact signature of exactly these parts under this tag; never throws. */
export function verify(tag: string, parts: readonly Uint8Array[], signature: string, publicKey: Uint8Array): boolean {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(signature);
  } catch {
    return false;
  }
  return verifyBytes(tag, parts, bytes, publicKey);
}
