// Published weights as libraries really store them: what can be used is read, whatever its types,
// names and parts; what can't is refused by name, before a study starts from it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weightsCommand } from '../../commands/weights.js';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel, saveModel } from '../../common/model/folder.node.js';
import { importBackbone, importWithHead } from '../../common/model/import-weights.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
} from '../../common/model/safetensors.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import { readWeights } from '../../common/model/weights-file.node.js';
import { Random } from '../../common/random.js';
import { nano, runCoordinator, temporaryFolder } from '../support/coordinator.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const published = decodeSafetensors(encodeModel(nano())).tensors;
const file = (tensors: readonly StoredTensor[]) => encodeSafetensors({ metadata: {}, tensors });
const change = (name: string, f: (values: Float32Array) => Float32Array): StoredTensor[] =>
  published.map((t) => (t.name === name ? { ...t, values: f(t.values.slice()) } : t));
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;

/** A container of raw bytes, for types that Lentigo doesn't write. */
function container(tensors: readonly [string, string, number[], Uint8Array][]): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    tensors.map(([name, dtype, shape, data]) => [
      name,
      { dtype, shape, data_offsets: [end, (end += data.length)] },
    ]),
  );
  const json = strToU8(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let at = 8 + json.length;
  for (const [, , , data] of tensors) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}
const raw = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe('values that no network can use', () => {
  const first = 'features.0.0.weight';
  const variance = 'features.0.1.running_var';
  const cases: [string, readonly StoredTensor[], RegExp][] = [
    [
      'NaN',
      change(first, (v) => v.fill(NaN, 0, 27)),
      /features\.0\.0\.weight holds NaN .* in 27 of \d+ values/,
    ],
    [
      'infinity',
      change(first, (v) => v.fill(-Infinity, 0, 2)),
      /features\.0\.0\.weight holds infinity in 2 of/,
    ],
    [
      'a negative variance',
      change(variance, (v) => v.fill(-0.5, 0, 3)),
      /features\.0\.1\.running_var holds a negative variance in 3 of/,
    ],
    [
      'NaN in many',
      published.map((t) => ({ ...t, values: t.values.map(() => NaN) })),
      /features\.0\.0\.weight .*; \d+ other parameters/,
    ],
  ];

  it.each(cases)(
    '%s is refused at import, in a model folder and at upload',
    async (name, tensors, why) => {
      const stored = decodeSafetensors(file(tensors));
      const weights = refusal('LENTIGO_WEIGHTS_INVALID', why);
      expect(() => importWithHead(stored, 'nano')).toThrow(weights);
      expect(() => importBackbone(stored, 'nano', PAD_UFES_LABELS, new Random(1))).toThrow(weights);
      const dir = join(folder, name.replaceAll(' ', '-'));
      const broken = nano();
      for (const { name, shape } of published)
        if (shape.length === 1)
          broken.parameters.get(name).set(tensors.find((t) => t.name === name)!.values);
      broken.parameters.get(first).fill(tensors.find((t) => t.name === first)!.values[0]!, 0, 2);
      await saveModel(dir, broken);
      await expect(loadModel(dir)).rejects.toMatchObject({ code: 'LENTIGO_MODEL_INVALID' });
      await rm(join(dir, 'model.safetensors'));
      await expect(loadModel(dir)).rejects.toMatchObject({ code: 'LENTIGO_MODEL_INVALID' });
    },
  );

  it('are refused by a coordinator, before a study can be created with them', async () => {
    const coordinator = await runCoordinator();
    try {
      const model = nano();
      model.parameters.get(variance).fill(-1);
      await expect(coordinator.admin.uploadModel(encodeModel(model))).rejects.toEqual(
        refusal('LENTIGO_WEIGHTS_INVALID', /running_var holds a negative variance/),
      );
    } finally {
      await coordinator.close();
    }
  });

  it('are not written as half precision, where they would become infinite', () => {
    const model = nano();
    model.parameters.get(variance)[0] = 70_000;
    expect(() => encodeModel(model, { half: true })).toThrow(/holds 70000, which half precision/);
    model.parameters.get(variance)[0] = 65_519;
    expect(() => encodeModel(model, { half: true })).not.toThrow();
  });
});

