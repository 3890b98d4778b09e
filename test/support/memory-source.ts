// A sealed update in memory as the coordinator reads it from a file.
import type { ByteSource } from '../../common/crypto/byte-source.js';

export const memorySource = (bytes: Uint8Array): ByteSource => ({
  bytes: bytes.length,
  read: async (start, end) => bytes.subarray(start, end),
});
