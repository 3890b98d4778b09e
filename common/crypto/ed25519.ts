// Ed25519 (RFC 8032). Uses Node's implementation where there is one, in a tenth of the time;
// elsewhere tweetnacl, as the browsers' own is asynchronous. Both give the same signatures.
import nacl from 'tweetnacl';
import { concat, fromHex } from './bytes.js';

export interface Ed25519 {
  /**
   * @param secretKey 64 bytes, tweetnacl's form: seed ‖ public key
   * @returns 64 bytes
   */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /**
   * @param signature 64 bytes
   * @param publicKey 32 bytes
   */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

export const portable: Ed25519 = {
  sign: (message, secretKey) => nacl.sign.detached(message, secretKey),
  verify: (message, signature, publicKey) =>
    isReduced(signature) && nacl.sign.detached.verify(message, signature, publicKey),
};

/** The group order L of Ed25519, little-endian. */
const ORDER = fromHex(
  '1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed',
).toReversed();

/**
 * RFC 8032 §5.1.7: S must be below L. tweetnacl does not check this, and S + L would be a second
 * valid signature of the same message.
 */
function isReduced(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = signature[32 + i]! - ORDER[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The part of node:crypto that is used. */
interface NodeCrypto {
  createPrivateKey(key: { key: Uint8Array; format: 'der'; type: 'pkcs8' }): object;
  createPublicKey(key: { key: Uint8Array; format: 'der'; type: 'spki' }): object;
  sign(algorithm: null, message: Uint8Array, key: object): Uint8Array;
  verify(algorithm: null, message: Uint8Array, key: object, signature: Uint8Array): boolean;
}

/** RFC 8410: the DER prefix before the 32 bytes of a seed, and of a public key. */
const PRIVATE_PREFIX = Uint8Array.of(
  0x30,
  0x2e,
  2,
  1,
  0,
  0x30,
  5,
  6,
  3,
  0x2b,
  0x65,
  0x70,
  4,
  0x22,
  4,
  0x20,
);
const PUBLIC_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);

const ofNode = (node: NodeCrypto): Ed25519 => ({
  sign(message, secretKey) {
    const key = node.createPrivateKey({
      key: concat(PRIVATE_PREFIX, secretKey.subarray(0, 32)),
      format: 'der',
      type: 'pkcs8',
    });
    return new Uint8Array(node.sign(null, message, key));
  },
  verify(message, signature, publicKey) {
    const key = node.createPublicKey({
      key: concat(PUBLIC_PREFIX, publicKey),
      format: 'der',
      type: 'spki',
    });
    return node.verify(null, message, key, signature);
  },
});

/** Not an import, because browsers load this file too. */
const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
const node = process?.getBuiltinModule?.('node:crypto') as NodeCrypto | undefined;

export const ed25519: Ed25519 = node ? ofNode(node) : portable;
