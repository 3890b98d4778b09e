// A clinic's home on disk: a folder with its identity, enrolment, journal and models. One agent at
// a time may use it.
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../../common/crypto/identity.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { makeFolder } from '../../common/files/durable.node.js';
import type { Invitation } from '../../common/protocol/enrolment.js';
import type { Enrolment } from '../participation/enrolment.js';
import { enrolStore, IDENTITY, readHome } from '../participation/home.js';
import { FileStore } from './files.js';

export interface Home {
  readonly folder: string;
  readonly identity: Identity;
  readonly enrolment: Enrolment;
  readonly store: FileStore;
  /** What the owner should know, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Opens a home.
 * @throws LENTIGO_HOME_INVALID when a file is missing or damaged
 */
export async function openHome(folder: string): Promise<Home> {
  const store = new FileStore(folder);
  return { folder, ...(await readHome(store, folder)), store, warnings: await exposure(folder) };
}

/**
 * Enrols a folder.
 * @throws LENTIGO_DATA_DIR_IN_USE, and what `enrolStore` throws
 */
export async function enrolHome(
  invitation: Invitation,
  folder: string,
  name: string,
): Promise<{ enrolment: Enrolment; approved: boolean }> {
  const unlock = lockDirectory(folder);
  try {
    await makeFolder(folder);
    await chmod(folder, 0o700);
    return await enrolStore(new FileStore(folder), invitation, name, folder);
  } finally {
    unlock();
  }
}

async function exposure(folder: string): Promise<string[]> {
  const { mode } = await stat(join(folder, IDENTITY));
  return (mode & 0o077) === 0
    ? []
    : [`${join(folder, IDENTITY)} can be read by others on this machine: chmod 600 it.`];
}
