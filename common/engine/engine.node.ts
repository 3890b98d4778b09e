// Engines in Node: loads tfjs-node if it is installed, otherwise WASM, and makes it the tfjs
// backend.
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { createRequire } from 'node:module';
import path from 'node:path';
import { activate, chooseAmong, CPU, type Prepared } from './engine.js';
import { registerNativeCompiler } from './native-graph.node.js';
import { registerNativeKernels } from './native-kernels.js';
import { startWasm } from './start-wasm.js';

export type { EngineName, EngineReport } from './engine.js';

const require = createRequire(import.meta.url);

/** The environment variable LENTIGO_ENGINE names the engine, unless the caller does. */
const environment = () =>
  process.env['LENTIGO_ENGINE']
    ? { name: process.env['LENTIGO_ENGINE'], source: 'LENTIGO_ENGINE' }
    : undefined;

export const { surveyEngines, useEngine } = chooseAmong(
  [
    { name: 'native', backend: 'tensorflow', prepare: prepareNative },
    // After native until somebody has measured both on a machine with a GPU.
    { name: 'webgpu', backend: 'webgpu', prepare: prepareWebgpu },
    { name: 'wasm', backend: 'wasm', prepare: prepareWasm },
    CPU,
  ],
  environment,
);

/**
 * Loads tfjs-node-gpu if it is installed, otherwise tfjs-node. Both share this process's tfjs and
 * register the backend `tensorflow`.
 */
async function prepareNative(): Promise<Prepared> {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // oneDNN prints a notice to stderr at any log level, and gains no more than 5 % here.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '0';
  // Use TensorFlow's own memory pool. The system allocator returns large blocks at once and clears
  // them again each time, which costs a seventh of a training step.
  process.env['TF_CPU_ALLOCATOR_USE_BFC'] ??= '1';
  // tfjs-node 4.22 calls helpers that Node 22 deprecates and Node 23 has removed from `util`.
  Object.assign(require('node:util') as object, {
    isNullOrUndefined: (v: unknown) => v === null || v === undefined,
    isArray: Array.isArray,
  });
  const deprecations = process.noDeprecation;
  process.noDeprecation = true;
  try {
    const name = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].find(isInstalled);
    if (!name) throw new Error("@tensorflow/tfjs-node isn't installed");
    require(name);
    await activate('tensorflow');
    registerNativeKernels();
    registerNativeCompiler();
    return { what: `${name} ${(require(`${name}/package.json`) as { version: string }).version}` };
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

/**
 * WebGPU through the npm package webgpu (Dawn, Chromium's implementation), if it is installed. At
 * 130 MB it is not a dependency.
 */
async function prepareWebgpu(): Promise<Prepared> {
  if (!isInstalled('webgpu')) throw new Error("the npm package webgpu isn't installed");
  const { create, globals } = require('webgpu') as {
    create: (options: string[]) => GPU;
    globals: object;
  };
  Object.assign(globalThis, globals);
  // Node has a navigator since version 21.
  if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {} });
  Object.defineProperty(navigator, 'gpu', { value: create([]) });
  const { startWebgpu } = await import('./start-webgpu.js');
  return await startWebgpu();
}

async function prepareWasm(): Promise<Prepared> {
  const manifest = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
  setWasmPaths(path.join(path.dirname(manifest), 'dist') + path.sep);
  const what = await startWasm();
  removeRethrowers();
  return { what };
}

/**
 * Emscripten's start-up code installs handlers that rethrow every uncaught error from its own
 * minified line, which hides where errors come from.
 */
function removeRethrowers(): void {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (/ExitStatus|^function \(reason\) \{ throw reason; \}$/.test(String(listener)))
        process.removeListener(event, listener);
    }
  }
}
