// What a round needs only while it runs, outside the database so that deleting it deletes it: the round's private key and the sealed updates.
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import type { BlobRef } from '../rounds/state.js';
import { hashFile } from './blobs.js';
import { makeFolder, syncFile, syncFolder, systemCode, writeDurably, writing } from './durable.js';

/** `dataDir`/rounds/<attempt>: the file `key`, and `<clinic>.<sha256>.sealed` for each update. */
export class SealedUpdates {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'rounds');
  }

  /** Writes the attempt's private key for the owner alone; it survives a power cut when the promise resolves, so the round may open. @throws LENTIGO_DISK_FULL */
  async saveKey(attempt: string, key: Uint8Array): Promise<void> {
    await makeFolder(this.#of(attempt));
    await writeDurably(this.keyPath(attempt), key, 0o600);
  }

  /** @throws LENTIGO_ROUND_UNKNOWN when the attempt was forgotten, or never opened. */
  async loadKey(attempt: string): Promise<Uint8Array> {
    try {
      return await readFile(this.keyPath(attempt));
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw thrown;
      throw new LentigoError('LENTIGO_ROUND_UNKNOWN', `Attempt ${attempt} has no private key here: it is over, or never opened.`, { cause: thrown });
    }
  }

  keyPath(attempt: string): string {
    return join(this.#of(attempt), 'key');
  }

  /**
   * Moves a finished upload of the same disk to the attempt's folder, flushed. The file's name holds its hash: an upload
   * that is then refused, or that a killed process never recorded, takes no accepted update's place.
   */
  async adoptSealed(attempt: string, clinic: string, path: string): Promise<BlobRef> {
    const ref = await hashFile(path);
    await syncFile(path);
    const place = this.sealedPath(attempt, clinic, ref.sha256);
    await writing(place, async () => {
      await makeFolder(dirname(place));
      await rename(path, place);
    });
    await syncFolder(dirname(place));
    return ref;
  }

  sealedPath(attempt: string, clinic: string, sha256: string): string {
    return join(this.#of(attempt), `${clinic}.${sha256}.sealed`);
  }

  /** Deletes one sealed update, such as one that was refused. */
  async discard(attempt: string, clinic: string, sha256: string): Promise<void> {
    await rm(this.sealedPath(attempt, clinic, sha256), { force: true });
  }

  /** Deletes the key first, then the sealed updates. Again is no error. */
  async forget(attempt: string): Promise<void> {
    await rm(this.keyPath(attempt), { force: true });
    await rm(this.#of(attempt), { recursive: true, force: true });
    await makeFolder(this.#folder);
    await syncFolder(this.#folder);
  }

  /** Attempts that still have a folder: a coordinator that starts forgets those that are over. */
  async attempts(): Promise<string[]> {
    await makeFolder(this.#folder);
    return (await readdir(this.#folder)).sort();
  }

  #of(attempt: string): string {
    return join(this.#folder, attempt);
  }
}