describe('types', () => {
  it('of whole numbers are no weights: a quantised file is refused', () => {
    const quantised = published.map(({ name, shape, values }, i) =>
      i === 0
        ? { name, shape, values: values.map(Math.round), integer: true as const }
        : { name, shape, values },
    );
    expect(() => importWithHead({ metadata: {}, tensors: quantised }, 'nano')).toThrow(
      new RegExp(`parameter ${quantised[0]!.name} is stored in whole numbers`),
    );
  });
  it('are read at every width; counters are left out, whatever their type', () => {
    const integers: [string, ArrayBufferView][] = [
      ['I64', BigInt64Array.of(-3n, 7n)],
      ['U64', BigUint64Array.of(3n, 7n)],
      ['I32', Int32Array.of(-3, 7)],
      ['U32', Uint32Array.of(3, 7)],
      ['I16', Int16Array.of(-3, 7)],
      ['U16', Uint16Array.of(3, 7)],
      ['I8', Int8Array.of(-3, 7)],
      ['U8', Uint8Array.of(3, 7)],
      ['BOOL', Uint8Array.of(1, 0)],
    ];
    for (const [dtype, values] of integers)
      expect(decodeSafetensors(container([['x', dtype, [2], raw(values)]])).tensors).toEqual([
        {
          name: 'x',
          shape: [2],
          values: Float32Array.from(values as unknown as ArrayLike<number>, Number),
          integer: true,
        },
      ]);
    const doubles = container([
      ...published.map(({ name, shape, values }): [string, string, number[], Uint8Array] => [
        name,
        'F64',
        [...shape],
        raw(Float64Array.from(values)),
      ]),
      ['features.0.1.num_batches_tracked', 'I32', [], raw(Int32Array.of(703_685))],
      ['features.4.1.num_batches_tracked', 'F32', [1], raw(Float32Array.of(2))],
      ['step', 'I64', [], raw(BigInt64Array.of(9n))],
    ]);
    expect(importWithHead(decodeSafetensors(doubles), 'nano').parameters.values).toEqual(
      nano().parameters.values,
    );
  });

  it('that Lentigo cannot read are named', () => {
    expect(() =>
      decodeSafetensors(container([['x', 'F8_E4M3', [2], Uint8Array.of(1, 2)]])),
    ).toThrow(/tensor x is stored as F8_E4M3/);
  });
});

describe('prefixes', () => {
  it.each(['module.', 'model.', '_orig_mod.', 'backbone.', '_orig_mod.module.', 'net.encoder.'])(
    '%s is taken off, and said',
    (prefix) => {
      const tensors = published.map((t) => ({ ...t, name: prefix + t.name }));
      const imported = importWithHead({ metadata: {}, tensors }, 'nano');
      expect(imported.parameters.values).toEqual(nano().parameters.values);
      expect(imported.prefix).toBe(prefix);
    },
  );

  it('are taken off in front of names of timm, and other parts of the file are left out', () => {
    const tensors = [
      ...published
        .filter(({ name }) => !name.startsWith('classifier'))
        .map((t) => ({
          ...t,
          name: `backbone.${t.name.replace(/^features\.0\.0/, 'conv_stem').replace(/^features\.0\.1/, 'bn1')}`,
        })),
      { name: 'projector.weight', shape: [1], values: Float32Array.of(1) },
    ];
    const { prefix, parameters } = importBackbone(
      { metadata: {}, tensors },
      'nano',
      PAD_UFES_LABELS,
      new Random(1),
    );
    expect(prefix).toBe('backbone.');
    expect(parameters.get('features.0.0.weight')).toEqual(
      nano().parameters.get('features.0.0.weight'),
    );
    // Without a prefix there is no telling what does not belong.
    expect(() =>
      importWithHead({ metadata: {}, tensors: [...published, tensors.at(-1)!] }, 'nano'),
    ).toThrow('unexpected parameter projector.weight');
  });

  it('does not help where the file is of another architecture, which is named', () => {
    const tensors = decodeSafetensors(
      encodeModel({
        ...nano(),
        architecture: 'nano_convnext',
        parameters: initialParameters('nano_convnext', PAD_UFES_LABELS, new Random(1)),
      }),
    ).tensors.map((t) => ({ ...t, name: `module.${t.name}` }));
    const from = { metadata: {}, tensors };
    expect(() => importWithHead(from, 'resnet50')).toThrow(
      'these are weights of nano_convnext, not of resnet50: give --architecture nano_convnext',
    );
    expect(importWithHead(from, 'nano_convnext').prefix).toBe('module.');
  });
});

