// Each architecture's parameters, in number and names as published; and its forward pass against
// PyTorch and against tfjs's stock layers.
import * as tf from '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import {
  type ArchitectureId,
  isStatistic,
  parameterSpecs,
} from '../../../common/model/architecture.js';
import { encodeModel } from '../../../common/model/encoding.js';
import { importBackbone, importWithHead } from '../../../common/model/import-weights.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { layersTopology, layersWeightNames } from '../../../common/model/layers-model.js';
import { decodeSafetensors, type StoredTensor } from '../../../common/model/safetensors.js';
import { createStudent, initialParameters, type Model } from '../../../common/model/student.js';
import { fromTorch, toTorch } from '../../../common/model/torch-layout.js';
import { Random } from '../../../common/random.js';
import { sizeOf } from '../../../common/update/parameter-set.js';
import { describeEngines } from '../../support/engines.js';
import { HAS_WEIGHTS, WEIGHTS } from '../../support/shared-data.js';

/** With 1000 classes, as counted in torchvision 0.28 and timm 1.0. */
const PUBLISHED: readonly [ArchitectureId, number, readonly string[]][] = [
  [
    'mobilenet_v2',
    3_504_872,
    [
      'features.0.1.running_mean',
      'features.1.conv.0.0.weight',
      'features.1.conv.2.bias',
      'features.17.conv.1.0.weight',
      'features.17.conv.3.weight',
      'features.18.0.weight',
      'classifier.1.bias',
    ],
  ],
  [
    'resnet50',
    25_557_032,
    [
      'conv1.weight',
      'bn1.weight',
      'layer1.0.downsample.0.weight',
      'layer1.0.downsample.1.bias',
      'layer4.2.conv3.weight',
      'layer4.2.bn3.running_var',
      'fc.weight',
    ],
  ],
  [
    'densenet169',
    14_149_480,
    [
      'features.conv0.weight',
      'features.norm0.bias',
      'features.denseblock1.denselayer1.norm1.weight',
      'features.denseblock3.denselayer32.conv2.weight',
      'features.transition3.conv.weight',
      'features.norm5.running_mean',
      'classifier.weight',
    ],
  ],
  ['convnext_atto', 3_695_520, ['stem.0.bias', 'stages.0.blocks.0.gamma', 'head.fc.bias']],
  ['convnext_femto', 5_217_784, []],
  ['convnext_pico', 9_045_672, []],
  ['convnext_nano', 15_593_560, ['stages.2.blocks.7.mlp.fc1.weight']],
  [
    'convnext_tiny',
    28_589_128,
    [
      'stem.0.weight',
      'stem.1.weight',
      'stages.0.blocks.2.conv_dw.bias',
      'stages.1.downsample.0.weight',
      'stages.1.downsample.1.bias',
      'stages.2.blocks.8.norm.bias',
      'stages.3.blocks.2.mlp.fc2.weight',
      'stages.3.blocks.2.gamma',
      'head.norm.weight',
      'head.fc.weight',
    ],
  ],
];

describe('the parameters of', () => {
  it.each(PUBLISHED)(
    '%s are as many as are published, under the published names',
    (id, count, names) => {
      const specs = parameterSpecs(id, 1000);
      expect(
        specs
          .filter(({ name }) => !isStatistic(name))
          .reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      ).toBe(count);
      expect(specs.map(({ name }) => name)).toEqual(expect.arrayContaining([...names]));
    },
  );

  it('EfficientNetV2-B0 are the 7,200,312 of Keras, running statistics included', () => {
    expect(
      parameterSpecs('efficientnetv2_b0', 1000).reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    ).toBe(7_200_312);
  });

  it("ConvNeXt's dense layers are 1×1 convolutions in timm's small sizes, and dense in tiny", () => {
    const shapeOf = (id: ArchitectureId) =>
      parameterSpecs(id, 6).find(({ name }) => name === 'stages.0.blocks.0.mlp.fc1.weight')!.shape;
    expect(shapeOf('convnext_atto')).toEqual([1, 1, 40, 160]);
    expect(shapeOf('convnext_tiny')).toEqual([96, 384]);
  });
});

