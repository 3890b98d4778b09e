// The repository's own text files, as the tests of the documents read them.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PACKAGE_ROOT } from '../support/shared-data.js';

const SKIPPED = new Set(['node_modules', 'dist', 'out', 'generated', '.git']);

/** Paths, relative to the repository, of all files below `folder` that end so. */
export function filesBelow(folder: string, ending: RegExp): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(PACKAGE_ROOT, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) found.push(...filesBelow(path, ending));
    } else if (ending.test(entry.name)) found.push(relative('.', path));
  }
  return found.toSorted();
}

export const readSource = (path: string): string => readFileSync(join(PACKAGE_ROOT, path), 'utf8');

/** The Markdown pages of the project. */
export const markdownPages = (): string[] => filesBelow('.', /\.md$/);