describe('a file of another format', () => {
  const files: [string, Uint8Array, RegExp][] = [
    [
      'model.pth',
      zipSync({ 'archive/data.pkl': Uint8Array.of(1), 'archive/data/0': new Uint8Array(9) }),
      /PyTorch checkpoint/,
    ],
    ['old.pth', Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c), /Python pickle/],
    [
      'model.keras',
      zipSync({ 'config.json': strToU8('{}'), 'model.weights.h5': Uint8Array.of(1) }),
      /Keras' own format/,
    ],
    ['model.zip', zipSync({ 'a.txt': strToU8('a') }), /a zip archive/],
    ['model.npz', zipSync({ 'a.npy': Uint8Array.of(1) }), /NumPy archive/],
    ['model.h5', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0), /HDF5/],
    ['model.onnx', Uint8Array.of(8, 8, 0x12, 7, ...strToU8('pytorch')), /ONNX/],
    [
      'pointer.safetensors',
      strToU8('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
      /Git LFS pointer/,
    ],
    [
      'page.safetensors',
      strToU8('\n<!DOCTYPE html>\n<html><body>Sign in</body></html>'),
      /web page/,
    ],
    ['model.json', strToU8('{"weightsManifest": []}'), /tfjs model's model\.json/],
    ['empty.safetensors', new Uint8Array(), /an empty file/],
    ['zeros.safetensors', new Uint8Array(4096), /zeros only/],
    [
      'cut.safetensors',
      encodeModel(nano()).subarray(0, 2000),
      /its header says \d+ bytes, the file holds 1992/,
    ],
    ['cut-later.safetensors', encodeModel(nano()).subarray(0, 90_000), /cut short/],
  ];

  it.each(files)('%s is named as what it is', async (name, bytes, what) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const expected = refusal('LENTIGO_WEIGHTS_INVALID', what);
    await expect(readWeights(path)).rejects.toEqual(expected);
    await expect(
      weightsCommand().parseAsync(['import', '--from', path, '--out', join(folder, 'never')], {
        from: 'user',
      }),
    ).rejects.toEqual(expected);
    // Where a model's folder is wanted, too.
    await expect(loadModel(path)).rejects.toEqual(
      refusal(
        'LENTIGO_MODEL_INVALID',
        /it is a file, not a model's folder; lentigo weights import/,
      ),
    );
  });

  it('in a folder is named', async () => {
    const dir = join(folder, 'downloads');
    await mkdir(dir);
    await writeFile(join(dir, 'pytorch_model.bin'), Uint8Array.of(1));
    await expect(readWeights(dir)).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /no safetensors file is in it, but pytorch_model\.bin/),
    );
    await expect(loadModel(dir)).rejects.toEqual(
      refusal('LENTIGO_MODEL_INVALID', /it holds pytorch_model\.bin, but no model\.safetensors/),
    );
    await expect(loadModel(join(folder, 'nowhere'))).rejects.toEqual(
      refusal('LENTIGO_MODEL_INVALID', /it is missing: there is no folder .*nowhere/),
    );
  });
});