/** A model whose statistics, γ, β and biases are all different. */
function scattered(architecture: ArchitectureId): Model {
  const random = new Random('scattered');
  const parameters = initialParameters(architecture, PAD_UFES_LABELS, random);
  for (const { name, shape } of parameters.specs) {
    if (shape.length > 1) continue;
    const values = parameters.get(name);
    const positive = name.endsWith('running_var') || name.endsWith('.weight');
    for (let i = 0; i < values.length; i++)
      values[i] = positive ? random.uniform(0.8, 1.2) : random.normal(0, 0.1);
  }
  return { architecture, labels: PAD_UFES_LABELS, parameters };
}

/** The logits of stock tfjs, with the model's weights. */
function stockLogits({ architecture, parameters }: Model, x: tf.Tensor4D): Promise<Float32Array> {
  return tf
    .loadLayersModel(
      tf.io.fromMemory({
        modelTopology: layersTopology(architecture, PAD_UFES_LABELS.names.length)!,
        weightSpecs: layersWeightNames(parameters.specs).map((name, i) => ({
          name,
          shape: [...parameters.specs[i]!.shape],
          dtype: 'float32',
        })),
        weightData: parameters.values.slice().buffer,
      }),
    )
    .then((model) => {
      const logits = tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync() as Float32Array);
      model.dispose();
      return logits;
    });
}

/** Numbers in [−½, ½) from a hash of their index: the same in any language. */
function hashed(n: number, salt: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let v = (Math.imul(i, 2654435761) + Math.imul(salt, 40503)) >>> 0;
    v = Math.imul(v ^ (v >>> 15), 2246822519) >>> 0;
    return ((v ^ (v >>> 13)) >>> 0) / 2 ** 32 - 0.5;
  });
}

const formulas = new Map<ArchitectureId, Model>();

/** A model in which every parameter, in PyTorch's layout, is a formula of its name and index. */
function formulaic(architecture: ArchitectureId): Model {
  const made = formulas.get(architecture);
  if (made) return made;
  const specs = parameterSpecs(architecture, 6);
  const torch = specs.map(({ name, shape }): StoredTensor => {
    const { shape: torchShape } = toTorch({ name, shape, values: new Float32Array(sizeOf(shape)) });
    const size = sizeOf(shape);
    if (shape.length > 1) {
      const scale = Math.sqrt(24 / (size / torchShape[0]!));
      return {
        name,
        shape: torchShape,
        values: Float32Array.from(hashed(size, name.length), (v) => v * scale),
      };
    }
    const [middle, phase] = name.endsWith('.gamma')
      ? [0.5, 0]
      : name.endsWith('.weight') || name.endsWith('running_var')
        ? [1, 0]
        : [0, 1];
    return {
      name,
      shape: torchShape,
      values: Float32Array.from({ length: size }, (_, i) => middle + 0.1 * Math.sin(i + phase)),
    };
  });
  const model: Model = {
    architecture,
    labels: PAD_UFES_LABELS,
    parameters: fromTorch(torch, specs),
  };
  formulas.set(architecture, model);
  return model;
}

/**
 * The results of torchvision 0.28 and timm 1.0 on PyTorch 2.13 for these parameters and a 64×64
 * picture of hashed numbers.
 */
const REFERENCE = {
  mobilenet_v2: [8.061028, 2.561977, -1.110463, -8.028599, -1.949617, -1.311727],
  resnet50: [9327.421, 909.5133, 4099.555, -8790.732, 10744.88, 3314.622],
  densenet169: [-1.01538, 0.4384782, 0.1437978, 0.6303877, 1.68182, 0.6058612],
  convnext_atto: [-1.134159, -1.198546, 2.364576, 0.1007742, -2.436755, 1.425609],
  convnext_tiny: [-1.721339, 1.7976, 0.6351736, -1.737049, -1.582746, 0.967221],
} as const;

