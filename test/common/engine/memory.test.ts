// What training holds in memory: nothing more after each step, and a heap that doesn't grow with the batch.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { createOptimiser } from '../../../common/learning/optimiser.js';
import { trainStep } from '../../../common/learning/step.js';
import type { ArchitectureId } from '../../../common/model/architecture.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { describeEngines } from '../../support/engines.js';

const MIB = 2 ** 20;
/** The WASM engine's; of the others 0. */
const heapOf = (): number => ((tf.backend() as unknown as { wasm?: { HEAPU8: Uint8Array } }).wasm?.HEAPU8.byteLength ?? 0) / MIB;

/** Training of a whole new student on the same random images: what takes a step, and what frees it all. */
function training(architecture: ArchitectureId, batch: number) {
  const student = createStudent({ architecture, labels: PAD_UFES_LABELS, parameters: initialParameters(architecture, PAD_UFES_LABELS, new Random(1)) });
  const first = student.blocks[0]!;
  const optimiser = createOptimiser(student.variables(first), { optimiser: 'adamw', learningRate: 1e-4, momentum: 0, weightDecay: 0.01 });
  const x = tf.randomNormal<tf.Rank.R4>([batch, student.inputSize, student.inputSize, 3], 0, 1, 'float32', 1);
  const labels = Array.from({ length: batch }, (_, i) => i % 6);
  const options = { gamma: 2, weights: [1, 1, 1, 1, 1, 1], offsets: [0, 0, 0, 0, 0, 0] };
  return {
    step: (): number => {
      const loss = trainStep(student, first, optimiser, x, labels, options);
      const value = loss.dataSync()[0]!;
      loss.dispose();
      return value;
    },
    dispose: (): void => {
      optimiser.dispose();
      student.dispose();
      x.dispose();
    },
  };
}

describeEngines('200 training steps', () => {
  it('leave no tensor behind and the heap as it was', () => {
    const before = tf.memory().numTensors;
    const { step, dispose } = training('nano', 4);
    for (let i = 0; i < 20; i++) step();
    const [tensors, bytes, heap] = [tf.memory().numTensors, tf.memory().numBytes, heapOf()];
    for (let i = 20; i < 200; i++) step();
    expect([tf.memory().numTensors, tf.memory().numBytes, heapOf()]).toEqual([tensors, bytes, heap]);
    dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a batch of 32 whole photographs on WASM', () => {
  it('trains all of EfficientNet-B0 in less than 800 MiB', async () => {
    await useEngine('wasm');
    const { step, dispose } = training('efficientnet_b0', 32);
    expect(step()).toBeGreaterThan(0);
    console.info(`WASM heap after a training step of EfficientNet-B0 on 32 images: ${heapOf().toFixed(0)} MiB`);
    expect(heapOf()).toBeLessThan(800);
    dispose();
  });
});
