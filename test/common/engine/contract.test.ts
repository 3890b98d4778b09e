// The engines' contract (contract.ts), checked on each engine of Node.
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { loadHeapKernels } from '../../../common/engine/load-kernels.js';
import { conv2d, depthwiseConv2d } from '../../../common/engine/ops.js';
import { registerWasmKernels } from '../../../common/engine/wasm-kernels.js';
import { Random } from '../../../common/random.js';
import { ENGINES, noWebgpu } from '../../support/engines.js';
import { CONTRACT, draw, expectClose, geometry, onEngine, type Op, whole } from './contract.js';

const wasmKernels = async (simd: boolean): Promise<void> => {
  await useEngine('wasm');
  registerWasmKernels(await loadHeapKernels(tf.backend() as BackendWasm, { simd }));
};

const variants: readonly {
  name: string;
  start: () => Promise<unknown>;
  runs: number;
  missing?: string | undefined;
}[] = [
  ...ENGINES.map((engine) => ({ name: engine, start: () => useEngine(engine), runs: 30 })),
  { name: 'wasm without SIMD', start: () => wasmKernels(false), runs: 10 },
  {
    name: noWebgpu ? `webgpu: skipped, ${noWebgpu}` : 'webgpu',
    start: () => useEngine('webgpu'),
    runs: 5,
    missing: noWebgpu,
  },
  { name: 'cpu', start: () => useEngine('cpu'), runs: 10 },
];

for (const { name, start, runs, missing } of variants) {
  describe.skipIf(missing !== undefined)(`the operations of the student [${name}]`, () => {
    beforeAll(async () => void (await start()));
    afterAll(() => wasmKernels(true));
    it.each(CONTRACT)('$promise', async ({ hold }) => await hold(runs));
  });
}

describe('WASM training kernels', () => {
  beforeAll(async () => void (await useEngine('wasm')));

  it('serve tf.conv2d and tf.depthwiseConv2d with explicit padding too', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometry,
        whole(0, 2),
        async ({ shape: [n, h, w, c], o, stride, seed }, pad) => {
          const random = new Random(seed);
          const inputs = [
            draw([n, h, w, c], random),
            draw([3, 3, c, 1], random),
            draw([1, 1, c, o], random),
          ];
          const plain: Op = (x, f, g) =>
            tf.conv2d(
              tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, stride, pad),
              g as tf.Tensor4D,
              1,
              'valid',
            );
          const ours: Op = (x, f, g) => {
            const y = depthwiseConv2d(
              x as tf.Tensor4D,
              f as tf.Tensor4D,
              tf.zeros([c]),
              stride,
              pad,
            );
            return conv2d(y, g as tf.Tensor4D, tf.zeros([o]), 1, 'valid');
          };
          const [a, b] = [
            await onEngine(plain, inputs, (shape) => draw(shape, new Random(seed))),
            await onEngine(ours, inputs, (shape) => draw(shape, new Random(seed))),
          ];
          for (const [i, expected] of b.gradients.entries()) expectClose(a.gradients[i]!, expected);
        },
      ),
      { numRuns: 10, seed: 4 },
    );
  });

  it('refuse what they do not implement instead of giving a wrong gradient', () => {
    const grad = tf.grad((x: tf.Tensor) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, tf.ones([3, 3, 2, 2]), 1, 'same'),
    );
    expect(() => tf.tidy(() => grad(tf.ones([1, 4, 4, 2])))).toThrow('channel multiplier');
  });
});
