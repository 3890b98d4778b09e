// GET /blobs/<sha256>: models, immutable and named by their content, so that any cache may keep
// them; with ranges and ETag by express.
import { Router } from 'express';
import { LentigoError } from '../../common/errors.js';
import { Sha256 } from '../../common/protocol/primitives.js';
import type { Blobs } from '../storage/blobs.js';

/** Counts the bytes served of each blob, for a round's traffic. */
export class Downloads {
  readonly #served = new Map<string, number>();
  add(sha256: string, bytes: number): void {
    this.#served.set(sha256, this.of(sha256) + bytes);
  }
  of(sha256: string): number {
    return this.#served.get(sha256) ?? 0;
  }
}

export function blobRoutes(blobs: Blobs, downloads: Downloads): Router {
  const router = Router();
  router.get('/:sha256', async (request, response) => {
    const sha256 = Sha256.safeParse(request.params.sha256);
    if (!sha256.success || !(await blobs.has(sha256.data)))
      throw new LentigoError(
        'LENTIGO_BLOB_UNKNOWN',
        `There is no blob ${request.params.sha256.slice(0, 64)}.`,
      );
    const before = response.socket?.bytesWritten ?? 0;
    const { socket } = response;
    response.on('close', () =>
      downloads.add(sha256.data, (socket?.bytesWritten ?? before) - before),
    );
    response.set({
      'Content-Type': 'application/octet-stream',
      'Cache-Control': 'public, max-age=31536000, immutable',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      ETag: `"${sha256.data}"`,
    });
    response.sendFile(blobs.path(sha256.data), {
      cacheControl: false,
      lastModified: false,
      dotfiles: 'allow',
    });
  });
  return router;
}
