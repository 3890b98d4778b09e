// The page of browser.test.ts: runs the contract and a training on one engine of a browser.
import * as tf from '@tensorflow/tfjs';
import { useEngine } from '../../../client/web/training/engines.js';
import type { EngineName } from '../../../common/engine/engine.js';
import { CONTRACT } from './contract.js';
import { inMemory, training } from './training.js';

const page = {
  use: (engine: EngineName) => useEngine(engine),

  /** Checks one promise of the contract in this many cases. */
  hold: (index: number, cases: number) => CONTRACT[index]!.hold(cases),

  /**
   * Memory after some steps of a small training and after more, and the tensors left when it has
   * ended.
   */
  async steps(trainFrom: string, some: number, more: number) {
    const before = tf.memory().numTensors;
    const { step, loss, dispose } = training('nano', 1, trainFrom);
    for (let i = 0; i < some; i++) step();
    await loss();
    const early = inMemory();
    for (let i = some; i < more; i++) step();
    await loss();
    const late = inMemory();
    dispose();
    return { early, late, left: tf.memory().numTensors - before };
  },
};

export type EnginePage = typeof page;
Object.assign(globalThis, { page });
