// What long runs left in their folders, for a benchmark that sums them up.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PACKAGE_ROOT } from '../support/shared-data.js';

/**
 * The file of that name in each of these folders, relative to the package.
 * @param what the folders should hold @param variable of the environment that names them @throws where one holds none
 */
export async function readFinished(folders: readonly string[], file: string, what: string, variable: string): Promise<unknown[]> {
  const paths = folders.map((folder) => resolve(PACKAGE_ROOT, folder, file));
  const missing = folders.find((_, i) => !existsSync(paths[i]!));
  if (missing) throw new Error(`${join(PACKAGE_ROOT, missing)} holds no ${what}; ${variable} names the folders, relative to the package, separated by spaces`);
  return Promise.all(paths.map(async (path) => JSON.parse(await readFile(path, 'utf8')) as unknown));
}
