// Opens the coordinator's database: PGlite in the data directory, or a PostgreSQL server; migrated,
// and this process alone in the directory.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { LentigoError } from '../../common/errors.js';
import { databaseError } from './database-errors.js';
import { flushTree, openFlushed } from './durable-pglite.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { syncFolder } from '../../common/files/durable.node.js';
import { type Prisma, PrismaClient } from './generated/client.js';
import { migrate } from './migrate.js';
import { PgliteSocket, whyStopped } from './pglite-socket.js';

/** PGlite has no checkpointer process: without this its write-ahead log only ever grows. */
const CHECKPOINT_MS = 300_000;

/** The write-ahead log may need so much when a database that stopped recovers, bytes. */
const ROOM_TO_RECOVER = 64 * 1024 * 1024;

export type Transaction = Prisma.TransactionClient;

export interface Database {
  readonly prisma: PrismaClient;
  /**
   * For health checks and tools; with PGlite it holds one connection: never ask it for another
   * inside a transaction.
   */
  readonly pool: pg.Pool;
  readonly kind: 'embedded' | 'server';
  /** Names of the migrations that were applied just now. */
  readonly applied: readonly string[];
  /** Lets running queries end, closes the database and unlocks the data directory. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** postgres://… of a server; without it, PGlite in `dataDir`/database. */
  readonly url?: string | undefined;
  readonly dataDir: string;
}

/**
 * @throws LENTIGO_DATA_DIR_IN_USE, LENTIGO_DATA_DIR_NEWER, LENTIGO_DATABASE, LENTIGO_DISK_FULL
 * @example const database = await openDatabase({ dataDir: 'data', url: process.env['DATABASE_URL']
 *   });
 */
export async function openDatabase({ url, dataDir }: DatabaseOptions): Promise<Database> {
  // with a server too: blobs, keys and uploads have one writer
  const unlock = lockDirectory(dataDir);
  try {
    return url === undefined
      ? await openEmbedded(join(dataDir, 'database'), unlock)
      : await openServer(url, unlock);
  } catch (thrown) {
    unlock();
    throw thrown;
  }
}

async function openServer(url: string, unlock: () => void): Promise<Database> {
  try {
    return await connect(
      'server',
      new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 10_000 }),
      async () => unlock(),
    );
  } catch (thrown) {
    const error = databaseError(thrown);
    if (error.code !== 'LENTIGO_INTERNAL') throw error;
    throw new LentigoError(
      'LENTIGO_DATABASE',
      `The database server can't be used: ${error.message}`,
      { cause: thrown },
    );
  }
}

async function openEmbedded(folder: string, unlock: () => void): Promise<Database> {
  let engine: PGlite;
  try {
    if (!existsSync(folder)) await initialise(folder);
    engine = await openFlushed(folder);
  } catch (thrown) {
    const error = databaseError(thrown);
    if (error.code === 'LENTIGO_DISK_FULL') throw error;
    throw new LentigoError(
      'LENTIGO_DATABASE',
      `The embedded database in ${folder} does not open: ${error.message}`,
      { cause: thrown },
    );
  }
  /**
   * The engine, or another in its place when it stopped: nothing that was committed is lost with
   * it.
   */
  const answering = async () => {
    const stopped = whyStopped(engine);
    if (!stopped) return engine;
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < ROOM_TO_RECOVER) throw stopped;
    return (engine = await openFlushed(folder));
  };
  const pool = new pg.Pool({
    stream: () => new PgliteSocket(answering),
    max: 1,
    idleTimeoutMillis: 0,
    user: 'postgres',
    database: 'postgres',
    ssl: false,
  });
  const checkpoints = setInterval(
    () => void pool.query('CHECKPOINT').catch(() => undefined),
    CHECKPOINT_MS,
  ).unref();
  return connect('embedded', pool, async () => {
    clearInterval(checkpoints);
    if (!whyStopped(engine)) await engine.close();
    unlock();
  });
}

/**
 * Makes the files of an empty database beside their place: a kill or a power cut half-way leaves
 * nothing half-made.
 */
async function initialise(folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const engine = await PGlite.create(fresh, {
    postgresqlconf: ['shared_buffers = 32MB', 'min_wal_size = 32MB', 'max_wal_size = 64MB'],
  });
  await engine.close();
  await flushTree(fresh);
  renameSync(fresh, folder);
  await syncFolder(dirname(folder));
}

async function connect(
  kind: Database['kind'],
  pool: pg.Pool,
  release: () => Promise<void>,
): Promise<Database> {
  // an idle connection broke: the pool drops it, and the next query says what is wrong
  pool.on('error', () => undefined);
  try {
    const applied = await migrate(pool);
    const prisma = new PrismaClient({
      adapter: new PrismaPg(pool),
      transactionOptions: { maxWait: 30_000, timeout: 30_000 },
    });
    const close = async () => {
      await prisma.$disconnect();
      await pool.end();
      await release();
    };
    return { prisma, pool, kind, applied, close };
  } catch (thrown) {
    await pool.end();
    await release();
    throw thrown;
  }
}
