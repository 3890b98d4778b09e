// Brings a database to this release's schema when the coordinator starts, recorded as Prisma
// Migrate records it.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool, PoolClient } from 'pg';
import { sha256Of } from '../../common/files/sha256.node.js';
import { LentigoError } from '../../common/errors.js';

// Table layout, checksum and lock number are Prisma Migrate's own, so that `prisma migrate deploy`,
// `status` and `dev` agree with what is recorded here.
const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;
const LOCK = 72707369;

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly checksum: string;
}

/** prisma/migrations of this package, in the order in which they apply. */
export function packagedMigrations(): Migration[] {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'prisma', 'migrations')) && root !== dirname(root))
    root = dirname(root);
  const folder = join(root, 'prisma', 'migrations');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: sha256Of(sql) };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Applies what is missing, each migration in a transaction of its own, one process at a time.
 * @returns the names of those applied now.
 * @throws LENTIGO_DATA_DIR_NEWER when a newer release migrated this database (nothing is changed
 *   then); LENTIGO_DATABASE when one fails, failed before, or was edited.
 */
export async function migrate(
  pool: Pool,
  migrations: readonly Migration[] = packagedMigrations(),
): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query(`SELECT pg_advisory_lock(${LOCK})`);
    await client.query(TABLE);
    const missing = await pending(client, migrations);
    for (const migration of missing) await apply(client, migration);
    return missing.map(({ name }) => name);
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${LOCK})`).catch(() => undefined);
    client.release();
  }
}

/** The migrations that the database hasn't had, after checking that those it had are ours. */
async function pending(client: PoolClient, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{
    migration_name: string;
    checksum: string;
    finished_at: Date | null;
  }>(
    'SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL',
  );
  const recorded = new Map(rows.map((row) => [row.migration_name, row]));
  const ours = new Set(migrations.map(({ name }) => name));
  const unknown = [...recorded.keys()].filter((name) => !ours.has(name));
  if (unknown.length > 0)
    throw new LentigoError(
      'LENTIGO_DATA_DIR_NEWER',
      `The database has migrations that this release doesn't know: ${unknown.join(', ')}.`,
    );
  return migrations.filter(({ name, checksum }) => {
    const row = recorded.get(name);
    if (row?.finished_at === null)
      throw new LentigoError(
        'LENTIGO_DATABASE',
        `Migration ${name} is recorded as failed: see \`npm run prisma -- migrate resolve\`.`,
      );
    if (row && row.checksum !== checksum)
      throw new LentigoError(
        'LENTIGO_DATABASE',
        `Migration ${name} was edited after it was applied to this database.`,
      );
    return row === undefined;
  });
}

async function apply(client: PoolClient, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    // without parameters pg sends it whole: many statements, function bodies included
    await client.query(sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (cause) {
    await client.query('ROLLBACK');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LentigoError(
      'LENTIGO_DATABASE',
      `Migration ${name} failed and changed nothing: ${reason}`,
      { cause },
    );
  }
}
