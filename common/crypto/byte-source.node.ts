// A file as a ByteSource. It is opened for each read, so that a thousand updates don't hold a
// thousand file handles.
import { open, stat } from 'node:fs/promises';
import { LentigoError } from '../errors.js';
import type { ByteSource } from './byte-source.js';

/**
 * Opens a file as a source.
 * @throws LENTIGO_UPDATE_MALFORMED from `read`, when the file has become shorter
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return {
    bytes: size,
    async read(start, end) {
      const out = new Uint8Array(end - start);
      const file = await open(path, 'r');
      try {
        for (let at = 0; at < out.length;) {
          const { bytesRead } = await file.read(out, at, out.length - at, start + at);
          if (bytesRead === 0)
            throw new LentigoError(
              'LENTIGO_UPDATE_MALFORMED',
              `${path} ends at byte ${start + at}; ${size} were expected.`,
            );
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
      return out;
    },
  };
}
