// The WASM engine, once it is known where its modules lie (setWasmPaths).
import * as tf from '@tensorflow/tfjs';
import { type BackendWasm, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { activate } from './engine.js';
import { loadHeapKernels } from './load-kernels.js';
import { registerWasmKernels } from './wasm-kernels.js';

/** Starts it with our training kernels, in use from then on; says what was loaded. */
export async function startWasm(): Promise<string> {
  await activate('wasm');
  registerWasmKernels(await loadHeapKernels(tf.backend() as BackendWasm));
  return `@tensorflow/tfjs-backend-wasm ${version_wasm} with Lentigo's training kernels`;
}
