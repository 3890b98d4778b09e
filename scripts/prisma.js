#!/usr/bin/env node
// Runs Prisma's command line without downloads, with scripts/schema-engine.js in place of its
// native engine.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const cli = createRequire(import.meta.url).resolve('prisma/build/index.js');
const engine = fileURLToPath(new URL('./schema-engine.js', import.meta.url));
const env = {
  PRISMA_SCHEMA_ENGINE_BINARY: engine,
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  ...process.env,
};
process.exit(
  spawnSync(process.execPath, [cli, ...process.argv.slice(2)], { stdio: 'inherit', env }).status ??
    1,
);
