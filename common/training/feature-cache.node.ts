// Features in a folder, for an agent: they outlive a restart. They are computed from patients'
// photographs, so only their owner may read them.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFull } from '../files/durable.node.js';
import { sha256Of } from '../files/sha256.node.js';
import type { FeatureCache } from './feature-cache.js';

const SUFFIX = '.features';

/**
 * One file of little-endian float32 for each key, named by its hash; written whole or not at all.
 */
export class FolderFeatureCache implements FeatureCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  #bytes: number;

  private constructor(folder: string, maxBytes: number, bytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#bytes = bytes;
  }
  /**
   * Opens the folder, making it where it is missing and removing what an interrupted write left.
   */
  static async open(folder: string, maxBytes = 8 * 1024 ** 3): Promise<FolderFeatureCache> {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    let bytes = 0;
    for (const name of await readdir(folder)) {
      if (name.endsWith(SUFFIX)) bytes += (await stat(join(folder, name))).size;
      else if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
    }
    return new FolderFeatureCache(folder, maxBytes, bytes);
  }
  async get(key: string): Promise<Float32Array | undefined> {
    const bytes = await readFile(this.#path(key)).catch(() => undefined);
    // Copied: a pooled buffer need not be aligned to four bytes.
    return bytes && new Float32Array(new Uint8Array(bytes).buffer, 0, bytes.length >> 2);
  }
  async set(key: string, features: Float32Array): Promise<void> {
    if (this.#bytes + features.byteLength > this.#maxBytes) return;
    this.#bytes += features.byteLength;
    const part = join(this.#folder, `${randomUUID()}.part`);
    try {
      await writeFile(
        part,
        new Uint8Array(features.buffer, features.byteOffset, features.byteLength),
        { mode: 0o600 },
      );
      await rename(part, this.#path(key));
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      // What isn't kept is computed again: no reason to stop training.
      this.#bytes -= features.byteLength;
      await rm(part, { force: true });
    }
  }
  #path(key: string): string {
    return join(this.#folder, sha256Of(key).slice(0, 32) + SUFFIX);
  }
}
