// Models and other large bytes, on disk, named by their SHA-256: written once, never changed.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import type { BlobRef } from '../../common/protocol/primitives.js';
import {
  makeFolder,
  syncFile,
  syncFolder,
  systemCode,
  writing,
} from '../../common/files/durable.node.js';
import { hashFile, sha256Of } from '../../common/files/sha256.node.js';

/**
 * The blob store in `dataDir`/blobs. Callers give bytes and take a BlobRef; but for `path`, nothing
 * here supposes a disk.
 * @example const ref = await blobs.put(bytes); const same = await blobs.read(ref.sha256);
 */
export class Blobs {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the store, and clears away what a killed process had half-written. */
  static async in(dataDir: string): Promise<Blobs> {
    const folder = join(dataDir, 'blobs');
    await rm(join(folder, 'new'), { recursive: true, force: true });
    await makeFolder(join(folder, 'new'));
    return new Blobs(folder);
  }

  /**
   * Stores bytes; on the disk when the promise resolves. The same bytes again are the same blob.
   * @throws LENTIGO_DISK_FULL, and nothing half-written stays.
   */
  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const fresh = join(this.#folder, 'new', randomUUID());
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      await writing(fresh, async () => {
        const handle = await open(fresh, 'wx');
        try {
          for await (const chunk of content instanceof Uint8Array ? [content] : content) {
            hash.update(chunk);
            bytes += chunk.length;
            await handle.writeFile(chunk); // writes on from where the last one ended
          }
          await handle.sync();
        } finally {
          await handle.close();
        }
      });
      return await this.#place(fresh, { sha256: hash.digest('hex'), bytes });
    } catch (thrown) {
      await rm(fresh, { force: true });
      throw thrown;
    }
  }

  /** Takes a finished file of the same disk into the store; it is gone from its old place. */
  async adopt(path: string): Promise<BlobRef> {
    const ref = await hashFile(path);
    await syncFile(path);
    return this.#place(path, ref);
  }

  async has(sha256: string): Promise<boolean> {
    return isHash(sha256) && existsSync(this.path(sha256));
  }

  /** @throws LENTIGO_BLOB_UNKNOWN */
  async ref(sha256: string): Promise<BlobRef> {
    if (!isHash(sha256)) throw unknown(sha256);
    try {
      return { sha256, bytes: (await stat(this.path(sha256))).size };
    } catch (thrown) {
      throw systemCode(thrown) === 'ENOENT' ? unknown(sha256) : thrown;
    }
  }

  /** The whole blob, its hash verified. @throws LENTIGO_BLOB_UNKNOWN, LENTIGO_BLOB_CORRUPT */
  async read(sha256: string): Promise<Uint8Array> {
    await this.ref(sha256);
    const bytes = await readFile(this.path(sha256));
    const found = sha256Of(bytes);
    if (found !== sha256)
      throw new LentigoError(
        'LENTIGO_BLOB_CORRUPT',
        `${this.path(sha256)} has the SHA-256 ${found}.`,
      );
    return bytes;
  }

  /**
   * The local file that holds, or would hold, the blob: for workers, and for HTTP ranges. @throws
   * LENTIGO_BLOB_UNKNOWN for what is no hash.
   */
  path(sha256: string): string {
    if (!isHash(sha256)) throw unknown(sha256);
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  /**
   * Moves a flushed file to its place. A file that is there already is replaced: by the same bytes,
   * or it was corrupt.
   */
  async #place(file: string, ref: BlobRef): Promise<BlobRef> {
    const path = this.path(ref.sha256);
    await writing(path, async () => {
      await makeFolder(dirname(path));
      await rename(file, path);
    });
    await syncFolder(dirname(path));
    return ref;
  }
}

const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
const unknown = (sha256: string) =>
  new LentigoError('LENTIGO_BLOB_UNKNOWN', `There is no blob ${sha256.slice(0, 64)}.`);
