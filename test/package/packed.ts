// The package as others get it: packed from what was built, and installed in an empty folder.
import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../support/shared-data.js';

const run = promisify(execFile);

export interface Packed {
  readonly tarball: string;
  /** Bytes, as packed and as unpacked. */
  readonly size: number;
  readonly unpackedSize: number;
  /** Paths inside the package. */
  readonly files: readonly string[];
}

/** Packs dist and what else belongs to it; nothing is built. @param into an empty folder */
export async function pack(into: string): Promise<Packed> {
  const { stdout } = await run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', into],
    { cwd: PACKAGE_ROOT, maxBuffer: 2 ** 26 },
  );
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, PackedByNpm>);
  const { filename, size, unpackedSize, files } = packed!;
  return {
    tarball: join(into, filename),
    size,
    unpackedSize,
    files: files.map(({ path }) => path),
  };
}

interface PackedByNpm {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** Whether npm's registry answers; the reason where it doesn't. */
export async function registryProblem(): Promise<string | undefined> {
  try {
    await run('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=10000'], { timeout: 30_000 });
    return undefined;
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? error).split('\n');
    return `npm's registry can't be reached: ${lines[0]}`;
  }
}

/** Installs a tarball in a folder that is made for it, as a program's only dependency. */
export async function install(tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  await run(
    'npm',
    [
      'install',
      tarball,
      '--omit=dev',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ],
    { cwd: folder, maxBuffer: 2 ** 26 },
  );
}

/** A program of Node in that folder. @returns what it printed */
export async function runIn(folder: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, LENTIGO_ENGINE: 'wasm' };
  const { stdout } = await run(process.execPath, [...args], { cwd: folder, env });
  return stdout;
}

/** Bytes of all files below a folder; 0 where there is none. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries)
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
