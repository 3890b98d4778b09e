// The teacher: which metadata it reads and refuses, its gradients, and its file.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../../coordinator/distillation/presets/index.js';
import type { Clinical } from '../../../common/dataset/sample.js';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { encodeModel } from '../../../common/model/encoding.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { completeColumns, encodeMetadata, fitMetadata } from '../../../common/model/metadata.js';
import {
  createTeacher,
  initialTeacher,
  type Teacher,
  type TeacherDesign,
} from '../../../common/model/teacher.js';
import { decodeTeacher, encodeTeacher } from '../../../common/model/teacher-file.js';
import { initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { describeEngines } from '../../support/engines.js';

const COLUMNS = { numbers: ['age', 'diameter_1'], categories: ['gender', 'region'] };
const { samples } = syntheticDataset({ seed: 1, sites: [0], images: 8, size: 64, split: 'train' });
const described = (clinical: Clinical) => ({ ...samples[0]!, id: 'IMG_1', clinical });
const records = [
  described({ age: 40, diameter_1: 5, gender: 'MALE', region: 'FACE' }),
  described({ age: 60, diameter_1: undefined, gender: undefined, region: 'ARM' }),
];
const encoding = fitMetadata(COLUMNS, records, records);

describe('clinical metadata', () => {
  it('is standardised by the training records, with missing values flagged, not filled in', () => {
    expect(encoding.numbers).toEqual([
      { column: 'age', mean: 50, deviation: 10 },
      { column: 'diameter_1', mean: 5, deviation: 1 },
    ]);
    expect(encoding.categories).toEqual([
      { column: 'gender', values: ['MALE'] },
      { column: 'region', values: ['ARM', 'FACE'] },
    ]);
    const { numbers, missing, categories } = encodeMetadata(encoding, records);
    expect([...numbers]).toEqual([-1, 0, 1, 0]);
    expect([...missing]).toEqual([0, 0, 0, 1]);
    expect(categories.map((c) => [...c])).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it('can be reduced to the columns that no training record lacks', () => {
    expect(completeColumns(COLUMNS, records)).toEqual({ numbers: ['age'], categories: ['region'] });
  });

  it.each([
    [
      'a column that is missing',
      { age: 40, diameter_1: 5, gender: 'MALE' },
      'column region is missing',
    ],
    [
      'a category that was never seen',
      { age: 40, diameter_1: 5, gender: 'MALE', region: 'TAIL' },
      'the teacher knows no "TAIL"; known are ARM, FACE',
    ],
    [
      'NaN',
      { age: NaN, diameter_1: 5, gender: 'MALE', region: 'ARM' },
      'column age: NaN is not a number',
    ],
    [
      'text for a number',
      { age: 'old', diameter_1: 5, gender: 'MALE', region: 'ARM' },
      'column age: old is not a number',
    ],
  ])('is refused with %s, image and column named', (_, clinical, message) => {
    expect(() => encodeMetadata(encoding, [described(clinical)])).toThrow(
      expect.objectContaining({
        code: 'LENTIGO_DATA_METADATA_INVALID',
        message: expect.stringContaining(message) as string,
      }),
    );
    expect(() => encodeMetadata(encoding, [described(clinical)])).toThrow('IMG_1');
  });

  it('never has `biopsed` among its columns, in any preset', () => {
    for (const { metadata } of PRESETS)
      expect(
        [...(metadata?.numbers ?? []), ...(metadata?.categories ?? [])].filter((column) =>
          /biops/i.test(column),
        ),
      ).toEqual([]);
  });
});

const DESIGN: TeacherDesign = {
  architecture: 'nano_convnext',
  attention: true,
  fused: 12,
  metadata: encoding,
};

/** A teacher without zero weights. */
function scattered(): Teacher {
  const model = initialTeacher(DESIGN, PAD_UFES_LABELS, new Random(3));
  const random = new Random('scattered');
  for (const { name, shape } of model.parameters.specs) {
    if (shape.length > 1 && !name.startsWith('metadata')) continue;
    const values = model.parameters.get(name);
    for (let i = 0; i < values.length; i++)
      values[i] = random.normal(name.endsWith('norm.weight') ? 1 : 0, 0.3);
  }
  return createTeacher(model);
}

describeEngines('a teacher', () => {
  it('has gradients equal to finite differences in attention, metadata, fusion and backbone', async () => {
    const teacher = scattered();
    const random = new Random('pictures');
    const x = tf.tensor4d(
      Float32Array.from({ length: 2 * 64 * 64 * 3 }, () => random.normal()),
      [2, 64, 64, 3],
    );
    const weights = tf.tensor2d(
      Array.from({ length: 12 }, () => random.normal()),
      [2, 6],
    );
    const loss = (): tf.Scalar =>
      tf.sum(tf.mul(weights, tf.logSoftmax(teacher.trace(x, 'stem', records).logits)));
    const variables = teacher.variables('stem');
    const { value, grads } = tf.variableGrads(loss, variables);
    const all = await teacher.parameters();
    const lossAt = (name: string, index: number, moved: number): number => {
      const one = all.subset(new Set([name]));
      one.values[index] = moved;
      teacher.load(one);
      return tf.tidy(() => loss().dataSync()[0]!);
    };
    for (const [i, name] of teacher.trainable('stem').entries()) {
      const gradient = await grads[variables[i]!.name]!.data();
      const scale = Math.max(...gradient.map(Math.abs));
      const steepest = gradient.findIndex((g) => Math.abs(g) === scale);
      const at = all.get(name)[steepest]!;
      const slope = (lossAt(name, steepest, at + 2e-3) - lossAt(name, steepest, at - 2e-3)) / 4e-3;
      expect(
        Math.abs(slope - gradient[steepest]!),
        `${name}[${steepest}]: ${gradient[steepest]} by the chain rule, ${slope} by differences`,
      ).toBeLessThan(0.02 * scale + 3e-3);
      teacher.load(all.subset(new Set([name])));
    }
    tf.dispose([x, weights, value, ...Object.values(grads)]);
    teacher.dispose();
  });

  it('gives the same logits when cut at any block, and others for another record', async () => {
    const teacher = scattered();
    const x = tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3], 0, 1, 'float32', 1);
    const whole = await teacher.logits(x, 'stem', records).data();
    for (const block of teacher.blocks) {
      const cut = await teacher.logits(teacher.features(x, block), block, records).data();
      for (const [i, l] of whole.entries()) expect(cut[i]).toBeCloseTo(l, 4);
    }
    const swapped = await teacher.logits(x, 'stem', [records[1]!, records[0]!]).data();
    expect(Math.abs(swapped[0]! - whole[0]!)).toBeGreaterThan(1e-3);
    expect(() => teacher.logits(x, 'stem')).toThrow(
      expect.objectContaining({ code: 'LENTIGO_DATA_METADATA_INVALID' }),
    );
    teacher.dispose();
  });

  it('is read back from its file unchanged, and a file of another kind is refused', async () => {
    const model = initialTeacher(DESIGN, PAD_UFES_LABELS, new Random(3));
    const back = decodeTeacher(encodeTeacher(model));
    expect([back.design, back.labels]).toEqual([DESIGN, PAD_UFES_LABELS]);
    expect(back.parameters.values).toEqual(model.parameters.values);
    const student = encodeModel({
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
    });
    expect(() => decodeTeacher(student)).toThrow(
      expect.objectContaining({ code: 'LENTIGO_WEIGHTS_INVALID' }),
    );
    expect(() => createTeacher({ ...model, design: { ...DESIGN, architecture: 'nano' } })).toThrow(
      'a teacher on nano needs parameter features.0.0.weight',
    );
  });
});