describeEngines('the logits of', () => {
  it.each(Object.entries(REFERENCE))(
    '%s are those of PyTorch',
    { timeout: 60_000 },
    (id, expected) => {
      const student = createStudent(formulaic(id));
      const picture = hashed(3 * 64 * 64, 1);
      const x = tf.tensor4d(
        Float32Array.from(
          { length: picture.length },
          (_, i) => 4 * picture[(i % 3) * 64 * 64 + Math.floor(i / 3)]!,
        ),
        [1, 64, 64, 3],
      );
      const logits = tf.tidy(() => student.logits(x).dataSync());
      const scale = Math.max(...expected.map(Math.abs));
      for (const [i, logit] of logits.entries())
        expect(Math.abs(logit - expected[i]!)).toBeLessThan(1e-3 * scale);
      x.dispose();
      student.dispose();
    },
  );
});

describe('the forward pass, at 224 pixels, of', () => {
  beforeAll(async () => void (await useEngine()));

  it.each(['efficientnetv2_b0', 'mobilenet_v2', 'resnet50', 'densenet169'] as const)(
    '%s is that of its stock layers in tfjs',
    { timeout: 60_000 },
    async (id) => {
      const model = scattered(id);
      const random = new Random('picture');
      const x = tf.tensor4d(
        Float32Array.from({ length: 224 * 224 * 3 }, () => random.normal()),
        [1, 224, 224, 3],
      );
      const student = createStudent(model);
      const own = tf.tidy(() => student.logits(x).dataSync() as Float32Array);
      student.dispose();
      const stock = await stockLogits(model, x);
      const scale = Math.max(...stock.map(Math.abs));
      expect(scale).toBeGreaterThan(1e-3);
      for (const [i, logit] of own.entries())
        expect(Math.abs(logit - stock[i]!)).toBeLessThan(2e-4 * scale);
      x.dispose();
    },
  );

  it('ConvNeXt has no form in stock layers', () => {
    expect(layersTopology('nano_convnext', 6)).toBeUndefined();
  });
});

describe('published files', () => {
  it("of DenseNet-169 are read under torchvision's older names", () => {
    const model: Model = {
      architecture: 'densenet169',
      labels: PAD_UFES_LABELS,
      parameters: initialParameters('densenet169', PAD_UFES_LABELS, new Random(1)),
    };
    const { tensors } = decodeSafetensors(encodeModel(model));
    const older = tensors.map((t) => ({
      ...t,
      name: t.name.replace(/(denselayer\d+\.)(norm|conv)(\d)/, '$1$2.$3'),
    }));
    expect(older.map(({ name }) => name)).toContain(
      'features.denseblock1.denselayer1.norm.1.weight',
    );
    const read = importWithHead({ metadata: {}, tensors: older }, 'densenet169', PAD_UFES_LABELS);
    expect(
      Buffer.compare(
        Buffer.from(read.parameters.values.buffer),
        Buffer.from(model.parameters.values.buffer),
      ),
    ).toBe(0);
  });

  it('of another architecture are refused, both named', () => {
    const nano: Model = {
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
    };
    expect(() =>
      importBackbone(
        decodeSafetensors(encodeModel(nano)),
        'nano_convnext',
        PAD_UFES_LABELS,
        new Random(1),
      ),
    ).toThrow('these are weights of nano, not of nano_convnext');
  });

  it.skipIf(!HAS_WEIGHTS)(
    "of EfficientNetV2-B0 are read under Keras' names, every value in its place",
    async () => {
      const bytes = await readFile(
        path.join(WEIGHTS, 'efficientnetv2_b0', 'efficientnetv2b0_imagenet.safetensors'),
      );
      const model = importWithHead(decodeSafetensors(bytes), 'efficientnetv2_b0');
      expect(model.labels.names).toHaveLength(1000);
      const stored = new Map(decodeSafetensors(bytes).tensors.map((t) => [t.name, t.values]));
      // Our layout is Keras', so only the names differ.
      for (const [ours, keras] of [
        ['stem_conv.weight', 'stem_conv/kernel'],
        ['block4a_dwconv2.weight', 'block4a_dwconv2/depthwise_kernel'],
        ['block6h_bn.running_var', 'block6h_bn/moving_variance'],
        ['predictions.weight', 'predictions/kernel'],
      ] as const) {
        expect(
          Buffer.compare(
            Buffer.from(model.parameters.get(ours).slice().buffer),
            Buffer.from(stored.get(keras)!.slice().buffer),
          ),
        ).toBe(0);
      }
    },
  );
});
