// SHA-256 in Node, of bytes at once and of files of any size; bytes.ts in common/crypto has it for
// every platform, through WebCrypto, which only promises its result.
import { createHash } from 'node:crypto';

/** 64 hexadecimal digits; a text is hashed as UTF-8. */
export const sha256Of = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex');
