// Students compiled as TensorFlow graphs on the native engine: their results, and their use of
// memory.
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled } from '../../../common/engine/compiled.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import type { NodeBackend } from '../../../common/engine/native-backend.js';
import type { ArchitectureId } from '../../../common/model/architecture.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import {
  createStudent,
  initialParameters,
  type Student,
  type Trace,
} from '../../../common/model/student.js';
import { createTeacher, initialTeacher } from '../../../common/model/teacher.js';
import { Random } from '../../../common/random.js';
import { ENGINES } from '../../support/engines.js';
import { expectClose } from './contract.js';

const student = (architecture: ArchitectureId, seed: number): Student =>
  createStudent({
    architecture,
    labels: PAD_UFES_LABELS,
    parameters: initialParameters(architecture, PAD_UFES_LABELS, new Random(seed)),
  });

const valuesOf = (t: tf.Tensor) => ({ shape: t.shape, values: Float64Array.from(t.dataSync()) });

/** Number of TensorFlow's tensors, including those that tfjs doesn't know of. */
const held = (): number => (tf.backend() as unknown as NodeBackend).binding.getNumOfTensors();

describe.skipIf(!ENGINES.includes('native'))(
  `a compiled student${ENGINES.includes('native') ? '' : ' [skipped: no native engine]'}`,
  () => {
    beforeAll(async () => void (await useEngine('native')));
    afterAll(() => tf.disposeVariables());

    /** A loss of everything in a trace, and its gradients. */
    const gradients = (
      model: Pick<Student, 'variables'>,
      trainFrom: string,
      trace: () => Trace,
    ): tf.Tensor[] =>
      tf.tidy(() => {
        const loss = (): tf.Scalar => {
          const { maps, embedding, logits } = trace();
          return tf.addN(
            [...maps.values(), embedding, logits].map((t) => tf.mean(tf.square(t))),
          ) as tf.Scalar;
        };
        const variables = model.variables(trainFrom);
        const { value, grads } = tf.variableGrads(loss, variables);
        return [value, ...variables.map((v) => grads[v.name]!)];
      });

    it.each<[ArchitectureId, string | undefined]>([
      ['nano', undefined],
      ['nano', 'features.3'],
      ['nano_convnext', undefined],
      ['mobilenet_v2', 'features.16'],
    ])(
      '%s from %s gives what it gives otherwise, and its gradients, again with other parameters and for another student',
      (architecture, block) => {
        const [one, other] = [student(architecture, 1), student(architecture, 2)];
        const trainFrom = block ?? one.blocks[0]!;
        const images = tf.randomNormal<tf.Rank.R4>(
          [2, one.inputSize, one.inputSize, 3],
          0,
          1,
          'float32',
          3,
        );
        const x = one.features(images, trainFrom);
        let before = 0;
        for (const model of [one, other, one]) {
          const plain = gradients(model, trainFrom, () => model.trace(x, trainFrom));
          const compiled = gradients(model, trainFrom, () =>
            model.trace(x, trainFrom, { compiled: true }),
          );
          for (const [i, expected] of plain.entries())
            expectClose(valuesOf(compiled[i]!), valuesOf(expected));
          const [logits, own] = [model.logits(x, trainFrom), model.compiledLogits(x, trainFrom)];
          expectClose(valuesOf(own), valuesOf(logits));
          tf.dispose([...plain, ...compiled, logits, own]);
          // From now on the first two need no more memory.
          if (model === other) before = held();
        }
        expect(held()).toBe(before);
        tf.dispose([images, x]);
        one.dispose();
        other.dispose();
      },
    );

    it.each(['stem', 'stages.1', 'classifier'])(
      'and a teacher with attention, from %s',
      (trainFrom) => {
        const design = { architecture: 'nano_convnext', attention: true, fused: 8 } as const;
        const teacher = createTeacher(initialTeacher(design, PAD_UFES_LABELS, new Random(1)));
        const images = tf.randomNormal<tf.Rank.R4>(
          [2, teacher.inputSize, teacher.inputSize, 3],
          0,
          1,
          'float32',
          3,
        );
        const x = teacher.features(images, trainFrom);
        const [plain, compiled] = [false, true].map((compiled) =>
          gradients(teacher, trainFrom, () => teacher.trace(x, trainFrom, [], { compiled })),
        );
        for (const [i, expected] of plain!.entries())
          expectClose(valuesOf(compiled![i]!), valuesOf(expected));
        tf.dispose([...plain!, ...compiled!, images, x]);
        teacher.dispose();
      },
    );

    it('is a graph: it asks TensorFlow for less than a tenth of the operations', () => {
      const model = student('nano', 1);
      const x = tf.zeros<tf.Rank.R4>([2, 64, 64, 3]);
      const operations = (compiled: boolean): number => {
        const backend = tf.backend() as unknown as NodeBackend;
        const { binding } = backend;
        let count = 0;
        backend.binding = Object.create(binding, {
          executeOp: {
            value: (...call: Parameters<typeof binding.executeOp>) => (
              count++,
              binding.executeOp(...call)
            ),
          },
        }) as typeof binding;
        tf.dispose(
          gradients(model, 'features.0', () => model.trace(x, 'features.0', { compiled })),
        );
        backend.binding = binding;
        return count;
      };
      operations(true);
      expect(operations(true)).toBeLessThan(operations(false) / 10);
      x.dispose();
      model.dispose();
    });

    it('is computed one operation at a time, and says so once, if TensorFlow cannot run it as a graph', async () => {
      const [x, variable, foreign] = [
        tf.ones([2, 2]),
        tf.variable(tf.ones([2, 2])),
        tf.add(tf.ones([2, 2]), 2),
      ];
      const warnings: string[] = [];
      const hear = ({ message }: Error): void => void warnings.push(message);
      process.on('warning', hear);
      // `foreign` is neither x nor one of the variables.
      const product = () =>
        compiled('of a foreign tensor', x, [variable], () => [
          tf.mul(tf.add(x, variable), foreign),
        ])[0]!;
      const results = [product(), product()];
      await new Promise(setImmediate);
      process.off('warning', hear);
      for (const result of results) expect([...result.dataSync()]).toEqual([6, 6, 6, 6]);
      expect(warnings).toEqual([expect.stringContaining('of a foreign tensor 2,2')]);
      tf.dispose([x, variable, foreign, ...results]);
    });
  },
);
