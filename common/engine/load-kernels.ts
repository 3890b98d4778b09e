// Loads the heap kernels: a SIMD module (./kernels, compiled by scripts/kernels.js), or plain
// JavaScript if WebAssembly has no SIMD (browsers before 2023).
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { KERNELS, SHARED_KERNELS } from './generated/kernels.js';
import type { HeapKernels } from './heap-kernels.js';
import { plainKernels } from './plain-kernels.js';

/** The engine's memory. The object stays the same, but its buffer is replaced as it grows. */
function memoryOf({ wasm }: BackendWasm): WebAssembly.Memory {
  // The threaded build is given its memory, the other one creates it. Emscripten exposes both; its
  // types expose neither.
  const { wasmMemory, asm } = wasm as unknown as {
    wasmMemory?: WebAssembly.Memory;
    asm: { memory: WebAssembly.Memory };
  };
  return wasmMemory ?? asm.memory;
}

/** The kernels for this backend's heap; `simd: false` takes the plain ones even if SIMD works. */
export async function loadHeapKernels(
  backend: BackendWasm,
  { simd = true }: { simd?: boolean } = {},
): Promise<HeapKernels> {
  const memory = memoryOf(backend);
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const bytes = Uint8Array.from(atob(shared ? SHARED_KERNELS : KERNELS), (c) => c.charCodeAt(0));
  if (!simd || !WebAssembly.validate(bytes)) return plainKernels(memory);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return instance.exports as unknown as HeapKernels;
}
