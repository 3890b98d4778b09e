// The package installs from its tarball in an empty folder, without a build and without what
// develops it, and serves the command and a program.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { install, pack, type Packed, registryProblem, runIn } from './packed.js';

const MINUTES = 60_000;
const ENTRIES = ['index', 'api/coordinator', 'api/clinic', 'api/protocol'];
/** Bytes: what a clinic downloads besides its dependencies. */
const LARGEST = 16_000_000;

let folder = '';
let packed: Packed;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-package-'));
  packed = await pack(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what runs, the pages, the starting model, the migrations, README and licence', () => {
    expect(packed.files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'bin/lentigo.js',
        'dist/cli.js',
        'dist/index.js',
        'dist/common/engine/generated/kernels.js',
        'dist/coordinator/storage/generated/client.js',
        'dist/web/clinic/index.html',
        'dist/web/console/index.html',
        'models/start/model.safetensors',
      ]),
    );
    expect(packed.files.some((path) => /^prisma\/migrations\/.*\.sql$/.test(path))).toBe(true);
    expect(packed.size).toBeLessThan(LARGEST);
  });

  it('holds no sources, tests, examples or source maps', () => {
    const odd = packed.files.filter(
      (path) =>
        /\.map$|(?<!\.d)\.tsx?$|\.test\./.test(path) || /^(dist\/)?(test|examples)\//.test(path),
    );
    expect(odd).toEqual([]);
  });

  it('holds every declaration that the public ones refer to', async () => {
    const files = new Set(packed.files);
    const missing = new Set<string>();
    const seen = new Set<string>();
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      if (!files.has(path)) return void missing.add(path);
      const text = await readFile(join(PACKAGE_ROOT, path), 'utf8');
      for (const [, specifier] of text.matchAll(/(?:from |import\(?)["'](\.[^"']+)\.js["']/g))
        await visit(posix.join(dirname(path), `${specifier}.d.ts`));
    };
    for (const entry of ENTRIES) await visit(`dist/${entry}.d.ts`);
    expect([...missing]).toEqual([]);
    expect(seen.size).toBeGreaterThan(ENTRIES.length);
  });
});

describe('installed from the tarball', () => {
  let program = '';
  let problem: string | undefined;
  beforeAll(async () => {
    problem = await registryProblem();
    if (problem !== undefined) return;
    program = join(folder, 'program');
    await install(packed.tarball, program);
  }, 10 * MINUTES);

  it('`lentigo doctor` finds an engine', async ({ skip }) => {
    skip(problem !== undefined, problem);
    expect(await runIn(program, ['node_modules/.bin/lentigo', 'doctor'])).toMatch(/→ wasm +works/);
  });

  it(
    'a program simulates a study with a model of its own',
    { timeout: 5 * MINUTES },
    async ({ skip }) => {
      skip(problem !== undefined, problem);
      const example = join(PACKAGE_ROOT, 'dist/examples/own-model.js');
      await copyFile(example, join(program, 'own-model.js'));
      expect(await runIn(program, ['own-model.js'])).toContain('validation chose round');
    },
  );

  it(
    'a program starts a coordinator, which serves the pages',
    { timeout: 5 * MINUTES },
    async ({ skip }) => {
      skip(problem !== undefined, problem);
      await writeFile(
        join(program, 'coordinator.js'),
        `import { startCoordinator } from 'lentigo/coordinator';
       import { Clinic } from 'lentigo/clinic';
       import { PROTOCOL } from 'lentigo/protocol';
       const coordinator = await startCoordinator({ dataDir: 'coordinator' });
       for (const page of ['console', 'clinic'])
         console.log(page, (await fetch(\`\${coordinator.url}/\${page}/\`)).status);
       console.log(typeof Clinic.enrol, PROTOCOL);
       await coordinator.close();`,
      );
      const printed = await runIn(program, ['coordinator.js']);
      expect(printed.trim().split('\n').slice(0, 2)).toEqual(['console 200', 'clinic 200']);
    },
  );
});
