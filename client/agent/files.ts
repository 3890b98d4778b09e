// The agent's Store: a folder on disk that only its owner can read.
import { appendFile, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, systemCode, writeDurably, writing } from '../../common/files/durable.node.js';
import type { Bytes, Store } from '../participation/store.js';

const PRIVATE = 0o600;

const nothingWhenMissing = (thrown: unknown): undefined => {
  if (systemCode(thrown) !== 'ENOENT') throw thrown;
};

export class FileStore implements Store {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }
  async read(name: string): Promise<Bytes | undefined> {
    const bytes = await readFile(join(this.#folder, name)).catch(nothingWhenMissing);
    // A copy, because Node's pooled buffers need not be aligned to four bytes.
    return bytes && new Uint8Array(bytes);
  }
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, name);
    await makeFolder(dirname(path));
    await writeDurably(path, bytes, PRIVATE);
  }
  async append(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, name);
    await makeFolder(dirname(path));
    await writing(path, () => appendFile(path, bytes, { mode: PRIVATE }));
  }
  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }
  async list(folder: string): Promise<string[]> {
    const names = (await readdir(join(this.#folder, folder)).catch(nothingWhenMissing)) ?? [];
    // A name ending in `.new` is left over from a write that crashed.
    return names.filter((name) => !name.endsWith('.new')).sort();
  }
}