describe('weights in several parts', () => {
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
  const half = Math.floor(published.length / 2);

  async function parts(dir: string, map: Record<string, string> = {}): Promise<string> {
    await mkdir(join(folder, dir), { recursive: true });
    await writeFile(join(folder, dir, names[0]), file(published.slice(0, half)));
    await writeFile(join(folder, dir, names[1]), file(published.slice(half)));
    const weight_map = Object.fromEntries(
      published.map((t, i) => [t.name, names[i < half ? 0 : 1]]),
    );
    const index = join(folder, dir, 'model.safetensors.index.json');
    await writeFile(
      index,
      JSON.stringify({ metadata: { total_size: 1 }, weight_map: { ...weight_map, ...map } }),
    );
    return index;
  }

  it('are read by their index, or their folder', async () => {
    const index = await parts('parts');
    for (const from of [index, join(folder, 'parts')])
      expect(importWithHead(await readWeights(from), 'nano').parameters.values).toEqual(
        nano().parameters.values,
      );
    const one = await readWeights(join(folder, 'parts', names[0]));
    expect(() => importWithHead(one, 'nano')).toThrow(/missing|not those of/);
  });

  it('are refused where a part is missing, lies elsewhere, or lacks a tensor', async () => {
    const cases: [string, Record<string, string>, RegExp][] = [
      ['elsewhere', { x: '../x.safetensors' }, /a part lies in another folder/],
      [
        'lacks',
        { 'features.0.0.weight': names[1] },
        /says that features\.0\.0\.weight is in model-00002/,
      ],
      [
        'missing',
        { x: 'model-00003-of-00003.safetensors' },
        /00003-of-00003\.safetensors: can't be read/,
      ],
    ];
    for (const [dir, map, why] of cases)
      await expect(readWeights(await parts(dir, map))).rejects.toEqual(
        refusal('LENTIGO_WEIGHTS_INVALID', why),
      );
    await parts('no-index');
    await rm(join(folder, 'no-index', 'model.safetensors.index.json'));
    await expect(readWeights(join(folder, 'no-index'))).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /without its index/),
    );
  });
});

/** A model with distinct values in every parameter, and its tensors in PyTorch's layout. */
function sample(architecture: Model['architecture']): [Model, readonly StoredTensor[]] {
  const random = new Random(architecture);
  const parameters = initialParameters(architecture, PAD_UFES_LABELS, random);
  for (const [i, { name }] of parameters.specs.entries()) parameters.get(name)[0] = i + 1;
  const model = { architecture, labels: PAD_UFES_LABELS, parameters };
  return [model, decodeSafetensors(encodeModel(model)).tensors];
}

