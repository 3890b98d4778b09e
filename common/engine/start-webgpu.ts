// Starts the WebGPU engine. Loaded only where `navigator.gpu` exists, because of its size.
import * as tf from '@tensorflow/tfjs';
import { activate, type Prepared } from './engine.js';
import { registerWebgpuKernels } from './webgpu-kernels.js';

/**
 * Starts the engine with our kernels and leaves it in use. A GPU emulated by the processor works,
 * but brings no gain.
 * @throws when there is no GPU
 */
export async function startWebgpu(): Promise<Prepared> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU finds no GPU');
  await activate('webgpu');
  registerWebgpuKernels();
  const { vendor, architecture, description, isFallbackAdapter } =
    adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean };
  const gpu = description || [vendor, architecture].filter(Boolean).join(' ') || 'a GPU';
  return {
    what: `@tensorflow/tfjs-backend-webgpu ${tf.version_core} on ${gpu}`,
    ...(isFallbackAdapter && { onRequest: true }),
  };
}
