// GET /blobs/<sha256>: models, immutable and named by their content, so that any cache may keep
// them; with ranges and ETag by express.
import { Router } from 'express';
import { LentigoError } from '../../common/errors.js';
import { ATTEMPT_HEADER, Id, Sha256 } from '../../common/protocol/primitives.js';
import type { Traffic } from '../rounds/traffic.js';
import type { Blobs } from '../storage/blobs.js';

/** The header by which a clinic says for which attempt at a round it downloads. */
const Attempt = Id.optional().catch(undefined);

export function blobRoutes(blobs: Blobs, traffic: Traffic): Router {
  const router = Router();
  router.get('/:sha256', async (request, response) => {
    const sha256 = Sha256.safeParse(request.params.sha256);
    if (!sha256.success || !(await blobs.has(sha256.data)))
      throw new LentigoError(
        'LENTIGO_BLOB_UNKNOWN',
        `There is no blob ${request.params.sha256.slice(0, 64)}.`,
      );
    const attempt = Attempt.parse(request.get(ATTEMPT_HEADER));
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    if (attempt)
      response.on('close', () =>
        traffic.served(attempt, (socket?.bytesWritten ?? before) - before),
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
