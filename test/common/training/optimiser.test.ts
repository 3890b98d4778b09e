import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { ComposedAdam, createAdam } from '../../../common/engine/adam.js';
import { AdamW } from '../../../common/training/adamw.js';
import { createOptimiser } from '../../../common/training/optimiser.js';
import { Sgd } from '../../../common/training/sgd.js';
import { describeEngines } from '../../support/engines.js';

describeEngines('optimisers', () => {
  const step = (optimiser: AdamW | Sgd, ...gradients: number[][][]) => {
    for (const g of gradients)
      tf.tidy(() =>
        optimiser.apply(
          g.map((values) => (values.length === 2 ? tf.tensor2d([values]) : tf.tensor1d(values))),
        ),
      );
  };

  it('SGD steps as PyTorch does: momentum and L2 decay, none of it on biases', () => {
    // η 0.1, μ 0.9, λ 0.1. Weight 1, gradients 0.5, 0.5: v₁ = 0.5 + 0.1·1 = 0.6, w₁ = 0.94; v₂ =
    // 0.54 + 0.5 + 0.094 = 1.134, w₂ = 0.8266. Bias 1, gradient 0.5 twice: v₁ = 0.5, b₁ = 0.95; v₂
    // = 0.95, b₂ = 0.855.
    const weight = tf.variable(tf.tensor2d([[1, 0]]));
    const bias = tf.variable(tf.tensor1d([1]));
    const sgd = new Sgd([weight, bias], { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 });
    step(sgd, [[0.5, 0], [0.5]], [[0.5, 0], [0.5]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual(
      [0.8266, 0, 0.855].map((v) => expect.closeTo(v, 6)),
    );
    sgd.dispose();
    tf.dispose([weight, bias]);
  });

  it('AdamW steps as PyTorch does: bias-corrected moments, decay decoupled from them, none of it on biases', () => {
    // η 0.1, λ 0.5, β 0.9 and 0.999. Step 1, gradient 2: m̂ = 2, v̂ = 4, step 0.1·2/2 = 0.1: w =
    // 1·0.95 − 0.1 = 0.85, b = 0.9. Step 2, gradient −1: m = 0.9·0.2 − 0.1 = 0.08, m̂ = 0.08/0.19 =
    // 0.4210526; v = 0.999·0.004 + 0.001 = 0.004996, v̂ = 0.004996/0.001999 = 2.4992496; step
    // 0.1·0.4210526/1.5808984 = 0.0266337: w = 0.85·0.95 − 0.0266337, b = 0.9 − 0.0266337.
    const weight = tf.variable(tf.tensor2d([[1, 0]]));
    const bias = tf.variable(tf.tensor1d([1]));
    const adamw = new AdamW([weight, bias], { learningRate: 0.1, weightDecay: 0.5 });
    step(adamw, [[2, 0], [2]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual(
      [0.85, 0, 0.9].map((v) => expect.closeTo(v, 6)),
    );
    step(adamw, [[-1, 0], [-1]]);
    expect([...weight.dataSync(), ...bias.dataSync()]).toEqual(
      [0.8075 - 0.0266337, 0, 0.9 - 0.0266337].map((v) => expect.closeTo(v, 6)),
    );
    adamw.dispose();
    tf.dispose([weight, bias]);
  });

  it("AdamW resumed from another's moments continues as that one would", async () => {
    const gradients = [
      [[2, -1], [3]],
      [[-1, 0.5], [0.1]],
      [[0.3, 4], [-2]],
    ];
    const begin = (): tf.Variable[] => [
      tf.variable(tf.tensor2d([[1, 0]])),
      tf.variable(tf.tensor1d([1])),
    ];
    const [whole, first, second] = [begin(), begin(), begin()];
    const options = { learningRate: 0.1, weightDecay: 0.5 };
    const [through, before, after] = [whole, first, second].map(
      (variables) => new AdamW(variables, options),
    );
    step(through!, ...gradients);
    step(before!, ...gradients.slice(0, 2));
    for (const [i, variable] of second.entries())
      tf.tidy(() => variable.assign(tf.tensor(first[i]!.dataSync(), variable.shape)));
    after!.restore(before!.steps, await before!.moments());
    step(after!, gradients[2]!);
    for (const [i, variable] of second.entries())
      expect([...variable.dataSync()]).toEqual([...whole[i]!.dataSync()]);
    for (const optimiser of [through, before, after]) optimiser!.dispose();
    tf.dispose([...whole, ...first, ...second]);
  });

  it("AdamW's steps equal a float64 reference, on tensors of every rank and size", () => {
    const [learningRate, weightDecay] = [0.01, 0.1];
    const shapes = [[1], [7], [16], [37], [3, 5], [1, 1, 13, 8], [3, 3, 6, 1]];
    const variables = shapes.map((shape, i) =>
      tf.variable(tf.randomNormal(shape, 0, 1, 'float32', i + 1)),
    );
    const expected = variables.map((w) => ({
      w: Float64Array.from(w.dataSync()),
      m: new Float64Array(w.size),
      v: new Float64Array(w.size),
      decay: w.rank > 1 ? 1 - learningRate * weightDecay : 1,
    }));
    const adamw = new AdamW(variables, { learningRate, weightDecay });
    for (let t = 1; t <= 30; t++) {
      // Gradients of all magnitudes, including exact zeros.
      const gradients = shapes.map((shape, i) =>
        tf.tidy(() =>
          tf.mul(
            tf.relu(tf.randomNormal(shape, 0.3, 1, 'float32', 100 * t + i)),
            10 ** ((i % 5) - 4),
          ),
        ),
      );
      adamw.apply(gradients);
      for (const [i, { w, m, v, decay }] of expected.entries()) {
        for (const [k, g] of gradients[i]!.dataSync().entries()) {
          m[k] = 0.9 * m[k]! + 0.1 * g;
          v[k] = 0.999 * v[k]! + 0.001 * g * g;
          w[k] =
            w[k]! * decay -
            (learningRate * (m[k] / (1 - 0.9 ** t))) / (Math.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8);
        }
      }
      tf.dispose(gradients);
    }
    for (const [i, { w }] of expected.entries())
      for (const [k, value] of variables[i]!.dataSync().entries())
        expect(Math.abs(value - w[k]!)).toBeLessThan(2e-6 * Math.max(1, Math.abs(w[k]!)));
    adamw.dispose();
    tf.dispose(variables);
  });

  it("Adam's step gives the numbers that tfjs's own operations give", () => {
    const start = [
      tf.randomNormal([37], 0, 1, 'float32', 1),
      tf.randomNormal([3, 3, 5, 8], 0, 1, 'float32', 2),
    ];
    const gradients = [
      tf.randomNormal([37], 0, 1, 'float32', 3),
      tf.randomNormal([3, 3, 5, 8], 0, 1, 'float32', 4),
    ];
    const [own, composed] = [
      createAdam,
      (variables: tf.Variable[]) => new ComposedAdam(variables),
    ].map((create) => {
      const variables = start.map((w) => tf.variable(w));
      const adam = create(variables);
      for (let t = 0; t < 5; t++)
        adam.step(gradients, [1, 0.99], [0.9, 0.1, 0.999, 0.001, 0.01, 1.5, 1e-8]);
      const values = variables.flatMap((w) => [...w.dataSync()]);
      adam.dispose();
      tf.dispose(variables);
      return values;
    }) as [number[], number[]];
    expect(
      own
        .map((value, i) => Math.abs(value - composed[i]!))
        .every((difference) => difference < 1e-6),
    ).toBe(true);
    tf.dispose([...start, ...gradients]);
  });

  it('AdamW does not change tensors that share memory with its variables and gradients', () => {
    const weight = tf.variable(tf.ones([2, 8]));
    const gradient = tf.add(tf.ones([2, 8]), 1);
    const [before, flat] = [tf.clone(weight), tf.reshape(weight, [16])];
    const adamw = new AdamW([weight], { learningRate: 0.1, weightDecay: 0 });
    for (let i = 0; i < 2; i++) adamw.apply([gradient]);
    expect([...before.dataSync(), ...flat.dataSync()]).toEqual(Array.from({ length: 32 }, () => 1));
    expect([...gradient.dataSync()]).toEqual(Array.from({ length: 16 }, () => 2));
    expect(weight.dataSync()[0]).toBeCloseTo(0.8, 5);
    const after = tf.clone(weight);
    const values = [...after.dataSync()];
    adamw.apply([gradient]);
    expect([...after.dataSync()]).toEqual(values);
    adamw.dispose();
    tf.dispose([weight, gradient, before, flat, after]);
  });

  it('free their state but not the variables', () => {
    const variable = tf.variable(tf.tensor2d([[1, 2]]));
    const before = tf.memory().numTensors;
    for (const optimiser of ['sgd', 'adamw'] as const) {
      const own = createOptimiser([variable], {
        optimiser,
        learningRate: 0.1,
        momentum: 0.9,
        weightDecay: 0.1,
      });
      tf.tidy(() => own.apply([tf.tensor2d([[1, 1]])]));
      own.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(variable.isDisposed).toBe(false);
    variable.dispose();
  });
});
