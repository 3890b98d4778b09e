// Writes files that survive a crash: written beside their final place, flushed to disk, then
// renamed, so that a reader sees the whole file or nothing.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LentigoError } from '../errors.js';

/** The `code` of a Node system error, such as 'ENOENT'. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

/** Whether it failed for lack of space, on the disk or in a quota. */
export const isFull = (thrown: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(systemCode(thrown) ?? '');

/**
 * The error for a failed write to `path`: LENTIGO_DISK_FULL for lack of space, else the original.
 */
export const writeError = (path: string, thrown: unknown): unknown =>
  isFull(thrown)
    ? new LentigoError('LENTIGO_DISK_FULL', `There is no space left to write ${path}.`, {
        cause: thrown,
      })
    : thrown;

/** Runs `write`; a full disk or quota becomes LENTIGO_DISK_FULL naming `path`. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (thrown) {
    throw writeError(path, thrown);
  }
}

/** Flushes a folder's entries: a rename or an unlink in it now survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a file's bytes. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and its parents, for the owner only where `mode` says nothing else. Node's own
 * recursion never ends where the system says of a folder that is there that it isn't (/proc).
 * @returns the first that was missing
 */
export function makeFolders(path: string, mode = 0o700): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  // Throws where something else has the name.
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path);
  for (const folder of missing) {
    try {
      mkdirSync(folder, mode);
    } catch (thrown) {
      // Another process was faster.
      if (systemCode(thrown) !== 'EEXIST') throw thrown;
    }
  }
  return missing[0];
}

/** The same, and flushes the entry of the first that was missing. */
export async function makeFolder(path: string): Promise<void> {
  const made = makeFolders(path);
  if (made !== undefined) await syncFolder(dirname(made));
}

/**
 * Writes a whole file, replacing an existing one. When the promise resolves, the bytes survive a
 * power cut; when it rejects, the old file is untouched and nothing half-written is left.
 * @throws LENTIGO_DISK_FULL
 */
export async function writeDurably(
  path: string,
  bytes: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  const fresh = `${path}.${randomUUID()}.new`;
  await writing(path, async () => {
    try {
      const handle = await open(fresh, 'wx', mode);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(fresh, path);
    } catch (thrown) {
      await rm(fresh, { force: true });
      throw thrown;
    }
  });
  await syncFolder(dirname(path));
}
