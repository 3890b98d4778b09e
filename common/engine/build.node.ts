// `lentigo engine build`: installs the native binary of @tensorflow/tfjs-node. It downloads the
// official one where it can; otherwise it compiles one against the TensorFlow library in the PyPI
// wheel, which is newer and also exists for processors without an official binary.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { LentigoError } from '../errors.js';

/**
 * TensorFlow release whose headers tfjs-node 4.22 compiles against; the binary was tested with it.
 */
const TENSORFLOW = '2.21.0';
/** Only Linux on x64 has a wheel without CUDA, under its own name. */
const WHEEL =
  process.platform === 'linux' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
const PACKAGE = '@tensorflow/tfjs-node';
const LIBRARIES =
  process.platform === 'darwin'
    ? ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']
    : ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** tfjs-node's binary is built for this version of Node-API, which every Node since 12 supports. */
const NODE_API = 8;
const MINUTE = 60_000;

/** Unpacks the needed parts of a wheel. */
const UNPACK = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if n.startswith(('tensorflow/include/', 'tensorflow/libtensorflow'))])`;

export interface Built {
  readonly how: 'official' | 'compiled';
  /** The binary. */
  readonly file: string;
}

export interface BuildOptions {
  /** The folder whose node_modules contains tfjs-node, or will. */
  readonly root: string;
  /** Called as each step begins. */
  readonly onStep: (text: string) => void;
}

const failed = (what: string, cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_ENGINE_BUILD', what, { cause });

/**
 * Runs a program to its end.
 * @returns its stdout
 * @throws LENTIGO_ENGINE_BUILD with the last line of output that gives a reason
 */
async function run(
  what: string,
  command: string,
  args: readonly string[],
  { cwd, env = {}, minutes }: { cwd?: string; env?: Record<string, string>; minutes: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: minutes * MINUTE, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        if (error.code === 'ENOENT')
          return reject(failed(`${what}: there is no ${command} on this machine`, error));
        if (error.killed)
          return reject(failed(`${what}: ${command} was not done after ${minutes} minutes`, error));
        const lines = `${stdout}\n${stderr}`
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line && !line.startsWith('at '));
        reject(
          failed(
            `${what}: ${lines.findLast((line) => /error\b|denied|not found|no matching/i.test(line)) ?? lines.at(-1) ?? error.message}`,
            error,
          ),
        );
      },
    );
  });
}

/** Loads the binary in a separate process, because an incompatible one could crash this one. */
async function check(root: string): Promise<void> {
  const script = `const util = require('node:util'); util.isNullOrUndefined ??= (v) => v == null; util.isArray ??= Array.isArray; require('${PACKAGE}'); process.exit(require('@tensorflow/tfjs').add(1, 2).dataSync()[0] === 3 ? 0 : 1)`;
  await run('the binary that was made does not load', process.execPath, ['-e', script], {
    cwd: root,
    env: { TF_CPP_MIN_LOG_LEVEL: '2', NODE_NO_WARNINGS: '1' },
    minutes: 2,
  });
}

/**
 * Installs the package if npm left it out, then its binary.
 * @throws LENTIGO_ENGINE_BUILD naming what is missing on this machine or could not be downloaded
 */
export async function buildNative({ root, onStep }: BuildOptions): Promise<Built> {
  if (!['linux', 'darwin'].includes(process.platform))
    throw failed(`there is no native engine for ${process.platform} to build`);
  const folder = join(root, 'node_modules', PACKAGE);
  if (!existsSync(join(folder, 'package.json'))) {
    const { optionalDependencies } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    ) as { optionalDependencies: Record<string, string> };
    const wanted = `${PACKAGE}@${optionalDependencies[PACKAGE]}`;
    onStep(`installing ${wanted}`);
    await run(
      `${wanted} can't be installed`,
      'npm',
      ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', wanted],
      { cwd: root, minutes: 10 },
    );
  }
  const file = join(folder, 'lib', `napi-v${NODE_API}`, 'tfjs_binding.node');
  try {
    onStep('downloading the official binary');
    await official(root, folder);
    await check(root);
    return { how: 'official', file };
  } catch (error) {
    onStep(`no official binary: ${(error as Error).message}`);
  }
  await compile(root, folder, file, await library(onStep), onStep);
  await check(root);
  return { how: 'compiled', file };
}

/**
 * Runs tfjs-node's own install script. The script exits with success even if the second of its two
 * downloads failed, so `check` has the last word.
 */
async function official(root: string, folder: string): Promise<void> {
  const path = [
    join(folder, 'node_modules', '.bin'),
    join(root, 'node_modules', '.bin'),
    process.env['PATH'] ?? '',
  ].join(delimiter);
  await run("it can't be downloaded", process.execPath, [join('scripts', 'install.js')], {
    cwd: folder,
    env: { PATH: path },
    minutes: 10,
  });
}

/**
 * The folder with the wheel's TensorFlow, unpacked. It is cached, so that `npm ci`, which removes
 * the binary, doesn't cost a second download.
 */
async function library(onStep: BuildOptions['onStep']): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lentigo');
  const folder = join(cache, `${WHEEL}-${TENSORFLOW}`);
  if (existsSync(folder)) return join(folder, 'tensorflow');
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, 'part-'));
  try {
    onStep(`downloading ${WHEEL} ${TENSORFLOW} from PyPI, about 300 MB`);
    const missing = `${WHEEL} ${TENSORFLOW} can't be downloaded`;
    await run(
      missing,
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--no-deps',
        '--only-binary=:all:',
        '--dest',
        part,
        `${WHEEL}==${TENSORFLOW}`,
      ],
      { minutes: 30 },
    );
    const wheel = (await readdir(part)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw failed(`${missing}: pip left no wheel`);
    onStep('unpacking its library and headers, about 900 MB');
    await run("the wheel can't be unpacked", 'python3', ['-c', UNPACK, join(part, wheel), part], {
      minutes: 10,
    });
    await rm(join(part, wheel));
    // Renamed to its final name only once it is complete.
    await rename(part, folder);
    return join(folder, 'tensorflow');
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function compile(
  root: string,
  folder: string,
  file: string,
  tensorflow: string,
  onStep: BuildOptions['onStep'],
): Promise<void> {
  const headers = join(
    createRequire(import.meta.url).resolve('node-api-headers/package.json'),
    '..',
    'include',
  );
  const libraries = LIBRARIES.map((name) => join(tensorflow, name));
  for (const name of libraries)
    await access(name).catch((cause: unknown) =>
      Promise.reject(failed(`the wheel holds no ${name}`, cause)),
    );
  onStep('compiling tfjs-node, about a minute');
  await mkdir(join(file, '..'), { recursive: true });
  await run(
    "tfjs-node can't be compiled",
    process.env['CXX'] || 'c++',
    [
      '-O2',
      '-std=c++17',
      '-fPIC',
      '-shared',
      `-DNAPI_VERSION=${NODE_API}`,
      '-DNODE_GYP_MODULE_NAME=tfjs_binding',
      '-DBUILDING_NODE_EXTENSION',
      // Node itself provides Node-API's functions.
      ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
      `-I${headers}`,
      `-I${folder}`,
      `-I${join(root, 'node_modules', '@tensorflow')}`,
      `-I${join(tensorflow, 'include')}`,
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name)),
      '-o',
      `${file}.part`,
      ...libraries,
      `-Wl,-rpath,${tensorflow}`,
    ],
    { minutes: 20 },
  );
  await rename(`${file}.part`, file);
}
