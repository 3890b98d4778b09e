// The files below a folder: links are followed, hidden folders and files are not, and what can't be
// read is said instead of ending everything.
import { readdir, readlink, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../files/durable.node.js';
import { isHidden } from './match-images.js';

export interface FoundFiles {
  /** Paths relative to the folder, with / between folders. */
  readonly files: readonly string[];
  /** What bears a file's name and can't be opened as one: path → what it is. */
  readonly unusable: ReadonlyMap<string, string>;
  /** Hidden folders and files that were passed over. */
  readonly hidden: { readonly folders: number; readonly files: number };
  /** Folders that can't be read: path → why. */
  readonly closed: ReadonlyMap<string, string>;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'it is a link that leads back to itself',
  ENOENT: 'it is gone',
  ENAMETOOLONG: 'its path is too long',
};
const reasonOf = (error: unknown): string => REASONS[systemCode(error) ?? ''] ?? String(error);

/**
 * Everything below a folder. Each folder is read once, however many links lead to it, and under its
 * own name if it has one below `root`: folders go before links to folders.
 */
export async function findFiles(root: string): Promise<FoundFiles> {
  const files: string[] = [];
  const unusable = new Map<string, string>();
  const closed = new Map<string, string>();
  const hidden = { folders: 0, files: 0 };
  const seen = new Set<string>();
  const links: string[] = [];

  async function enter(folder: string): Promise<void> {
    const path = join(root, folder);
    let entries: Dirent[];
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      if (seen.has(`${dev}:${ino}`)) return;
      seen.add(`${dev}:${ino}`);
      entries = await readdir(path, { withFileTypes: true });
    } catch (error) {
      closed.set(folder === '' ? root : folder, reasonOf(error));
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const inside = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isHidden(entry.name)) hidden[entry.isDirectory() ? 'folders' : 'files']++;
      else if (entry.isDirectory()) await enter(inside);
      else if (entry.isSymbolicLink()) await follow(inside);
      else if (entry.isFile()) files.push(inside);
      else unusable.set(inside, 'is not a file');
    }
  }

  async function follow(link: string): Promise<void> {
    const path = join(root, link);
    try {
      const target = await stat(path);
      if (target.isDirectory()) links.push(link);
      else if (target.isFile()) files.push(link);
      else unusable.set(link, 'is a link to something that is not a file');
    } catch (error) {
      const to = await readlink(path).catch(() => 'an unknown place');
      unusable.set(
        link,
        systemCode(error) === 'ENOENT'
          ? `is a link to ${to}, which is not there`
          : `is a link to ${to}: ${reasonOf(error)}`,
      );
    }
  }

  await enter('');
  for (let link = links.shift(); link !== undefined; link = links.shift()) await enter(link);
  return { files, unusable, hidden, closed };
}
