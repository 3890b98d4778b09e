#!/usr/bin/env node
// Replaces Prisma's native schema engine (JSON-RPC over stdin and stdout) by the same engine as
// WebAssembly, from npm, over PGlite or PostgreSQL. Only for writing migrations (scripts/prisma.js
// uses it); needs `npm run compile` first.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { PgliteSocket } from '../dist/coordinator/storage/pglite-socket.js';

const CHAR_OID = 18;
const TEXT_OID = 25;
/**
 * The native engine asks its caller to print; ids of such requests start here, and their answers
 * are dropped.
 */
const PRINT_IDS = 100_000;

const options = (name) =>
  process.argv.flatMap((argument, i) => (argument === name ? [process.argv[i + 1]] : []));
const log = (level, message, fields = {}) =>
  console.error(
    JSON.stringify({
      timestamp: new Date().toISOString(),
      level,
      fields: { message, ...fields },
      target: 'schema_engine::logger',
    }),
  );

/**
 * adapter-pg doesn't support the catalogs' "char" type, which the engine reads when it describes a
 * database.
 */
function readingChars(connection, queryRaw) {
  return async (query) => {
    const result = await connection.performIO(query);
    const chars = result.fields.map((field) => field.dataTypeID === CHAR_OID);
    for (const field of result.fields)
      if (field.dataTypeID === CHAR_OID) field.dataTypeID = TEXT_OID;
    const answer = await queryRaw.call({ performIO: async () => result }, query);
    return {
      ...answer,
      columnTypes: answer.columnTypes.map((type, i) =>
        chars[i] ? ColumnTypeEnum.Character : type,
      ),
    };
  };
}

/** A driver adapter for the engine; `close` runs after its connection ends. */
function adapter(config, close = async () => {}) {
  const factory = new PrismaPg(config);
  const connect = async () => {
    const connection = await factory.connect();
    const dispose = connection.dispose.bind(connection);
    connection.queryRaw = readingChars(connection, Object.getPrototypeOf(connection).queryRaw);
    // Sent whole, because adapter-pg splits a script at every ';', even inside function bodies.
    connection.executeScript = async (sql) => {
      try {
        await connection.underlyingDriver().query(sql);
      } catch (error) {
        connection.onError(error);
      }
    };
    connection.dispose = async () => {
      await dispose();
      await close();
    };
    return connection;
  };
  // The shadow database is in memory, so it needs neither the right to create one nor a second
  // server.
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect,
    connectToShadowDb: () => embedded().connect(),
  };
}

/** PGlite in `folder`, or in memory. */
function embedded(folder) {
  const database = new PGlite(folder || undefined);
  return adapter(
    {
      stream: () => new PgliteSocket(database),
      max: 1,
      idleTimeoutMillis: 0,
      user: 'postgres',
      database: 'postgres',
    },
    () => database.close(),
  );
}

const url = JSON.parse(options('--datasource')[0] ?? '{}').url ?? 'pglite:';
const target = url.startsWith('pglite:')
  ? embedded(url.slice('pglite:'.length))
  : adapter({ connectionString: url });

globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => log('ERROR', message) };
const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
const { instance } = await WebAssembly.instantiate(
  readFileSync(join(dirname(glue), 'schema_engine_bg.wasm')),
  { './schema_engine_bg.js': bindings },
);
// oxlint-disable-next-line eslint/no-underscore-dangle -- wasm-bindgen's own name
bindings.__wbg_set_wasm(instance.exports);
instance.exports['__wbindgen_start']();

const schemas = options('--datamodels').map((path) => [path, readFileSync(path, 'utf8')]);
const start = (factory) =>
  bindings.SchemaEngine.new(
    { datamodels: schemas.length > 0 ? schemas : undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(factory),
  );
/**
 * One engine per request, because an engine that has applied migrations no longer finds its shadow
 * database.
 */
const connected = () => start(target);

/** The SQL from the migrations to the schema; '' when there is nothing to change. */
async function changes({ migrationsList, schema, filters }) {
  const diff = {
    from: { tag: 'migrations', ...migrationsList },
    to: { tag: 'schemaDatamodel', ...schema },
    shadowDatabaseUrl: null,
    filters,
  };
  const { stdout } = await (
    await start(embedded())
  ).diff({ ...diff, script: true, exitCode: null });
  return /^[^-\s]/m.test(stdout ?? '') ? stdout : '';
}

async function answer(method, params = {}) {
  if (method === 'getDatabaseVersion') return (await connected()).version(null);
  if (method === 'createDatabase') {
    await (
      await connected()
    ).ensureConnectionValidity({ datasource: { tag: 'ConnectionString', url } });
    return { databaseName: 'db' };
  }
  // The WebAssembly engine finds no shadow database in these two requests, but does in a diff,
  // which gives the same result. Only its warnings about lost data are missing, so read the
  // migration.
  if (method === 'evaluateDataLoss')
    return {
      migrationSteps: (await changes(params)) === '' ? 0 : 1,
      unexecutableSteps: [],
      warnings: [],
    };
  if (method === 'createMigration') {
    const script = await changes(params);
    const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
    return {
      connectorType: 'postgresql',
      generatedMigrationName: `${stamp}_${params.migrationName}`,
      migrationScript: script === '' && !params.draft ? null : script,
      extension: 'sql',
    };
  }
  const isLive = ({ tag }) => tag === 'url' || tag === 'schemaDatasource';
  const needsDatabase = method !== 'diff' || isLive(params.from) || isLive(params.to);
  return (
    (await (needsDatabase ? await connected() : await start(embedded()))[method](params)) ?? null
  );
}

const send = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

if (process.argv.includes('cli')) {
  // can-connect-to-database, create-database
  try {
    await (
      await connected()
    ).ensureConnectionValidity({ datasource: { tag: 'ConnectionString', url } });
    process.exit(0);
  } catch (error) {
    log('ERROR', error.message, { error_code: error.code ?? 'P1001' });
    process.exit(1);
  }
}
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id >= PRINT_IDS) continue;
  try {
    const result = await answer(method, params);
    if (method === 'diff' && result?.stdout)
      send({ id: id + PRINT_IDS, method: 'print', params: { content: result.stdout } });
    send({ id, result });
  } catch (error) {
    const message = String(error.message ?? error).split('\n   0: ')[0];
    send({
      id,
      error: {
        code: 4466,
        message: 'An error happened.',
        data: { is_panic: false, message, error_code: error.code },
      },
    });
  }
}
process.exit(0);
