// The databases that the store's tests run on: PGlite always, PostgreSQL where a server is given or
// can be started.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openDatabase } from '../../../coordinator/storage/database.js';

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'lentigo-storage-'));

/**
 * A data directory with an empty, migrated database, made once: a copy opens ten times faster than
 * a new one.
 */
export async function templateFolder(): Promise<string> {
  const dataDir = temporaryFolder();
  await (await openDatabase({ dataDir })).close();
  return dataDir;
}

export function copyOf(template: string): string {
  const dataDir = temporaryFolder();
  cpSync(template, dataDir, { recursive: true });
  return dataDir;
}

export interface SmallDisk {
  readonly folder: string;
  /** Writes the file `ballast` so that `left` bytes are free. */
  fill(left: number): void;
  /** Removes the ballast. */
  free(): void;
  unmount(): void;
}

/** A disk of its own in memory; undefined where it can't be mounted: that takes root. */
export function smallDisk(megabytes: number): SmallDisk | undefined {
  const folder = temporaryFolder();
  if (
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status !== 0
  ) {
    console.warn('skipped: a full disk (only root can mount a small one)');
    rmSync(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    fill(left) {
      rmSync(join(folder, 'ballast'), { force: true });
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize - left));
      } catch (thrown) {
        // full all the same: someone else wrote meanwhile
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
      }
    },
    free: () => rmSync(join(folder, 'ballast'), { force: true }),
    unmount() {
      spawnSync('umount', ['-l', folder]); // lazily: a database that stopped holds its files open
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Server {
  /** A database of its own for the caller. */
  readonly url: string;
  /** Ends it as a crash would, and starts it again; only a server that was started here. */
  restart?(): void;
  stop(): Promise<void>;
}

/** Debian keeps initdb and pg_ctl off the PATH. */
export function binaries(): string | undefined {
  const root = '/usr/lib/postgresql';
  const folders = existsSync(root)
    ? readdirSync(root).map((version) => join(root, version, 'bin'))
    : [];
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

/** The user that a server runs as: root may not run one. */
const owner = (): 'postgres' | undefined => (process.getuid?.() === 0 ? 'postgres' : undefined);

/** Why no PostgreSQL can be had here; undefined when one can. */
export function whyNoServer(): string | undefined {
  if (process.env['LENTIGO_TEST_DATABASE_URL']) return undefined;
  if (binaries() === undefined)
    return 'no LENTIGO_TEST_DATABASE_URL, and no PostgreSQL installed to start one';
  if (owner() && spawnSync('id', ['postgres']).status !== 0)
    return 'root runs the tests, and there is no user postgres to run a server';
  return undefined;
}

/**
 * A fresh database on the server of LENTIGO_TEST_DATABASE_URL, or on one started here, on a Unix
 * socket, in another time zone than UTC.
 */
export async function startServer(): Promise<Server> {
  const given = process.env['LENTIGO_TEST_DATABASE_URL'];
  return given ? databaseOn(given) : startCluster();
}

async function databaseOn(server: string): Promise<Server> {
  const name = `lentigo_test_${randomUUID().replaceAll('-', '')}`;
  const run = async (sql: string) => {
    const client = new pg.Client(server);
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, stop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function startCluster(): Promise<Server> {
  const folder = temporaryFolder();
  const user = owner();
  if (user)
    chownSync(
      folder,
      Number(execFileSync('id', ['-u', user])),
      Number(execFileSync('id', ['-g', user])),
    );
  const run = (program: string, ...args: string[]) => {
    const command = [join(binaries()!, program), ...args];
    const [file, ...rest] = user ? ['runuser', '-u', user, '--', ...command] : command;
    // not piped: the server keeps its standard output open
    execFileSync(file!, rest, { stdio: 'ignore', cwd: folder });
  };
  const data = join(folder, 'data');
  run(
    'initdb',
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  );
  appendFileSync(
    join(data, 'postgresql.conf'),
    `\nlisten_addresses = ''\nunix_socket_directories = '${folder}'\ntimezone = 'Asia/Tokyo'\n`,
  );
  run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), 'start');
  return {
    url: `postgresql://postgres@/postgres?host=${encodeURIComponent(folder)}`,
    restart: () =>
      run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-m', 'immediate', 'restart'),
    async stop() {
      run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
