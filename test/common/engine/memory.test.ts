// Memory during training: no growth after each step, and a heap that doesn't grow with the batch.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { describeEngines } from '../../support/engines.js';
import { inMemory, training } from './training.js';

describeEngines('200 training steps', () => {
  it('leave no tensor behind and the heap unchanged', () => {
    const before = tf.memory().numTensors;
    const { step, dispose } = training('nano', 4);
    for (let i = 0; i < 20; i++) step();
    const held = inMemory();
    for (let i = 20; i < 200; i++) step();
    expect(inMemory()).toEqual(held);
    dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a batch of 32 whole photographs on WASM', () => {
  it('trains all of EfficientNet-B0 in less than 800 MiB', async () => {
    await useEngine('wasm');
    const { step, loss, dispose } = training('efficientnet_b0', 32);
    step();
    expect(await loss()).toBeGreaterThan(0);
    const heap = inMemory().heap / 2 ** 20;
    console.info(
      `WASM heap after a training step of EfficientNet-B0 on 32 images: ${heap.toFixed(0)} MiB`,
    );
    expect(heap).toBeLessThan(800);
    dispose();
  });
});
