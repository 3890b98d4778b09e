// The SIMD module alone, on its own memory and on shared memory (as the engine uses in cross-origin
// isolated pages): it gives plain JavaScript's numbers, and writes no byte outside its output.
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Geometry, HeapKernels } from '../../../common/engine/heap-kernels.js';
import { loadHeapKernels } from '../../../common/engine/load-kernels.js';
import { plainKernels } from '../../../common/engine/plain-kernels.js';
import { Random } from '../../../common/random.js';

const PAGES = 8;
const MARK = 12345.5;

/**
 * Runs a kernel on two random inputs and returns its output of `size` values. Memory around the
 * output must not change.
 */
function run(
  memory: WebAssembly.Memory,
  size: number,
  seed: number,
  kernel: (a: number, b: number, out: number) => void,
): Float32Array {
  const all = new Float32Array(memory.buffer);
  const random = new Random(seed);
  for (let i = 0; i < all.length / 2; i++) all[i] = random.normal();
  all.fill(MARK, all.length / 2);
  const at = all.length / 2 + 5;
  kernel(4 * 3, all.length, at * 4);
  expect(all.subarray(all.length / 2, at).every((v) => v === MARK)).toBe(true);
  expect(all.subarray(at + size).every((v) => v === MARK)).toBe(true);
  return Float32Array.from(all.subarray(at, at + size));
}

const whole = (min: number, max: number) => fc.integer({ min, max });
const cases = fc.record({
  batch: whole(1, 2),
  height: whole(3, 8),
  width: whole(3, 8),
  channels: whole(1, 39),
  filter: fc.constantFrom(1, 3),
  stride: whole(1, 2),
  pad: whole(0, 1),
  seed: fc.nat(),
});

describe.each([
  ['its own memory', () => new WebAssembly.Memory({ initial: PAGES })],
  ['shared memory', () => new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true })],
])('the SIMD kernels on %s', (_, create) => {
  it('compute what plain JavaScript computes, and write nothing else', async () => {
    const memory = create();
    const simd = await loadHeapKernels({ wasm: { wasmMemory: memory } } as unknown as BackendWasm);
    const plain = plainKernels(memory);
    // A module's exports are frozen, so this isn't the fallback.
    expect(Object.isFrozen(simd)).toBe(true);
    fc.assert(
      fc.property(cases, ({ batch, height, width, channels, filter, stride, pad, seed }) => {
        const [outHeight, outWidth] = [height, width].map(
          (side) => Math.floor((side + 2 * pad - filter) / stride) + 1,
        ) as [number, number];
        const geometry: Geometry = [
          batch,
          height,
          width,
          channels,
          outHeight,
          outWidth,
          filter,
          filter,
          stride,
          stride,
          pad,
          pad,
        ];
        const rows = height * width;
        const positions = batch * outHeight * outWidth;
        const kernels: [
          size: number,
          call: (k: HeapKernels) => (a: number, b: number, out: number) => void,
        ][] = [
          [
            filter * filter * channels,
            (k) => (a, b, out) => k.depthwiseFilterGradient(a, b, out, ...geometry),
          ],
          [
            batch * rows * channels,
            (k) => (a, b, out) => k.depthwiseInputGradient(a, b, out, ...geometry),
          ],
          [
            positions * filter * filter * channels,
            (k) => (a, _b, out) => k.patches(a, out, ...geometry),
          ],
          [rows * filter, (k) => (a, b, out) => k.product(a, b, 0, out, rows, channels, filter)],
          [
            rows * channels,
            (k) => (a, b, out) => k.product(a, b, b + 64, out, rows, filter, channels),
          ],
          [
            channels * filter,
            (k) => (a, b, out) => k.transposedProduct(a, b, out, rows, channels, filter),
          ],
          [rows * channels, (k) => (a, _b, out) => k.swish(a, out, rows * channels)],
          [rows * channels, (k) => (a, b, out) => k.swishGradient(a, b, out, rows * channels)],
          [batch * channels, (k) => (a, _b, out) => k.channelSum(a, 0, out, batch, rows, channels)],
          [batch * channels, (k) => (a, b, out) => k.channelSum(a, b, out, batch, rows, channels)],
          [
            batch * rows * channels,
            (k) => (a, b, out) => k.channelAffine(a, b, 0, out, batch, rows, channels),
          ],
          [
            batch * rows * channels,
            (k) => (a, b, out) => k.channelAffine(a, b, b + 64, out, batch, rows, channels),
          ],
          [
            batch * rows * channels,
            (k) => (_a, b, out) => k.channelAffine(0, 0, b, out, batch, rows, channels),
          ],
          [
            rows * channels,
            (k) => (a, b, out) => {
              const squares = new Float32Array(memory.buffer, b + 65536, rows * channels);
              squares.set(squares.map((v) => v * v));
              k.adam(
                a,
                b,
                a + 65536,
                squares.byteOffset,
                out,
                rows * channels,
                0.9,
                0.9,
                0.1,
                0.999,
                0.001,
                0.01,
                1.5,
                1e-8,
              );
            },
          ],
        ];
        for (const [size, call] of kernels) {
          const [found, expected] = [
            run(memory, size, seed, call(simd)),
            run(memory, size, seed, call(plain)),
          ];
          const norm = (values: Float32Array): number =>
            Math.sqrt(values.reduce((s, v) => s + v * v, 0));
          expect(norm(found.map((v, i) => v - expected[i]!))).toBeLessThanOrEqual(
            1e-5 * norm(expected),
          );
        }
      }),
      { numRuns: 15, seed: 5 },
    );
  });
});
