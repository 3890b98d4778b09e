// Tests run as compiled (`npm run compile` first), so that workers and child processes run the very
// code that is tested. Three projects: `unit` needs no built pages and starts no processes, `system`
// is all else that `npm test` runs, `long` runs by itself (`npm run test:long`).
import { defineConfig } from 'vitest/config';

const tests = (/** @type {string[]} */ ...paths) =>
  paths.map((path) => `dist/test/${path}${path.endsWith('.js') ? '' : '/**/*.test.js'}`);

const UNIT = tests(
  'common/{comparison,federation,network,protocol,update}',
  // Without those that take seconds.
  'common/crypto/!(ed25519).test.js',
  'common/evaluation/!(starting-model|heatmap).test.js',
  'common/reporting/!(model-card).test.js',
  'common/*.test.js',
  'coordinator/console',
  'coordinator/rounds/{machine,actor,intake,deadline,announcement,study}.test.js',
  'simulations/partition.test.js',
);
/**
 * Kills, fuzz, power cuts; distillations; a clinic in a browser from end to end; what the pages say
 * to type; the package as others install it; the longest of what people met.
 */
const LONG = tests(
  'client/web/training',
  'coordinator/distillation',
  'deployment/steps.test.js',
  'docs/{readme,research-pages}.test.js',
  'e2e/{clinic-app,commands,crash,tls}.test.js',
  'examples',
  'faults',
  'package',
  'regression/{app-import,b02-large-table,b03-failure-is-told,b04-proxies}.test.js',
  'security/{fuzz,rate-limits}.test.js',
);

const project = (
  /** @type {string} */ name,
  /** @type {string[]} */ include,
  /** @type {string[]} */ exclude = [],
) => ({
  extends: true,
  test: { name, include, exclude },
});

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      project('unit', UNIT),
      project('system', tests('**/*.test.js'), [...UNIT, ...LONG]),
      project('long', LONG),
    ],
  },
});
