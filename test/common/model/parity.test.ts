// The same logits as PyTorch, on every engine, through every way a model is stored; and in stock
// tfjs.
import * as tf from '@tensorflow/tfjs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../common/model/encoding.js';
import { loadModel, saveModel } from '../../../common/model/folder.node.js';
import { importWithHead } from '../../../common/model/import-weights.js';
import { decodeSafetensors } from '../../../common/model/safetensors.js';
import { createStudent, type Model } from '../../../common/model/student.js';
import { describeEngines } from '../../support/engines.js';
import { HAS_WEIGHTS, WEIGHTS } from '../../support/shared-data.js';

const folder = path.join(WEIGHTS, 'efficientnet_b0');
let dir: string;
let imported: Model;
let expected: number[];

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lentigo-parity-'));
  if (!HAS_WEIGHTS) return;
  const file = (await readdir(folder)).find((f) => f.endsWith('.safetensors'))!;
  imported = importWithHead(
    decodeSafetensors(await readFile(path.join(folder, file))),
    'efficientnet_b0',
  );
  expected = (
    JSON.parse(await readFile(path.join(folder, 'reference.json'), 'utf8')) as { logits: number[] }
  ).logits;
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** reference.json's input, x[c, h, w] = sin(0.001·((c·224 + h)·224 + w)), as [1, 224, 224, 3]. */
function referenceInput(): tf.Tensor4D {
  const size = 224;
  const values = new Float32Array(size * size * 3);
  for (let c = 0; c < 3; c++)
    for (let p = 0; p < size * size; p++)
      values[p * 3 + c] = Math.sin(0.001 * (c * size * size + p));
  return tf.tensor4d(values, [1, size, size, 3]);
}

async function logitsOf(model: Model): Promise<number[]> {
  const student = createStudent(model);
  const [x, before] = [referenceInput(), tf.memory().numTensors];
  const logits = student.logits(x);
  const values = Array.from(await logits.data());
  logits.dispose();
  expect(tf.memory().numTensors).toBe(before);
  x.dispose();
  student.dispose();
  return values;
}

const worst = (logits: number[]): number =>
  Math.max(...logits.map((l, i) => Math.abs(l - expected[i]!)));

describeEngines('EfficientNet-B0 with published weights', (engine) => {
  it.skipIf(!HAS_WEIGHTS)('gives the logits that PyTorch gives', async () => {
    expect(expected).toHaveLength(7);
    expect(worst(await logitsOf(imported))).toBeLessThan(1e-3);
  });

  it.skipIf(!HAS_WEIGHTS)(
    'gives them after a round trip through a model on disk, and through safetensors',
    async () => {
      const saved = path.join(dir, engine);
      await saveModel(saved, imported);
      expect(worst(await logitsOf(await loadModel(saved)))).toBeLessThan(1e-3);
      expect(worst(await logitsOf(decodeModel(encodeModel(imported))))).toBeLessThan(1e-3);
      await rm(path.join(saved, 'model.safetensors'));
      const fromShards = await loadModel(saved);
      expect(fromShards.labels).toEqual(imported.labels);
      // Compared as bytes, because toEqual takes seconds for four million values.
      expect(Buffer.compare(bytesOf(fromShards), bytesOf(imported))).toBe(0);
    },
  );

  it.skipIf(!HAS_WEIGHTS)('gives them in stock tfjs, from the model on disk', async () => {
    const saved = path.join(dir, engine);
    const model = await tf.loadLayersModel(await stockHandler(saved));
    const x = referenceInput();
    const logits = model.predict(x) as tf.Tensor;
    expect(worst(Array.from(await logits.data()))).toBeLessThan(1e-3);
    tf.dispose([x, logits]);
    model.dispose();
  });
});

const bytesOf = ({ parameters: { values } }: Model): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

/**
 * A plain file handler as any tfjs user would write: model.json and its shards, none of our code.
 */
async function stockHandler(saved: string): Promise<tf.io.IOHandler> {
  const json = JSON.parse(
    await readFile(path.join(saved, 'model.json'), 'utf8'),
  ) as tf.io.ModelJSON;
  const paths = json.weightsManifest.flatMap((g) => g.paths);
  const shards = await Promise.all(paths.map((p) => readFile(path.join(saved, p))));
  return tf.io.fromMemory({
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap((g) => g.weights),
    weightData: new Uint8Array(Buffer.concat(shards)).buffer,
  });
}
