// Starts the WASM engine, once setWasmPaths has said where its modules are.
import * as tf from '@tensorflow/tfjs';
import { type BackendWasm, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { activate } from './engine.js';
import { loadHeapKernels } from './load-kernels.js';
import { registerWasmKernels } from './wasm-kernels.js';

/** Starts the engine with our training kernels and leaves it in use. Returns what was loaded. */
export async function startWasm(): Promise<string> {
  await activate('wasm');
  registerWasmKernels(await loadHeapKernels(tf.backend() as BackendWasm));
  return `@tensorflow/tfjs-backend-wasm ${version_wasm} with Lentigo's training kernels`;
}
