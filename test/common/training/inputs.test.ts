// Photographs read ahead in another thread: the numbers, errors and results are the same as when
// they are read one by one.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFolder } from '../../../common/dataset/folder.node.js';
import type { Sample } from '../../../common/dataset/sample.js';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { toAugmentedInput, toInput } from '../../../common/images/prepare.js';
import { classBalance } from '../../../common/training/class-balance.js';
import { evaluate } from '../../../common/evaluation/evaluate.js';
import { MemoryFeatureCache } from '../../../common/training/feature-cache.js';
import { InputThread } from '../../../common/training/input-thread.node.js';
import { DirectReader, readAhead } from '../../../common/training/inputs.js';
import { createOptimiser } from '../../../common/training/optimiser.js';
import { trainStep } from '../../../common/training/step.js';
import { batchesOf, labelIndex, train } from '../../../common/training/train.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters } from '../../../common/model/student.js';
import { TrainingPlan } from '../../../common/protocol/study.js';
import { Random } from '../../../common/random.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const SIZE = 64;
const painted = syntheticDataset({
  seed: 1,
  sites: [1, 2],
  images: 14,
  size: SIZE,
  split: 'train',
}).samples;
let folder: string;
/** Photographs in files: six readable ones, one cut short, and one whose file disappears. */
let filed: readonly Sample[];

const jpeg = async (sample: Sample): Promise<Buffer> => {
  const { data, width, height } = await sample.load();
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
};

