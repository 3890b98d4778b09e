#!/usr/bin/env node
// Offline drop-in for Prisma's native schema-engine (JSON-RPC on stdio): runs
// @prisma/schema-engine-wasm over a driver adapter. Used only when
// PRISMA_SCHEMA_ENGINE_BINARY points here (scripts/prisma.js does that).
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';
import * as bg from '@prisma/schema-engine-wasm/schema_engine_bg';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import { PgliteSocket } from '../dist/coordinator/storage/pglite-socket.js';

const argv = process.argv.slice(2);
const opt = (n) => argv.flatMap((a, i) => (a === n ? [argv[i + 1]] : []));
const url = JSON.parse(opt('--datasource')[0] ?? '{}').url ?? '';
const log = (level, message, extra = {}) =>
  console.error(JSON.stringify({ timestamp: new Date().toISOString(), level, fields: { message, ...extra }, target: 'schema_engine::logger' }));

const adapter = (config, close) => {
  const f = new PrismaPg(config);
  const connect = async () => {
    const a = await f.connect();
    const { queryRaw } = a;
    a.queryRaw = async (query) => { // adapter-pg does not know the catalogs' "char" type (oid 18), which the describer reads
      const r = await a.performIO(query);
      const chars = r.fields.map((f) => f.dataTypeID === 18 && ((f.dataTypeID = 25), true));
      const out = await queryRaw.call({ performIO: async () => r }, query);
      return { ...out, columnTypes: out.columnTypes.map((t, i) => (chars[i] ? ColumnTypeEnum.Character : t)) };
    };
    a.executeScript = async (sql) => { // adapter-pg splits the script on every ';': send it whole
      try { await a.underlyingDriver().query(sql); } catch (e) { a.onError(e); }
    };
    const dispose = a.dispose.bind(a);
    a.dispose = async () => { await dispose(); await close?.(); };
    return a;
  };
  return { provider: f.provider, adapterName: f.adapterName, connect, connectToShadowDb: () => memory().connect() };
};
const pglite = (dir) => { const db = new PGlite(dir); return adapter({ stream: () => new PgliteSocket(db), max: 1, idleTimeoutMillis: 0, user: 'postgres', database: 'postgres' }, () => db.close()); };
const memory = () => pglite(); // shadow database: in memory, so no CREATEDB right and no second server is needed
const factory = url.startsWith('pglite:') ? pglite(url.slice(7)) : url ? adapter({ connectionString: url }) : memory();

globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (m) => log('ERROR', m) };
const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
const { instance } = await WebAssembly.instantiate(
  fs.readFileSync(path.join(path.dirname(glue), 'schema_engine_bg.wasm')), { './schema_engine_bg.js': bg });
bg.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

const files = opt('--datamodels');
const connect = (f) => bg.SchemaEngine.new(
  { datamodels: files.length ? files.map((p) => [p, fs.readFileSync(p, 'utf8')]) : undefined },
  (l) => { if (process.env.DEBUG_SCHEMA_ENGINE) console.error(l); },
  bindMigrationAwareSqlAdapterFactory(f));
let engine;
const start = async () => engine ??= await connect(factory);

if (argv.includes('cli')) { // can-connect-to-database | create-database
  try { await (await start()).ensureConnectionValidity({ datasource: { tag: 'ConnectionString', url } }); process.exit(0); }
  catch (e) { console.error(''); log('ERROR', e.message, { error_code: e.code ?? 'P1001' }); process.exit(1); }
}
const call = async (method, params = {}) => {
  const live = (t) => t.tag === 'url' || t.tag === 'schemaDatasource';
  const e = method === 'diff' && !live(params.from) && !live(params.to)
    ? await connect(memory()) : await start();
  if (method === 'getDatabaseVersion') return e.version(null);
  if (method === 'createDatabase') { await e.ensureConnectionValidity({ datasource: { tag: 'ConnectionString', url } }); return { databaseName: 'db' }; }
  return (await e[method](params)) ?? null;
};
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  let out;
  try {
    const result = await call(method, params);
    if (method === 'diff' && result?.stdout) { // the native engine prints through a callback
      process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: id + 100000, method: 'print', params: { content: result.stdout } }) + '\n');
    }
    out = { result };
  } catch (e) {
    if (process.env.DEBUG_SCHEMA_ENGINE) console.error(method, e);
    const message = String(e.message ?? e).split('\n   0: ')[0];
    out = { error: { code: 4466, message: 'An error happened.', data: { is_panic: false, message, error_code: e.code } } };
  }
  if (line && id < 100000) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...out }) + '\n');
}
process.exit(0);
