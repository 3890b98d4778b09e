// Model folders: replaced as a whole, refused when damaged; and the import of published weights
// under other names.
import * as tf from '@tensorflow/tfjs';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { weightsCommand } from '../../../commands/weights.js';
import { loadModel, saveModel } from '../../../common/model/folder.node.js';
import { importBackbone, importWithHead } from '../../../common/model/import-weights.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { decodeSafetensors, encodeSafetensors } from '../../../common/model/safetensors.js';
import { encodeModel } from '../../../common/model/encoding.js';
import { initialParameters, type Model } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';

const model = (seed: number): Model => ({
  architecture: 'nano',
  labels: PAD_UFES_LABELS,
  parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(seed)),
});
const nano = model(1);
let root: string;
let dir: string;
let count = 0;

beforeAll(async () => {
  await useEngine('wasm');
  root = await mkdtemp(path.join(tmpdir(), 'lentigo-folder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(() => void (dir = path.join(root, `model-${count++}`)));

describe('a model folder', () => {
  it('gives back what was saved, replaces what was there, and leaves nothing beside it', async () => {
    const tensors = tf.memory().numTensors;
    await saveModel(dir, model(2));
    await saveModel(dir, nano);
    expect(tf.memory().numTensors).toBe(tensors);
    const back = await loadModel(dir);
    expect([back.architecture, back.labels]).toEqual(['nano', PAD_UFES_LABELS]);
    expect(back.parameters.values).toEqual(nano.parameters.values);
    expect((await readdir(dir)).sort()).toEqual([
      'model.json',
      'model.safetensors',
      'weights-1-of-1.bin',
    ]);
    expect((await readdir(root)).filter((f) => f.startsWith(path.basename(dir)))).toEqual([
      path.basename(dir),
    ]);
  });

  it('is not written over anything that is not a model', async () => {
    await saveModel(dir, nano);
    await writeFile(path.join(dir, 'notes.txt'), 'mine');
    await expect(saveModel(dir, nano)).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining('notes.txt') as string,
    });
    expect(await readFile(path.join(dir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('is refused by naming the file when a file is missing, cut short or altered', async () => {
    const refused = async (file: string) =>
      expect(loadModel(dir)).rejects.toMatchObject({
        code: 'LENTIGO_MODEL_INVALID',
        message: expect.stringContaining(file) as string,
      });
    await refused('model.json');
    await saveModel(dir, nano);
    const [json, safetensors, shard] = (await readdir(dir))
      .sort()
      .map((f) => path.join(dir, f)) as [string, string, string];
    await truncate(safetensors, 1000);
    await refused('model.safetensors');
    await rm(safetensors);
    expect((await loadModel(dir)).parameters.values).toEqual(nano.parameters.values);
    await copyFile(shard, `${shard}.copy`);
    await truncate(shard, 1000);
    await refused('weights-1-of-1.bin');
    await rm(shard);
    await refused('weights-1-of-1.bin');
    await copyFile(`${shard}.copy`, shard);
    const text = await readFile(json, 'utf8');
    for (const [from, to] of [
      ['"architecture":"nano"', '"architecture":"efficientnet_b0"'],
      ['classifier.1/kernel', 'classifier.2/kernel'],
      ['weights-1-of-1.bin', '../weights.bin'],
      ['{', ''],
    ] as const) {
      await writeFile(json, text.replace(from, to));
      await refused('model.json');
    }
    await writeFile(json, text);
    await loadModel(dir);
  });
});

/** timm's modules of a block in the order of torchvision's, by the number that torchvision has. */
const TIMM_BLOCKS = {
  3: [
    ['conv_dw', 'bn1'],
    ['se.conv_reduce', 'se.conv_expand'],
    ['conv_pw', 'bn2'],
  ],
  4: [
    ['conv_pw', 'bn1'],
    ['conv_dw', 'bn2'],
    ['se.conv_reduce', 'se.conv_expand'],
    ['conv_pwl', 'bn3'],
  ],
} as const;

/** timm's name for a torchvision parameter of nano. */
function timmName(name: string): string {
  const ends: Record<string, string> = {
    'features.0.0': 'conv_stem',
    'features.0.1': 'bn1',
    'features.4.0': 'conv_head',
    'features.4.1': 'bn2',
    'classifier.1': 'classifier',
  };
  const [, stage, block, unit, module, part] =
    /^features\.(\d)\.(\d)\.block\.(\d)\.(\w+)\.(\w+)$/.exec(name) ?? [];
  if (!stage)
    return name.replace(
      /^(.*)\.(\w+)$/,
      (_, module: string, part: string) => `${ends[module]!}.${part}`,
    );
  return `blocks.${Number(stage) - 1}.${block}.${TIMM_BLOCKS[stage === '1' ? 3 : 4][Number(unit)]![['0', 'fc1'].includes(module!) ? 0 : 1]}.${part}`;
}

/** The model's file with timm's parameter names and batch-norm counters. */
function asTimm(): Uint8Array {
  const tensors = decodeSafetensors(encodeModel(nano)).tensors.map((t) => ({
    ...t,
    name: timmName(t.name),
  }));
  return encodeSafetensors({
    metadata: {},
    tensors: [
      ...tensors,
      { name: 'bn1.num_batches_tracked', shape: [], values: Float32Array.of(9) },
    ],
  });
}

describe('importing weights', () => {
  it("understands timm's names", () => {
    const names = decodeSafetensors(asTimm()).tensors.map((t) => t.name);
    for (const name of [
      'conv_stem.weight',
      'bn1.running_mean',
      'blocks.0.0.conv_dw.weight',
      'blocks.0.0.bn2.bias',
      'blocks.1.1.conv_pwl.weight',
      'blocks.1.0.se.conv_reduce.bias',
      'conv_head.weight',
      'bn2.weight',
      'classifier.weight',
    ])
      expect(names).toContain(name);
    expect(
      importWithHead(decodeSafetensors(asTimm()), 'nano', PAD_UFES_LABELS).parameters.values,
    ).toEqual(nano.parameters.values);
  });

  it('keeps the head with names for its classes, or makes a new one that depends on the seed', () => {
    const stored = decodeSafetensors(encodeModel(nano));
    expect(importWithHead(stored, 'nano').labels).toEqual({
      names: ['class_0', 'class_1', 'class_2', 'class_3', 'class_4', 'class_5'],
      malignant: [],
    });
    expect(() => importWithHead(stored, 'nano', { names: ['a', 'b'], malignant: [] })).toThrow(
      '2 labels are given for the 6 classes',
    );
    const two = importBackbone(
      stored,
      'nano',
      { names: ['a', 'b'], malignant: [] },
      new Random(1),
    ).parameters;
    expect(two.get('features.0.0.weight')).toEqual(nano.parameters.get('features.0.0.weight'));
    expect(two.get('classifier.1.weight')).toHaveLength(192);
    expect(
      importBackbone(stored, 'nano', PAD_UFES_LABELS, new Random(5)).parameters.get(
        'classifier.1.weight',
      ),
    ).not.toEqual(nano.parameters.get('classifier.1.weight'));
  });

  it('by the command, and exporting again, gives the same file', async () => {
    const [from, out, again] = [
      path.join(root, 'from.safetensors'),
      dir,
      path.join(root, 'again.safetensors'),
    ];
    await writeFile(from, encodeModel(nano));
    const run = (...args: string[]) => weightsCommand().parseAsync(args, { from: 'user' });
    await run(
      'import',
      '--from',
      from,
      '--out',
      out,
      '--architecture',
      'nano',
      '--keep-head',
      '--labels',
      'ACK,BCC,MEL,NEV,SCC,SEK',
      '--malignant',
      'BCC,MEL,SCC',
      '--json',
    );
    await run('export', '--model', out, '--out', again, '--json');
    expect(Buffer.compare(await readFile(again), await readFile(from))).toBe(0);
    await expect(
      run('import', '--from', path.join(root, 'absent'), '--out', path.join(root, 'new')),
    ).rejects.toMatchObject({ code: 'LENTIGO_PATH' });
    await expect(
      run('import', '--from', from, '--out', path.join(root, 'new')),
    ).rejects.toMatchObject({
      code: 'LENTIGO_WEIGHTS_INVALID',
      message: expect.stringContaining('from.safetensors') as string,
    });
    await expect(
      run(
        'import',
        '--from',
        from,
        '--out',
        path.join(root, 'new'),
        '--architecture',
        'nano',
        '--keep-head',
        '--classes',
        '7',
      ),
    ).rejects.toMatchObject({ code: 'LENTIGO_USAGE' });
  });
});