describe("other libraries' names", () => {
  /** From our name to theirs, written out by hand from the libraries' own listings. */
  const theirs: [string, Model['architecture'], (name: string) => string, string[]][] = [
    [
      'timm efficientnet_b0 and tf_efficientnet_b0',
      'efficientnet_b0',
      (name) =>
        name
          .replace('features.0.0.', 'conv_stem.')
          .replace('features.0.1.', 'bn1.')
          .replace('features.8.0.', 'conv_head.')
          .replace('features.8.1.', 'bn2.')
          .replace('classifier.1.', 'classifier.')
          .replace(/^features\.1\.0\.block\.(\d)\.(\w+)/, (_, unit, part) => {
            const modules = [['conv_dw', 'bn1'], [], ['conv_pw', 'bn2']][Number(unit)]!;
            return `blocks.0.0.${part === 'fc1' ? 'se.conv_reduce' : part === 'fc2' ? 'se.conv_expand' : modules[Number(part)]}`;
          })
          .replace(/^features\.(\d)\.(\d)\.block\.(\d)\.(\w+)/, (_, stage, block, unit, part) => {
            const modules = [['conv_pw', 'bn1'], ['conv_dw', 'bn2'], [], ['conv_pwl', 'bn3']][
              Number(unit)
            ]!;
            return `blocks.${Number(stage) - 1}.${block}.${part === 'fc1' ? 'se.conv_reduce' : part === 'fc2' ? 'se.conv_expand' : modules[Number(part)]}`;
          }),
      [
        'conv_stem.weight',
        'blocks.0.0.conv_dw.weight',
        'blocks.0.0.se.conv_expand.bias',
        'blocks.0.0.conv_pw.weight',
        'blocks.5.3.conv_pwl.weight',
        'blocks.6.0.bn3.running_var',
        'conv_head.weight',
        'bn2.bias',
        'classifier.weight',
      ],
    ],
    [
      'timm mobilenetv2_100',
      'mobilenet_v2',
      (name) => {
        const [, number, rest] = /^features\.(\d+)\.conv\.(.*)$/.exec(name) ?? [];
        if (number === undefined)
          return name
            .replace('features.0.0.', 'conv_stem.')
            .replace('features.0.1.', 'bn1.')
            .replace('features.18.0.', 'conv_head.')
            .replace('features.18.1.', 'bn2.')
            .replace('classifier.1.', 'classifier.');
        const starts = [1, 2, 4, 7, 11, 14, 17];
        const stage = starts.findLastIndex((start) => start <= Number(number));
        const modules: [string, string][] =
          stage === 0
            ? [
                ['0.0.', 'conv_dw.'],
                ['0.1.', 'bn1.'],
                ['1.', 'conv_pw.'],
                ['2.', 'bn2.'],
              ]
            : [
                ['0.0.', 'conv_pw.'],
                ['0.1.', 'bn1.'],
                ['1.0.', 'conv_dw.'],
                ['1.1.', 'bn2.'],
                ['2.', 'conv_pwl.'],
                ['3.', 'bn3.'],
              ];
        const [ours, timm] = modules.find(([ours]) => rest!.startsWith(ours))!;
        return `blocks.${stage}.${Number(number) - starts[stage]!}.${timm}${rest!.slice(ours.length)}`;
      },
      [
        'blocks.0.0.conv_pw.weight',
        'blocks.0.0.bn2.weight',
        'blocks.2.2.conv_pwl.weight',
        'blocks.6.0.bn3.running_mean',
        'conv_head.weight',
      ],
    ],
    [
      'timm tf_efficientnetv2_b0',
      'efficientnetv2_b0',
      (name) => {
        const [, stage, letter, module] = /^block(\d)(\w)_(.*)$/.exec(name) ?? [];
        if (stage === undefined)
          return name
            .replace('stem_conv.', 'conv_stem.')
            .replace('stem_bn.', 'bn1.')
            .replace('top_conv.', 'conv_head.')
            .replace('top_bn.', 'bn2.')
            .replace('predictions.', 'classifier.');
        const modules: Record<string, string> =
          stage === '1'
            ? { project_conv: 'conv', project_bn: 'bn1' }
            : Number(stage) < 4
              ? {
                  expand_conv: 'conv_exp',
                  expand_bn: 'bn1',
                  project_conv: 'conv_pwl',
                  project_bn: 'bn2',
                }
              : {
                  expand_conv: 'conv_pw',
                  expand_bn: 'bn1',
                  dwconv2: 'conv_dw',
                  bn: 'bn2',
                  se_reduce: 'se.conv_reduce',
                  se_expand: 'se.conv_expand',
                  project_conv: 'conv_pwl',
                  project_bn: 'bn3',
                };
        const [layer, part] = module!.split('.') as [string, string];
        return `blocks.${Number(stage) - 1}.${'abcdefgh'.indexOf(letter!)}.${modules[layer]}.${part}`;
      },
      [
        'blocks.0.0.conv.weight',
        'blocks.1.1.conv_exp.weight',
        'blocks.5.7.bn3.running_var',
        'blocks.3.0.se.conv_reduce.weight',
        'conv_head.weight',
        'classifier.bias',
      ],
    ],
    [
      'torchvision convnext',
      'nano_convnext',
      (name) =>
        name
          .replace(/^stem\./, 'features.0.')
          .replace(/^stages\.(\d)\.downsample\./, (_, s) => `features.${2 * Number(s)}.`)
          .replace(
            /^stages\.(\d)\.blocks\.(\d)\.(conv_dw|norm|mlp\.fc1|mlp\.fc2|gamma)/,
            (_, s, i, module) => {
              const theirs: Record<string, string> = {
                conv_dw: 'block.0',
                norm: 'block.2',
                'mlp.fc1': 'block.3',
                'mlp.fc2': 'block.5',
                gamma: 'layer_scale',
              };
              return `features.${2 * Number(s) + 1}.${i}.${theirs[String(module)]}`;
            },
          )
          .replace('head.norm.', 'classifier.0.')
          .replace('head.fc.', 'classifier.2.'),
      [
        'features.0.1.weight',
        'features.1.0.layer_scale',
        'features.2.1.weight',
        'features.7.0.block.5.bias',
        'classifier.2.weight',
      ],
    ],
  ];

  it.each(theirs)('%s are read', (_, architecture, rename, expected) => {
    const [model, own] = sample(architecture);
    const tensors = own.map((t) => {
      const name = rename(t.name);
      return name.endsWith('layer_scale')
        ? { ...t, name, shape: [...t.shape, 1, 1] }
        : { ...t, name };
    });
    const names = tensors.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(expected));
    const imported = importWithHead({ metadata: {}, tensors }, architecture);
    expect(
      Buffer.compare(
        Buffer.from(imported.parameters.values.buffer),
        Buffer.from(model.parameters.values.buffer),
      ),
    ).toBe(0);
    expect(imported.prefix).toBe('');
  });
});
