// What a round needs only while it runs, outside the database so that deleting it deletes it: the
// round's private key and the sealed updates.
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import {
  makeFolder,
  syncFile,
  syncFolder,
  systemCode,
  writeDurably,
  writing,
} from '../../common/files/durable.node.js';

/** `dataDir`/rounds/<attempt>: the file `key`, and `<clinic>.sealed` for each update. */
export class SealedUpdates {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'rounds');
  }

  /**
   * Writes the attempt's private key for the owner alone; it survives a power cut when the promise
   * resolves, so the round may open. @throws LENTIGO_DISK_FULL
   */
  async saveKey(attempt: string, key: Uint8Array): Promise<void> {
    await makeFolder(join(this.#folder, attempt));
    await writeDurably(this.#keyPath(attempt), key, 0o600);
  }

  /** @throws LENTIGO_ROUND_UNKNOWN when the attempt was forgotten, or never opened. */
  async loadKey(attempt: string): Promise<Uint8Array> {
    try {
      return new Uint8Array(await readFile(this.#keyPath(attempt)));
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw thrown;
      throw new LentigoError(
        'LENTIGO_ROUND_UNKNOWN',
        `Attempt ${attempt} has no private key here: it is over, or never opened.`,
        { cause: thrown },
      );
    }
  }

  /** Where a clinic's sealed update lies, or will. */
  path(attempt: string, clinic: string): string {
    return join(this.#folder, attempt, `${clinic}.sealed`);
  }

  /** A place for a file that the round makes, which goes with it. */
  scratch(attempt: string, name: string): string {
    return join(this.#folder, attempt, `${name}.new`);
  }

  async has(attempt: string, clinic: string): Promise<boolean> {
    return existsSync(this.path(attempt, clinic));
  }

  /**
   * Moves a checked upload, a file of the same disk, to its place; there for good when the promise
   * resolves. It replaces what
   * a killed process left there unrecorded: the caller knows that no update of this clinic is
   * recorded yet.
   * @throws LENTIGO_DISK_FULL
   */
  async adopt(attempt: string, clinic: string, upload: string): Promise<void> {
    await syncFile(upload);
    const place = this.path(attempt, clinic);
    await writing(place, async () => {
      await makeFolder(dirname(place));
      await rename(upload, place);
    });
    await syncFolder(dirname(place));
  }

  /** Deletes an update that was refused. */
  async discard(attempt: string, clinic: string): Promise<void> {
    await rm(this.path(attempt, clinic), { force: true });
  }

  /** Deletes the attempt's key first, then its sealed updates. Again is no error. */
  async forget(attempt: string): Promise<void> {
    await rm(this.#keyPath(attempt), { force: true });
    await rm(join(this.#folder, attempt), { recursive: true, force: true });
    await makeFolder(this.#folder);
    await syncFolder(this.#folder);
  }

  /** Attempts that still have a folder: a coordinator that starts forgets those that are over. */
  async attempts(): Promise<string[]> {
    await makeFolder(this.#folder);
    return (await readdir(this.#folder)).sort();
  }

  #keyPath(attempt: string): string {
    return join(this.#folder, attempt, 'key');
  }
}
