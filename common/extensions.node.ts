// Extensions: modules outside Lentigo that register architectures, encodings, datasets or
// strategies when they are imported. Child processes and worker threads load the same ones, by
// LENTIGO_EXTENSIONS in the environment that they inherit.
import { delimiter, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LentigoError } from './errors.js';

const VARIABLE = 'LENTIGO_EXTENSIONS';
/** Absolute paths. */
const loaded = new Set<string>();

/**
 * Imports the extensions in LENTIGO_EXTENSIONS (paths, separated as in PATH), then `modules`; each
 * once.
 * @param modules paths, relative to the working directory, or file: URLs
 * @throws LENTIGO_EXTENSION_INVALID when one can't be imported
 */
export async function loadExtensions(modules: readonly string[] = []): Promise<void> {
  const inherited = (process.env[VARIABLE] ?? '').split(delimiter).filter((path) => path !== '');
  for (const module of [...inherited, ...modules]) {
    const path = module.startsWith('file:') ? fileURLToPath(module) : resolve(module);
    if (loaded.has(path)) continue;
    await importExtension(path);
    loaded.add(path);
  }
  if (loaded.size > 0) process.env[VARIABLE] = [...loaded].join(delimiter);
}

async function importExtension(path: string): Promise<void> {
  try {
    await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_EXTENSION_INVALID',
      `the extension ${path} can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
