// Encrypts one piece of a stored file: a fresh nonce, and the ciphertext with the file's name and
// the piece's number as associated data, so that pieces can't be exchanged.
import { concat, unshared, utf8 } from '../../../common/crypto/bytes.js';
import { LentigoError } from '../../../common/errors.js';
import type { Bytes } from '../../participation/store.js';

const NONCE = 12;
const nameBytes = (name: string, piece: number): Bytes =>
  new Uint8Array(utf8(`lentigo file ${piece} ${name}`));

/** nonce (12 bytes) ‖ AES-256-GCM ciphertext and tag */
export async function sealPiece(
  key: CryptoKey,
  name: string,
  piece: number,
  bytes: Uint8Array,
): Promise<Bytes> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce, additionalData: nameBytes(name, piece) },
    key,
    unshared(bytes),
  );
  return concat(nonce, new Uint8Array(sealed));
}

/**
 * Decrypts a piece.
 * @throws LENTIGO_VAULT_DAMAGED when it was altered, or belongs to another file or another vault
 */
export async function openPiece(
  key: CryptoKey,
  name: string,
  piece: number,
  sealed: Bytes,
): Promise<Bytes> {
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: sealed.subarray(0, NONCE), additionalData: nameBytes(name, piece) },
        key,
        sealed.subarray(NONCE),
      ),
    );
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_VAULT_DAMAGED',
      `${name} in this browser's storage is damaged.`,
      { cause },
    );
  }
}
