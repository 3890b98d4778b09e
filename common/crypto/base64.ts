// Padded base64, the form in which every key, nonce and signature travels.
import { LentigoError } from '../errors.js';

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // In slices, because String.fromCharCode takes the bytes as arguments, whose number is limited.
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/**
 * Decodes base64. Accepts only what toBase64 writes, so that the same bytes never have two texts
 * (atob ignores spaces, missing padding and leftover bits).
 * @throws LENTIGO_MESSAGE_INVALID
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new LentigoError('LENTIGO_MESSAGE_INVALID', 'A field that should be base64 is not.', {
      cause,
    });
  }
  if (btoa(binary) !== text)
    throw new LentigoError(
      'LENTIGO_MESSAGE_INVALID',
      'A base64 field is not in its canonical, padded form.',
    );
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}