beforeAll(async () => {
  await useEngine('wasm');
  folder = await mkdtemp(join(tmpdir(), 'lentigo-inputs-'));
  const rows = painted.slice(0, 8).map(({ label }, i) => `P${i},1,${label},photo${i}.jpg`);
  await writeFile(
    join(folder, 'metadata.csv'),
    ['patient_id,lesion_id,diagnostic,img_id', ...rows, ''].join('\n'),
  );
  for (const [i, sample] of painted.slice(0, 8).entries()) {
    const bytes = await jpeg(sample);
    await writeFile(
      join(folder, `photo${i}.jpg`),
      i === 6 ? bytes.subarray(0, bytes.length / 2) : bytes,
    );
  }
  filed = (await readFolder(folder)).samples.map((sample) => ({ ...sample, split: 'train' }));
  await rm(join(folder, 'photo7.jpg'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The model's input, computed in this thread. */
async function expected(sample: Sample, variant: number): Promise<Float32Array> {
  const picture = await sample.load();
  return variant === 0
    ? toInput(picture, SIZE)
    : toAugmentedInput(picture, SIZE, new Random('variant').fork(sample.id, variant));
}

const threads = async (): Promise<number> => (await readdir('/proc/self/task')).length;

describe('a thread that reads photographs', () => {
  it("gives exactly this thread's numbers: from files and painted, plain and augmented, many at once and repeatedly", async () => {
    const reader = new InputThread();
    const samples = [...painted.slice(0, 4), ...filed.slice(0, 6)];
    for (let again = 0; again < 2; again++) {
      const found = await Promise.all(
        samples.map((sample) => reader.read(sample, [0, 1, 7], SIZE)),
      );
      for (const [i, sample] of samples.entries())
        expect(found[i]).toEqual(
          await Promise.all([0, 1, 7].map((variant) => expected(sample, variant))),
        );
    }
    await reader.release();
  });

  it("reports a damaged or missing photograph with this thread's message, and reads the next", async () => {
    const reader = new InputThread();
    for (const [i, code] of [
      [6, 'LENTIGO_DATA_IMAGE_UNREADABLE'],
      [7, 'LENTIGO_DATA_IMAGE_MISSING'],
    ] as const) {
      const here: unknown = await filed[i]!.load().catch((error: unknown) => error);
      expect(here).toMatchObject({ code });
      await expect(reader.read(filed[i]!, [0], SIZE)).rejects.toMatchObject({
        name: 'LentigoError',
        code,
        message: (here as Error).message,
      });
    }
    expect(await reader.read(filed[0]!, [0], SIZE)).toEqual([await expected(filed[0]!, 0)]);
    await reader.release();
  });

  it('reads in this thread what only a function can load', async () => {
    const reader = new InputThread();
    const sample = { ...painted[0]!, origin: undefined };
    expect(await reader.read(sample, [3], SIZE)).toEqual([await expected(sample, 3)]);
  });

  it('rejects pending requests when it is released, and can start afresh', async () => {
    const reader = new InputThread();
    const asked = painted.map((sample) => reader.read(sample, [0], SIZE));
    const ended = Promise.allSettled(asked);
    await reader.release();
    const refused = (await ended).filter(
      (one): one is PromiseRejectedResult => one.status === 'rejected',
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused)
      expect(reason).toMatchObject({
        code: 'LENTIGO_INTERNAL',
        message: expect.stringMatching(/thread that reads photographs ended/) as string,
      });
    expect(await reader.read(painted[1]!, [0], SIZE)).toEqual([await expected(painted[1]!, 0)]);
    await reader.release();
  });

  it('does not keep a process alive when it has nothing to read', async () => {
    const script = `
      const { InputThread } = await import('${PACKAGE_ROOT}/dist/common/training/input-thread.node.js');
      const { syntheticDataset } = await import('${PACKAGE_ROOT}/dist/common/dataset/synthetic.js');
      const { samples } = syntheticDataset({ seed: 1, sites: [0], images: 2, size: 64 });
      const reader = new InputThread();
      console.log((await reader.read(samples[0], [0, 1], 64)).length);`;
    const file = join(folder, 'read.mjs');
    await writeFile(file, script);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
    expect(stdout).toBe('2\n');
  });
});

describe('training on photographs that are read ahead', () => {
  const parameters = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
  const whole = TrainingPlan.parse({
    trainFrom: 'features.0',
    epochs: 2,
    batchSize: 4,
    learningRate: 0.001,
  });
  const newStudent = () =>
    createStudent({ architecture: 'nano', labels: PAD_UFES_LABELS, parameters });

  /** `train` without reading ahead: each batch is loaded when its turn comes. */
  async function oneByOne(
    samples: readonly Sample[],
    { epochs, batchSize, focalGamma, balance, ...plan }: TrainingPlan,
  ) {
    const student = newStudent();
    const label = labelIndex(student);
    const counts = student.labels.names.map(
      (_, c) => samples.filter((sample) => label(sample) === c).length,
    );
    const optimiser = createOptimiser(student.variables(plan.trainFrom), { ...plan });
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const draw = new Random('s').fork('epoch', epoch);
      const examples = draw
        .shuffle([...samples])
        .map((sample) => ({ sample, variant: draw.int(2 ** 31) }));
      for (const batch of batchesOf(examples, batchSize)) {
        const inputs: Float32Array[] = [];
        for (const { sample, variant } of batch) inputs.push(await expected(sample, variant));
        const x = tf.tidy(() =>
          tf.stack(inputs.map((input) => tf.tensor3d(input, [SIZE, SIZE, 3]))),
        );
        tf.dispose([
          trainStep(
            student,
            plan.trainFrom,
            optimiser,
            x,
            batch.map(({ sample }) => label(sample)),
            { gamma: focalGamma, ...classBalance(counts, balance) },
          ),
          x,
        ]);
      }
    }
    const result = await student.parameters();
    optimiser.dispose();
    student.dispose();
    return result.subset(new Set(newStudent().trainable(plan.trainFrom)));
  }

  it('gives bit-identical parameters to reading one by one, in a thread and in this one', async () => {
    const samples = [...painted, ...filed.slice(0, 6)];
    const reference = await oneByOne(samples, whole);
    for (const reader of [undefined, new DirectReader(0), new InputThread()]) {
      const student = newStudent();
      const result = await train(student, samples, whole, { seed: 's', reader });
      expect(result.parameters.values).toEqual(reference.values);
      await reader?.release();
      student.dispose();
    }
  });

  it('gives the same from features, leaves out the same photographs, and evaluates to the same', async () => {
    const plan = { ...whole, trainFrom: 'features.3', variants: 3 };
    const run = async (reader: InputThread | undefined, cache: MemoryFeatureCache | undefined) => {
      const student = newStudent();
      const { parameters: trained, ...rest } = await train(student, filed, plan, {
        seed: 's',
        reader,
        ...(cache && { cache }),
      });
      const metrics = await evaluate(student, filed, {
        reader,
        trainFrom: 'features.3',
        ...(cache && { cache }),
      });
      await reader?.release();
      student.dispose();
      return {
        values: trained.values,
        skipped: rest.skipped.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        samples: rest.samples,
        metrics,
      };
    };
    for (const cache of [
      () => undefined,
      () => new MemoryFeatureCache(),
      () => new MemoryFeatureCache(40_000),
    ]) {
      const here = await run(undefined, cache());
      expect(here.skipped.map(({ id }) => id)).toEqual(['photo6', 'photo7']);
      expect(here.samples).toBe(6);
      expect(await run(new InputThread(), cache())).toEqual(here);
    }
  });

  it.skipIf(!existsSync('/proc/self/task'))(
    'ends its thread with each training, aborted ones too, and leaves no tensor',
    async () => {
      const student = newStudent();
      const reader = new InputThread();
      const once = async () => {
        await train(student, painted.slice(0, 6), { ...whole, epochs: 1 }, { seed: 's', reader });
        await reader.release();
        const abort = new AbortController();
        const onProgress = () => abort.abort();
        await expect(
          train(student, painted, whole, { seed: 's', reader, signal: abort.signal, onProgress }),
        ).rejects.toMatchObject({ name: 'AbortError' });
        await reader.release();
      };
      await once();
      const before = { threads: await threads(), tensors: tf.memory().numTensors };
      for (let i = 0; i < 4; i++) await once();
      expect(tf.memory().numTensors).toBe(before.tensors);
      // Eight were started; the image library's own threads come and go.
      expect(await threads()).toBeLessThan(before.threads + 4);
      student.dispose();
    },
  );
});

describe('decoded photographs', () => {
  it('are kept up to a bound, and those beyond it are decoded again', async () => {
    const loaded: string[] = [];
    const samples = painted
      .slice(0, 3)
      .map((sample) => ({ ...sample, load: () => (loaded.push(sample.id), sample.load()) }));
    const reader = new DirectReader(2 * SIZE * SIZE * 3);
    for (let pass = 0; pass < 3; pass++)
      for (const sample of samples)
        expect(await reader.read(sample, [pass], SIZE)).toEqual([await expected(sample, pass)]);
    const [a, b, c] = painted.map(({ id }) => id);
    expect(loaded.filter((id) => id === a)).toHaveLength(4); // `expected` loads three times itself
    expect([b, c].map((id) => loaded.filter((one) => one === id).length)).toEqual([4, 6]);
    await reader.release();
    await reader.read(samples[0]!, [0], SIZE);
    expect(loaded.at(-1)).toBe(a);
  });
});

describe('reading ahead', () => {
  it('requests the next ones while one is used, yields them in order, and requests no more than its limit', async () => {
    const asked: number[] = [];
    const seen: [number, number][] = [];
    const read = async (item: number) => {
      asked.push(item);
      await new Promise((resolve) => setTimeout(resolve, 10 - 2 * item));
      return item;
    };
    for await (const item of readAhead([0, 1, 2, 3, 4], read, 2)) seen.push([item, asked.length]);
    expect(seen).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
      [3, 5],
      [4, 5],
    ]);
  });

  it('reports a failure when its turn comes, and not at all when nobody reads on', async () => {
    const read = async (item: number) => {
      if (item > 0) throw new Error(`no ${item}`);
      return item;
    };
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of readAhead([0, 1, 2], read, 2)) seen.push(item);
      })(),
    ).rejects.toThrow('no 1');
    expect(seen).toEqual([0]);
    for await (const item of readAhead([0, 1, 2], read, 2)) if (item === 0) break;
  });
});
