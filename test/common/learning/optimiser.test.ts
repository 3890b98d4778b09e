import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { AdamW } from '../../../common/learning/adamw.js';
import { createOptimiser } from '../../../common/learning/optimiser.js';
import { Sgd } from '../../../common/learning/sgd.js';
import { describeEngines } from '../../support/engines.js';

describeEngines('optimisers', () => {
  const step = (optimiser: AdamW | Sgd, ...gradients: number[][][]) => {
    for (const g of gradients) tf.tidy(() => optimiser.apply(g.map((values) => (values.length === 2 ? tf.tensor2d([values]) : tf.tensor1d(values)))));
  };

  it('SGD steps as PyTorch does: momentum and L2 decay, none of it on biases', () => {
    // η 0.1, μ 0.9, λ 0.1. Weight 1, gradients 0.5, 0.5:
    // v₁ = 0.5 + 0.1·1 = 0.6, w₁ = 0.94; v₂ = 0.54 + 0.5 + 0.094 = 1.134, w₂ = 0.8266.
    // Bias 1, gradient 0.5 twice: v₁ = 0.5, b₁ = 0.95; v₂ = 0.95, b₂ = 0.855.
    const weight = tf.variable(tf.tensor2d([[1, 0]]));
    const bias = tf.variable(tf.tensor1d([1]));
    const sgd = new Sgd([weight, bias], { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 });
    step(sgd, [[0.5, 0], [0.5]], [[0.5, 0], [0.5]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual([0.8266, 0, 0.855].map((v) => expect.closeTo(v, 6)));
    sgd.dispose();
    tf.dispose([weight, bias]);
  });

  it('AdamW steps as PyTorch does: bias-corrected moments, decay decoupled from them, none of it on biases', () => {
    // η 0.1, λ 0.5, β 0.9 and 0.999. Step 1, gradient 2: m̂ = 2, v̂ = 4, step 0.1·2/2 = 0.1: w = 1·0.95 − 0.1 = 0.85, b = 0.9.
    // Step 2, gradient −1: m = 0.9·0.2 − 0.1 = 0.08, m̂ = 0.08/0.19 = 0.4210526; v = 0.999·0.004 + 0.001 = 0.004996,
    // v̂ = 0.004996/0.001999 = 2.4992496; step 0.1·0.4210526/1.5808984 = 0.0266337: w = 0.85·0.95 − 0.0266337, b = 0.9 − 0.0266337.
    const weight = tf.variable(tf.tensor2d([[1, 0]]));
    const bias = tf.variable(tf.tensor1d([1]));
    const adamw = new AdamW([weight, bias], { learningRate: 0.1, weightDecay: 0.5 });
    step(adamw, [[2, 0], [2]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual([0.85, 0, 0.9].map((v) => expect.closeTo(v, 6)));
    step(adamw, [[-1, 0], [-1]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual([0.8075 - 0.0266337, 0, 0.9 - 0.0266337].map((v) => expect.closeTo(v, 6)));
    adamw.dispose();
    tf.dispose([weight, bias]);
  });

  it('free their state and leave the variables alone', () => {
    const variable = tf.variable(tf.tensor2d([[1, 2]]));
    const before = tf.memory().numTensors;
    for (const optimiser of ['sgd', 'adamw'] as const) {
      const own = createOptimiser([variable], { optimiser, learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 });
      tf.tidy(() => own.apply([tf.tensor2d([[1, 1]])]));
      own.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(variable.isDisposed).toBe(false);
    variable.dispose();
  });
});
