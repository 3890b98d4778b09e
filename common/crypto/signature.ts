// Ed25519 with domain separation: a signature made for one purpose never verifies for another.
import nacl from 'tweetnacl';
import { fromBase64, toBase64 } from './base64.js';
import { concat, uint32, utf8 } from './bytes.js';
import { ed25519 } from './ed25519.js';

/** One tag per purpose. A signature made under one tag means nothing under another. */
export const TAGS = {
  terms: 'lentigo/terms',
  delivery: 'lentigo/delivery',
  receipt: 'lentigo/receipt',
  models: 'lentigo/models',
  challenge: 'lentigo/challenge',
  enrolment: 'lentigo/enrolment',
  update: 'lentigo/update',
} as const;

/**
 * Each part preceded by its length, the tag first, so that no two lists of parts give the same
 * bytes.
 */
function frame(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  return concat(...[utf8(tag), ...parts].flatMap((part) => [uint32(part.length), part]));
}

/** The signature (64 bytes) over tag ‖ parts. */
export function signBytes(
  tag: string,
  parts: readonly Uint8Array[],
  secretKey: Uint8Array,
): Uint8Array {
  return ed25519.sign(frame(tag, parts), secretKey);
}

export function verifyBytes(
  tag: string,
  parts: readonly Uint8Array[],
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (
    signature.length !== nacl.sign.signatureLength ||
    publicKey.length !== nacl.sign.publicKeyLength
  )
    return false;
  return ed25519.verify(frame(tag, parts), signature, publicKey);
}

/** The signature as base64, as messages carry it. */
export function sign(tag: string, parts: readonly Uint8Array[], secretKey: Uint8Array): string {
  return toBase64(signBytes(tag, parts, secretKey));
}

/** Whether this is an intact signature of exactly these parts under this tag. Never throws. */
export function verify(
  tag: string,
  parts: readonly Uint8Array[],
  signature: string,
  publicKey: Uint8Array,
): boolean {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(signature);
  } catch {
    return false;
  }
  return verifyBytes(tag, parts, bytes, publicKey);
}
