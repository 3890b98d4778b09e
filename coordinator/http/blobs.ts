// Serves models and parameters: immutable and named by their content, so that any cache may keep
// them; with ranges and ETag by express.
import { ATTEMPT_HEADER, Id } from '../../common/protocol/primitives.js';
import type { Traffic } from '../rounds/traffic.js';
import type { Blobs } from '../storage/blobs.js';
import type { Handlers } from './serve.js';

/**
 * The attempt at a round for which a clinic downloads, as it claims; a malformed id counts as
 * undefined.
 */
const Attempt = Id.optional().catch(undefined);

export const blobHandlers = (blobs: Blobs, traffic: Traffic): Handlers<'blob'> => ({
  async blob({ params: { sha256 } }, response) {
    const { bytes } = await blobs.ref(sha256);
    const attempt = Attempt.parse(response.req.get(ATTEMPT_HEADER));
    if (attempt) {
      const { socket } = response;
      const from = Number(/^bytes=(\d+)-$/.exec(response.req.get('Range') ?? '')?.[1] ?? 0);
      const counted = await traffic.announce(attempt, Math.max(0, bytes - from));
      const before = socket?.bytesWritten ?? 0;
      response.on('close', () =>
        traffic.served(attempt, (socket?.bytesWritten ?? before) - before - counted),
      );
    }
    response.set({
      'Content-Type': 'application/octet-stream',
      'Cache-Control': 'public, max-age=31536000, immutable',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      ETag: `"${sha256}"`,
    });
    response.sendFile(blobs.path(sha256), {
      cacheControl: false,
      lastModified: false,
      dotfiles: 'allow',
    });
  },
});
