// The clinic's files in the browser, each encrypted: the participant's Store, used also for
// photographs and the identity.
import type { Bytes, Store } from '../../participation/store.js';
import { concat } from '../../../common/crypto/bytes.js';
import { storing, type VaultDatabase } from './database.js';
import { openPiece, sealPiece } from './seal.js';

const split = (name: string): [folder: string, name: string] => {
  const at = name.lastIndexOf('/');
  return [name.slice(0, Math.max(0, at)), name.slice(at + 1)];
};
/** The keys of all pieces of one file. */
const pieces = (name: string): IDBKeyRange =>
  IDBKeyRange.bound([...split(name), 0], [...split(name), Infinity]);

/**
 * Works in a page and in a worker: the key can be sent to a worker, and can't be read there either.
 */
export class EncryptedStore implements Store {
  readonly #database: VaultDatabase;
  readonly #key: CryptoKey;
  constructor(database: VaultDatabase, key: CryptoKey) {
    this.#database = database;
    this.#key = key;
  }
  async read(name: string): Promise<Bytes | undefined> {
    const sealed = await this.#database.getAll('files', pieces(name));
    if (sealed.length === 0) return undefined;
    const opened = await Promise.all(
      sealed.map((bytes, piece) => openPiece(this.#key, name, piece, bytes)),
    );
    return opened.length === 1 ? opened[0] : concat(...opened);
  }
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const sealed = await sealPiece(this.#key, name, 0, bytes);
    await storing(async () => {
      const transaction = this.#database.transaction('files', 'readwrite', {
        durability: 'strict',
      });
      await Promise.all([
        transaction.store.delete(pieces(name)),
        transaction.store.put(sealed, [...split(name), 0]),
        transaction.done,
      ]);
    });
  }
  /** Appends one more piece, without reading or rewriting the existing ones. */
  async append(name: string, bytes: Uint8Array): Promise<void> {
    const piece = await this.#database.count('files', pieces(name));
    const sealed = await sealPiece(this.#key, name, piece, bytes);
    await storing(() => this.#database.put('files', sealed, [...split(name), piece]));
  }
  async remove(name: string): Promise<void> {
    await this.#database.delete('files', pieces(name));
  }
  async list(folder: string): Promise<string[]> {
    const keys = await this.#database.getAllKeys(
      'files',
      IDBKeyRange.bound([folder, '', 0], [folder, '\uffff', Infinity]),
    );
    return [...new Set(keys.map(([, name]) => name))].sort();
  }
}
