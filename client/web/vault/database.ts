// The browser's storage: one IndexedDB database with the vault's lock and the encrypted files. (Not
// OPFS: only IndexedDB replaces a file in one step in every browser, and it takes blobs of any
// size.)
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';
import { LentigoError } from '../../../common/errors.js';
import type { Bytes } from '../../participation/store.js';

interface Schema extends DBSchema {
  lock: { key: 'lock'; value: unknown };
  /** [folder, name, piece] → sealed bytes. */
  files: { key: [string, string, number]; value: Bytes };
}
export type VaultDatabase = IDBPDatabase<Schema>;

const NAME = 'lentigo-clinic';

export async function openDatabase(): Promise<VaultDatabase> {
  return await openDB<Schema>(NAME, 1, {
    upgrade(database) {
      database.createObjectStore('lock');
      database.createObjectStore('files');
    },
    // Another tab is deleting everything: close this connection.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

/**
 * Deletes everything that this browser keeps. Waits until other tabs have closed their connections.
 */
export const deleteDatabase = (): Promise<void> => deleteDB(NAME);

/**
 * Runs a write.
 * @throws LENTIGO_DISK_FULL in place of the browser's own quota error
 */
export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'QuotaExceededError')
      throw new LentigoError(
        'LENTIGO_DISK_FULL',
        'This browser has no room left for more photographs.',
        { cause },
      );
    throw cause;
  }
}
