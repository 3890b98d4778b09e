// `lentigo engine build`: its attempts in order, and its messages if something is missing. The
// compiler itself is not run.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildNative } from '../../../common/engine/build.node.js';
import { surveyEngines } from '../../../common/engine/engine.node.js';
import { succeed } from '../../support/processes.js';

const WHEEL =
  process.platform === 'linux' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
const EXTENSION = process.platform === 'darwin' ? '2.dylib' : 'so.2';

const { available } = (await surveyEngines()).find(({ name }) => name === 'native')!;

describe('lentigo engine build', () => {
  let root = '';
  const steps: string[] = [];
  const build = () => buildNative({ root, onStep: (text) => steps.push(text) });
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text, { mode: 0o755 });
  };
  /** Installs a tfjs-node with this install script. */
  const install = async (script: string): Promise<void> => {
    await put('node_modules/@tensorflow/tfjs-node/package.json', '{"main":"index.js"}');
    await put('node_modules/@tensorflow/tfjs-node/index.js', "require('./binary.js')");
    await put('node_modules/@tensorflow/tfjs-node/scripts/install.js', script);
    await put(
      'node_modules/@tensorflow/tfjs/index.js',
      'exports.add = (a, b) => ({ dataSync: () => [a + b] })',
    );
  };
  /** Caches a TensorFlow as if it had been unpacked before. */
  const cache = async (): Promise<void> => {
    for (const name of ['cc', 'framework'])
      await put(`cache/lentigo/${WHEEL}-2.21.0/tensorflow/libtensorflow_${name}.${EXTENSION}`, '');
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lentigo-build-'));
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
    vi.stubEnv('PATH', join(root, 'bin'));
    steps.length = 0;
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true, force: true });
  });

  it('takes the official binary where it can be downloaded and loads', async () => {
    await install("require('node:fs').writeFileSync('binary.js', '')");
    expect(await build()).toMatchObject({ how: 'official' });
    expect(steps).toEqual(['downloading the official binary']);
  });

  it('says why there is no official binary, and that compiling needs Python; nothing half done remains', async () => {
    await install("throw new Error('getaddrinfo ENOTFOUND storage.googleapis.com')");
    await expect(build()).rejects.toMatchObject({
      code: 'LENTIGO_ENGINE_BUILD',
      message: expect.stringMatching(/there is no python3/) as string,
    });
    expect(steps[1]).toContain('ENOTFOUND storage.googleapis.com');
    expect(await readdir(join(root, 'cache', 'lentigo'))).toEqual([]);
  });

  it("passes on pip's own message", async () => {
    await install("throw new Error('getaddrinfo ENOTFOUND storage.googleapis.com')");
    await put(
      'bin/python3',
      '#!/bin/sh\necho "ERROR: No matching distribution found for tensorflow" >&2\nexit 1\n',
    );
    await expect(build()).rejects.toThrow('No matching distribution found');
  });

  it("compiles against the library that is there already, and passes the compiler's error on", async () => {
    await install("throw new Error('getaddrinfo ENOTFOUND storage.googleapis.com')");
    await cache();
    await expect(build()).rejects.toThrow(/can't be compiled: there is no c\+\+/);
    await put('bin/c++', '#!/bin/sh\necho "binding.cc:1: error: no such header"\nexit 1\n');
    await expect(build()).rejects.toThrow('error: no such header');
    // A compiler that works, as far as this package's loading tells.
    await put(
      'bin/c++',
      `#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n: > "$2"\n: > ${join(root, 'node_modules/@tensorflow/tfjs-node/binary.js')}\n`,
    );
    expect(await build()).toEqual({
      how: 'compiled',
      file: join(root, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node'),
    });
  });

  it.skipIf(!available)(
    `does nothing where the native engine works${available ? '' : ' [skipped: it is missing here]'}`,
    async () => {
      vi.unstubAllEnvs();
      expect(JSON.parse(await succeed(['engine', 'build', '--json']))).toEqual({
        engine: 'native',
        how: 'present',
      });
    },
  );
});
