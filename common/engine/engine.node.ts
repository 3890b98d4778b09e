// Engines in Node: loads tfjs-node where it is there, else WASM, and makes one of them the tfjs backend.
import * as tf from '@tensorflow/tfjs';
import { type BackendWasm, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { createRequire } from 'node:module';
import path from 'node:path';
import { LentigoError } from '../errors.js';
import type { EngineName, EngineReport } from './engine.js';
import { loadHeapKernels } from './load-kernels.js';
import { registerWasmKernels } from './wasm-kernels.js';

export type { EngineName, EngineReport } from './engine.js';

const require = createRequire(import.meta.url);

interface Engine {
  readonly name: EngineName;
  /** tfjs's name for it. */
  readonly backend: string;
  /** Loads what the backend needs and says what was loaded; throws what is in the way. */
  readonly prepare: () => Promise<string>;
}

/** Fastest first; `cpu` (plain JavaScript, twenty times slower than WASM) is never chosen by itself. */
const ENGINES: readonly Engine[] = [
  { name: 'native', backend: 'tensorflow', prepare: once(prepareNative) },
  { name: 'wasm', backend: 'wasm', prepare: once(prepareWasm) },
  { name: 'cpu', backend: 'cpu', prepare: once(prepareCpu) },
];

function once(prepare: () => Promise<string>): () => Promise<string> {
  let done: Promise<string> | undefined;
  return () => (done ??= prepare());
}

/** Loads tfjs-node-gpu where somebody installed it, else tfjs-node. Both share this process's tfjs and register the backend `tensorflow`. */
async function prepareNative(): Promise<string> {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // oneDNN announces itself on stderr whatever the log level, and brings no more than 5 % here.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '0';
  // tfjs-node 4.22 calls helpers that Node 22 deprecates and Node 23 has removed from `util`.
  Object.assign(require('node:util') as object, { isNullOrUndefined: (v: unknown) => v === null || v === undefined, isArray: Array.isArray });
  const deprecations = process.noDeprecation;
  process.noDeprecation = true;
  try {
    const name = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].find(isInstalled);
    if (!name) throw new Error("@tensorflow/tfjs-node isn't installed");
    require(name);
    await activate('tensorflow');
    return `${name} ${(require(`${name}/package.json`) as { version: string }).version}`;
  } finally {
    process.noDeprecation = deprecations ?? false;
  }
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

async function prepareWasm(): Promise<string> {
  const manifest = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
  setWasmPaths(path.join(path.dirname(manifest), 'dist') + path.sep);
  await activate('wasm');
  removeRethrowers();
  registerWasmKernels(await loadHeapKernels(tf.backend() as BackendWasm));
  return `@tensorflow/tfjs-backend-wasm ${(require(manifest) as { version: string }).version} with Lentigo's training kernels`;
}

/** Emscripten's start-up code installs handlers that throw every uncaught error again, out of its own minified line: they hide where errors come from. */
function removeRethrowers(): void {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (/ExitStatus|^function \(reason\) \{ throw reason; \}$/.test(String(listener))) process.removeListener(event, listener);
    }
  }
}

async function prepareCpu(): Promise<string> {
  await activate('cpu');
  // The backend advertises tfjs-node on first use.
  Object.assign(tf.backend(), { firstUse: false });
  return 'plain JavaScript';
}

async function activate(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs could not start its ${backend} backend`);
  await tf.ready();
}

/** First line of what was thrown. */
const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!.trim();

/** Which engine the caller or LENTIGO_ENGINE asks for; undefined leaves the choice to us. */
function requested(name: string | undefined): EngineName | undefined {
  const asked = name ?? (process.env['LENTIGO_ENGINE'] || undefined);
  if (asked === undefined || ENGINES.some((e) => e.name === asked)) return asked as EngineName | undefined;
  throw new LentigoError('LENTIGO_ENGINE_UNAVAILABLE', `there is no engine "${asked}": it is one of ${ENGINES.map((e) => e.name).join(', ')}`);
}

/**
 * Which engines work here, and which one is chosen and why. Every engine is started once; the backend in use stays in use. Never throws because one is missing.
 * @throws LENTIGO_ENGINE_UNAVAILABLE when LENTIGO_ENGINE names none of them.
 */
export async function surveyEngines(): Promise<EngineReport[]> {
  const asked = requested(undefined);
  const before = tf.getBackend() as string | undefined;
  const findings: { name: EngineName; available: boolean; what: string }[] = [];
  for (const { name, prepare } of ENGINES) {
    try {
      findings.push({ name, available: true, what: await prepare() });
    } catch (e) {
      findings.push({ name, available: false, what: reasonOf(e) });
    }
  }
  if (before) await tf.setBackend(before);
  const chosen = findings.find((f) => f.available && (asked ? f.name === asked : f.name !== 'cpu'))?.name;
  return findings.map(({ name, available, what }) => {
    if (!available) return { name, available, chosen: false, reason: what };
    if (name === chosen) return { name, available, chosen: true, reason: `${what}; ${asked ? 'LENTIGO_ENGINE asks for it' : 'the fastest that works here'}` };
    return { name, available, chosen: false, reason: `${what}; ${asked ? `LENTIGO_ENGINE asks for ${asked}` : name === 'cpu' ? 'only on request' : `${chosen} is faster`}` };
  });
}

/**
 * Prepares an engine and makes it the tfjs backend: `name`, else LENTIGO_ENGINE, else the fastest that works.
 * May be called again, with another name, at any time.
 * @throws LENTIGO_ENGINE_UNAVAILABLE when the one asked for, or every one, fails to start.
 */
export async function useEngine(name?: EngineName): Promise<EngineName> {
  const asked = requested(name);
  const failures: string[] = [];
  for (const engine of ENGINES) {
    if (asked ? engine.name !== asked : engine.name === 'cpu') continue;
    try {
      await engine.prepare();
      await activate(engine.backend);
      return engine.name;
    } catch (e) {
      failures.push(`${engine.name}: ${reasonOf(e)}`);
    }
  }
  throw new LentigoError('LENTIGO_ENGINE_UNAVAILABLE', `no engine could be started (${failures.join('; ')})`);
}
