// Engines in browsers, on a page or in a worker: WebGPU where there is a GPU, else WASM.
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { chooseAmong, CPU, type Prepared } from './engine.js';
import { startWasm } from './start-wasm.js';

/**
 * Where the bundler has put the modules of @tensorflow/tfjs-backend-wasm. `plain`: for browsers
 * before 2023, without SIMD.
 */
export interface WasmUrls {
  readonly simd: string;
  readonly plain: string;
}

/**
 * The engines here; call `useEngine` of the result once before anything else of tfjs.
 * @example const { useEngine } = webEngines({ simd, plain }); await useEngine();
 */
export const webEngines = (urls: WasmUrls) =>
  chooseAmong([
    { name: 'webgpu', backend: 'webgpu', prepare: prepareWebgpu },
    { name: 'wasm', backend: 'wasm', prepare: () => prepareWasm(urls) },
    CPU,
  ]);

async function prepareWebgpu(): Promise<Prepared> {
  if (!('gpu' in navigator)) throw new Error('this browser has no WebGPU');
  const { startWebgpu } = await import('./start-webgpu.js');
  return await startWebgpu();
}

async function prepareWasm({ simd, plain }: WasmUrls): Promise<Prepared> {
  // Threads are ours (common/training/gradient-threads.ts): tfjs's own would only speed up what
  // little of a step is left to XNNPACK.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  // It wants an address for each of its modules, the threaded one too.
  setWasmPaths({
    'tfjs-backend-wasm-simd.wasm': simd,
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-threaded-simd.wasm': simd,
  });
  return { what: await startWasm() };
}
