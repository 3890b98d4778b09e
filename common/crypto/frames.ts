// The payload of an envelope as AES-256-GCM frames of 1 MiB. Any range opens alone, and no frame
// can be swapped, dropped or appended.
import { LentigoError } from '../errors.js';
import { concat, sha256, uint32, unshared } from './bytes.js';

/** Plaintext bytes in every frame but the last. */
export const FRAME_BYTES = 1024 * 1024;
const TAG_BYTES = 16;
const SEALED_FRAME_BYTES = FRAME_BYTES + TAG_BYTES;

/**
 * Number of frames. An empty payload still has one (empty) frame, so that there is always a last
 * one.
 */
export const frameCount = (payloadBytes: number): number =>
  Math.max(1, Math.ceil(payloadBytes / FRAME_BYTES));

/** Length of all frames together, in bytes. */
export const sealedBytes = (payloadBytes: number): number =>
  payloadBytes + TAG_BYTES * frameCount(payloadBytes);

/** Where frame `index` lies among the frames, bytes [start, end). */
export function sealedRange(index: number, payloadBytes: number): { start: number; end: number } {
  return {
    start: index * SEALED_FRAME_BYTES,
    end: Math.min((index + 1) * SEALED_FRAME_BYTES, sealedBytes(payloadBytes)),
  };
}

/**
 * AES-GCM's parameters for one frame. The nonce is the frame's index, which is safe because each
 * envelope has a fresh key and seals each index once. The associated data binds the frame to this
 * header, to its place, and to whether it is the last.
 */
function parameters(header: Uint8Array, index: number, count: number): AesGcmParams {
  const isLast = index === count - 1 ? 1 : 0;
  return {
    name: 'AES-GCM',
    iv: concat(new Uint8Array(8), uint32(index)),
    additionalData: concat(header, uint32(index), Uint8Array.of(isLast)),
    tagLength: 8 * TAG_BYTES,
  };
}

/** Seals frame `index` of the payload. `header`: the exact bytes of the envelope's header. */
export async function sealFrame(
  key: CryptoKey,
  header: Uint8Array,
  payload: Uint8Array,
  index: number,
): Promise<Uint8Array> {
  const plain = payload.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES);
  return new Uint8Array(
    await crypto.subtle.encrypt(
      parameters(header, index, frameCount(payload.length)),
      key,
      unshared(plain),
    ),
  );
}

/**
 * Opens frame `index`.
 * @throws LENTIGO_UPDATE_ALTERED when the frame is not the one that was sealed at this index, under
 *   this header and key.
 */
export async function openFrame(
  key: CryptoKey,
  header: Uint8Array,
  sealed: Uint8Array,
  index: number,
  payloadBytes: number,
): Promise<Uint8Array> {
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(
        parameters(header, index, frameCount(payloadBytes)),
        key,
        unshared(sealed),
      ),
    );
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `Frame ${index} of the update does not open.`,
      { cause },
    );
  }
}

/**
 * SHA-256 over the SHA-256 of each frame as transmitted, in order: this is what the signature
 * covers. It is a hash of hashes because WebCrypto has no incremental hash, and an update of
 * hundreds of megabytes must not have to be in memory whole.
 */
export async function framesHash(
  count: number,
  frame: (index: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < count; i++) hashes.push(await sha256(await frame(i)));
  return await sha256(concat(...hashes));
}
