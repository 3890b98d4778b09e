// Resumable uploads of sealed updates (tus). A ticket binds each to one clinic, one attempt, and
// one exact length.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { writeError } from '../../common/files/durable.node.js';
import { UPLOADS_PATH } from '../../common/protocol/routes.js';
import { publicError } from '../access/public-error.js';
import { type Claims, type Tickets, uploadIdOf } from '../access/tickets.js';

/** A refusal in the form that tus understands: a status and a body. */
const refusal = (thrown: unknown) => {
  const error = asLentigoError(thrown);
  return { status_code: error.httpStatus, body: JSON.stringify({ error: error.body() }) };
};

/**
 * Our own refusals unchanged, and those of tus with a code and a remedy; undefined for unexpected
 * errors.
 */
function byTus(
  thrown: Error | { status_code: number; body: string },
): { status_code: number; body: string } | undefined {
  if (!('status_code' in thrown) || thrown.status_code === 500) return undefined;
  if (thrown.body.startsWith('{')) return thrown;
  const error = new LentigoError('LENTIGO_UPLOAD_INVALID', thrown.body.trim());
  return {
    status_code: thrown.status_code < 500 ? thrown.status_code : error.httpStatus,
    body: JSON.stringify({ error: error.body() }),
  };
}

export class Uploads {
  readonly #folder: string;
  readonly #store: FileStore;
  readonly #server: Server;

  constructor(folder: string, tickets: Tickets, log: Logger) {
    this.#folder = folder;
    this.#store = new FileStore({ directory: folder });
    const claimsOf = (request: { headers: Headers }): Claims => {
      try {
        return tickets.check(request.headers.get('authorization'));
      } catch (thrown) {
        throw refusal(thrown);
      }
    };
    this.#server = new Server({
      path: UPLOADS_PATH,
      datastore: this.#store,
      // Relative to the requested address, so that a proxy's prefix is kept.
      generateUrl: (_request, { path, id }) => `${path.slice(1)}/${id}`,
      maxSize: (request) => claimsOf(request).bytes,
      namingFunction: (request) => uploadIdOf(claimsOf(request)),
      onIncomingRequest: async (request, id) => {
        if (request.method === 'OPTIONS') return;
        if (uploadIdOf(claimsOf(request)) !== id)
          throw refusal(
            new LentigoError('LENTIGO_UPLOAD_TICKET', 'The ticket is for another upload.'),
          );
      },
      onUploadCreate: async (request, upload) => {
        const claims = claimsOf(request);
        const { bytes } = claims;
        if (upload.size !== bytes)
          throw refusal(
            new LentigoError(
              'LENTIGO_UPLOAD_TICKET',
              `The ticket is for ${bytes} bytes, not ${upload.size ?? 'an unknown number of'}.`,
            ),
          );
        // One upload at a time per clinic, so that nobody can fill the disk.
        await this.#remove(uploadIdOf({ ...claims, sha256: '' }), upload.id);
        return {};
      },
      onResponseError: (_request, thrown) => {
        const named = byTus(thrown);
        if (named) return named;
        const error = asLentigoError(writeError(folder, thrown));
        log.error({ err: thrown, code: error.code }, `upload failed: ${error.message}`);
        return refusal(publicError(error));
      },
    });
  }
  readonly handler: RequestHandler = (request: Request, response: Response) =>
    this.#server.handle(request, response);

  /**
   * Path of a finished upload.
   * @throws LENTIGO_UPDATE_MALFORMED when it doesn't exist or is incomplete
   */
  async finished(id: string): Promise<string> {
    const upload = await this.#store.getUpload(id).catch(() => undefined);
    if (!upload || upload.size !== upload.offset) {
      throw new LentigoError(
        'LENTIGO_UPDATE_MALFORMED',
        upload
          ? `The upload holds ${upload.offset} of ${upload.size ?? '?'} bytes.`
          : 'Nothing was uploaded for this update.',
      );
    }
    return join(this.#folder, id);
  }
  /** Deletes all uploads, complete or partial, for an attempt that is over. */
  async forget(attempt: string): Promise<void> {
    await this.#remove(`${attempt}_`);
  }
  /** Deletes the uploads whose ids begin with `prefix`, except `but`. */
  async #remove(prefix: string, but?: string): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const others = names.filter((n) => n.startsWith(prefix) && n.replace(/\.json$/, '') !== but);
    await Promise.all(others.map((n) => rm(join(this.#folder, n), { force: true })));
  }
}
