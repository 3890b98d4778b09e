// An engine that computes wrongly isn't used, whatever it reports.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { activate, chooseAmong, CPU, type Engine } from '../../../common/engine/engine.js';
import { useEngine } from '../../../common/engine/engine.node.js';

/** WASM under another name, with a kernel that returns `factor` times its result, or NaN. */
const spoiled = (factor: number): Engine => ({
  name: 'webgpu',
  backend: 'wasm',
  prepare: async () => {
    await useEngine('wasm');
    const right = tf.getKernel('SwishGrad', 'wasm');
    tf.unregisterKernel('SwishGrad', 'wasm');
    tf.registerKernel({
      ...right,
      kernelFunc: (call) => {
        const out = right.kernelFunc(call) as tf.TensorInfo;
        const values = (
          tf.backend() as unknown as { typedArrayFromHeap(info: tf.TensorInfo): Float32Array }
        ).typedArrayFromHeap(out);
        for (let i = 0; i < values.length; i++) values[i]! *= factor;
        return out;
      },
    });
    await activate('wasm');
    return { what: 'spoiled' };
  },
});

describe('an engine', () => {
  it('is used when it computes what plain JavaScript computes', async () => {
    const { surveyEngines } = chooseAmong([spoiled(1), CPU]);
    expect((await surveyEngines())[0]).toMatchObject({ available: true, chosen: true });
  });

  it.each([2, NaN])(
    'whose gradients are wrong by the factor %d is passed over, and refused when it is asked for',
    async (factor) => {
      const { surveyEngines, useEngine: use } = chooseAmong([spoiled(factor), CPU]);
      expect((await surveyEngines())[0]).toMatchObject({
        available: false,
        reason: expect.stringContaining('computes wrongly') as string,
      });
      await expect(use('webgpu')).rejects.toMatchObject({ code: 'LENTIGO_ENGINE_UNAVAILABLE' });
    },
  );
});
