// The gradients of networks: against finite differences, equal on every engine, and without leaking
// tensors.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters, type Student } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import type { ParameterSet } from '../../../common/update/parameter-set.js';
import { describeEngines, ENGINES } from '../../support/engines.js';

const NETWORKS = ['nano', 'nano_convnext'] as const;
type Nano = (typeof NETWORKS)[number];

/**
 * Parameters of a small student whose batch norms have seen data and whose γ, β and biases all
 * differ.
 */
function parameters(architecture: Nano): ParameterSet {
  const random = new Random('gradients');
  const out = initialParameters(architecture, PAD_UFES_LABELS, random);
  for (const { name, shape } of out.specs) {
    if (shape.length > 1) continue;
    const values = out.get(name);
    const positive = name.endsWith('running_var') || name.endsWith('.weight');
    for (let i = 0; i < values.length; i++)
      values[i] = positive ? random.uniform(0.5, 1.5) : random.normal(0, 0.2);
  }
  return out;
}

const nano = (architecture: Nano = 'nano'): Student =>
  createStudent({ architecture, labels: PAD_UFES_LABELS, parameters: parameters(architecture) });

/** Two pictures, and a smooth scalar function of their logits that no symmetry makes flat. */
function problem(student: Student) {
  const random = new Random('picture');
  const x = tf.tensor4d(
    Float32Array.from({ length: 2 * 64 * 64 * 3 }, () => random.normal()),
    [2, 64, 64, 3],
  );
  const weights = tf.tensor2d(
    Array.from({ length: 12 }, () => random.normal()),
    [2, 6],
  );
  return { x, loss: () => tf.sum<tf.Scalar>(tf.mul(weights, tf.logSoftmax(student.logits(x)))) };
}

/** The gradient of every trainable parameter, by name. */
async function gradientsOf(student: Student): Promise<Map<string, Float32Array>> {
  const { x, loss } = problem(student);
  const first = student.blocks[0]!;
  const variables = student.variables(first);
  const { value, grads } = tf.variableGrads(loss, variables);
  const out = new Map<string, Float32Array>();
  for (const [i, name] of student.trainable(first).entries())
    out.set(name, (await grads[variables[i]!.name]!.data()) as Float32Array);
  tf.dispose([x, value, ...Object.values(grads)]);
  return out;
}

const norm = (v: Iterable<number>): number => Math.sqrt([...v].reduce((s, x) => s + x * x, 0));

describeEngines('gradients of the student', () => {
  it.each(NETWORKS)(
    'of %s agree with central finite differences, for every trainable parameter',
    async (architecture) => {
      const student = nano(architecture);
      const gradients = await gradientsOf(student);
      const { x, loss } = problem(student);
      const random = new Random('coordinates');
      const all = await student.parameters();
      const lossAt = (name: string, index: number, value: number): number => {
        const moved = all.subset(new Set([name]));
        moved.values[index] = value;
        student.load(moved);
        return tf.tidy(() => loss().dataSync()[0]!);
      };
      // Each parameter is checked at its steepest coordinate, where rounding matters least, and at
      // a random one.
      for (const [name, gradient] of gradients) {
        const scale = Math.max(...gradient.map(Math.abs));
        const steepest = gradient.findIndex((g) => Math.abs(g) === scale);
        for (const index of [steepest, random.int(gradient.length)]) {
          const at = all.get(name)[index]!;
          const step = 4e-3;
          const slope =
            (lossAt(name, index, at + step) - lossAt(name, index, at - step)) / (2 * step);
          expect(
            Math.abs(slope - gradient[index]!),
            `${name}[${index}]: ${gradient[index]} by the chain rule, ${slope} by differences`,
          ).toBeLessThan(0.01 * scale + 3e-3);
        }
        student.load(all.subset(new Set([name])));
      }
      x.dispose();
      student.dispose();
    },
  );

  it('leave the number of tensors unchanged over training steps', async () => {
    const student = nano();
    const { x, loss } = problem(student);
    const optimizer = tf.train.sgd(1e-3);
    const step = () => optimizer.minimize(loss, false, student.variables('features.0'));
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) step();
    tf.dispose(student.features(x, 'classifier'));
    expect(tf.memory().numTensors).toBe(before);
    student.dispose();
    x.dispose();
    optimizer.dispose();
  });
});

describe('gradients on different engines', () => {
  it.skipIf(ENGINES.length < 2).each(NETWORKS)(
    `of %s agree to 1e-4 of their norm (${ENGINES.join(', ')})`,
    async (architecture) => {
      const byEngine: Map<string, Float32Array>[] = [];
      for (const engine of ENGINES) {
        await useEngine(engine);
        const student = nano(architecture);
        byEngine.push(await gradientsOf(student));
        student.dispose();
      }
      const [reference, ...others] = byEngine;
      for (const other of others) {
        for (const [name, expected] of reference!) {
          const distance = norm(expected.map((v, i) => v - other.get(name)![i]!));
          expect(distance, name).toBeLessThanOrEqual(1e-4 * norm(expected) + 1e-7);
        }
      }
    },
  );
});
