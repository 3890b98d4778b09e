// The midas recipe with tiny networks, on small folders laid out like the published ISIC 2024 and
// MIDAS: two stages, a learning rate that drops on a plateau, epochs chosen by AUC and recall.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import { BINARY_LABELS, PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { decodeTeacher } from '../../../common/model/teacher-file.js';
import type { EpochRecord } from '../../../coordinator/distillation/checkpoint.js';
import { distill, type DistillationReport } from '../../../coordinator/distillation/distill.js';
import { midas } from '../../../coordinator/distillation/presets/midas.js';
import type { Phase, Recipe } from '../../../coordinator/distillation/recipe.js';
import { type DistillationConfig, setUp } from '../../../coordinator/distillation/setup.js';

const [plan] = midas.teachers['convnext-tiny']!;
const studentPhases: readonly Phase[] = [
  { trainFrom: 'all', epochs: 1, learningRate: 1e-3, weightDecay: 0.01, patience: 1 },
];
/** The preset, except for the networks' size and the number of epochs. */
const recipe = (
  phases: readonly Phase[] = plan!.phases.map((phase) => ({ ...phase, epochs: 2 })),
  changes: Partial<Recipe> = {},
): Recipe => ({
  ...midas,
  student: { architecture: 'nano', phases: studentPhases },
  teachers: { tiny: [{ ...plan!, architecture: 'nano_convnext', fused: 16, phases }] },
  variants: 1,
  ...changes,
});

let root: string;
let isic: string;
let smartphone: string;
let count = 0;
const folder = (): string => join(root, `out-${count++}`);
const config = (data: string, changes: Partial<DistillationConfig> = {}): DistillationConfig => ({
  recipe: recipe(),
  teacher: 'tiny',
  losses: ['logits', 'features', 'attention'],
  metadata: 'all',
  data,
  seed: 1,
  teacherInit: [],
  ...changes,
});
const run = async (out: string, given: DistillationConfig): Promise<DistillationReport> =>
  distill(await setUp(given), out, { progress: { write: () => true } });
const teacherOf = async (out: string) =>
  decodeTeacher(await readFile(join(out, 'teacher-1/teacher.safetensors')));
const historyOf = async (out: string) =>
  JSON.parse(await readFile(join(out, 'teacher-1/history.json'), 'utf8')) as {
    best: number;
    history: EpochRecord[];
  };

/** 30 patients; every third lesion is malignant and darker. */
async function archive(
  name: string,
  table: string,
  header: string,
  row: (i: number, malignant: boolean) => string,
  image: (i: number) => string,
): Promise<string> {
  const dir = join(root, name);
  await mkdir(join(dir, 'images'), { recursive: true });
  const rows = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const malignant = i % 3 === 0;
      await sharp({
        create: {
          width: 64,
          height: 64,
          channels: 3,
          background: malignant ? '#503028' : `#c0${(0x80 + i).toString(16)}70`,
        },
      })
        .jpeg()
        .toFile(join(dir, 'images', image(i)));
      return row(i, malignant);
    }),
  );
  await writeFile(join(dir, table), [header, ...rows].join('\n'));
  return dir;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lentigo-midas-'));
  await useEngine('wasm');
  isic = await archive(
    'isic',
    'train-metadata.csv',
    'isic_id,target,patient_id',
    (i, malignant) => `ISIC_${i},${malignant ? 1 : 0},IP_${i}`,
    (i) => `ISIC_${i}.jpg`,
  );
  smartphone = await archive(
    'midas',
    'release_midas.csv',
    'midas_record_id,midas_file_name,midas_distance,midas_path',
    (i, malignant) => `r${i},s-prd-${i}.jpg,1ft,${malignant ? 'malignant- bcc' : 'benign-other'}`,
    (i) => `s-prd-${i}.jpg`,
  );
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

it(
  'the second stage starts where the first ended, the MLP head included',
  { timeout: 240_000 },
  async () => {
    const [first, second] = [folder(), folder()];
    const report = await run(first, config(isic, { teacherInit: [] }));
    expect(report.trained.map(({ name }) => name)).toEqual(['teacher-1', 'student']);
    const trained = await teacherOf(first);
    expect(trained.labels).toEqual(BINARY_LABELS);
    expect(trained.parameters.has('fusion.fc1.weight')).toBe(true);
    const next = config(smartphone, {
      teacherInit: [join(first, 'teacher-1')],
      init: join(first, 'student', 'model'),
    });
    expect((await setUp(next)).teacherStarts[0]!.start!.values).toEqual(trained.parameters.values);
    await run(second, next);
    const { history } = await historyOf(second);
    // With starting weights: the head alone for two epochs, then everything.
    expect(history.map(({ phase, learningRate }) => [phase, learningRate]).slice(0, 3)).toEqual([
      [0, 1e-4],
      [0, 1e-4],
      [1, 1e-5],
    ]);
    // A newly drawn head would be ten times as far away.
    const [before, after] = [trained, await teacherOf(second)].map(({ parameters }) =>
      parameters.get('fusion.fc1.weight'),
    );
    const furthest = Math.max(...before!.map((v, i) => Math.abs(v - after![i]!)));
    expect([furthest > 0, furthest < 2e-3]).toEqual([true, true]);
  },
);

it(
  'for other diagnoses, or with another head, takes only the backbone; and refuses a teacher on another architecture',
  { timeout: 240_000 },
  async () => {
    const first = folder();
    await run(first, config(isic, { recipe: recipe(studentPhases) }));
    const start = async (changes: Partial<Recipe>) =>
      (
        await setUp(
          config('synthetic:images=40&size=64', {
            recipe: recipe(studentPhases, changes),
            teacherInit: [join(first, 'teacher-1')],
          }),
        )
      ).teacherStarts[0]!.start!;
    const wider = { tiny: [{ ...recipe().teachers['tiny']![0]!, fused: 32 }] };
    for (const set of [
      await start({ labels: PAD_UFES_LABELS }),
      await start({ teachers: wider }),
    ]) {
      expect([
        set.has('stem.0.weight'),
        set.has('head.norm.weight'),
        set.has('fusion.fc1.weight'),
      ]).toEqual([true, true, false]);
    }
    await expect(
      start({ teachers: { tiny: [{ ...wider.tiny[0]!, architecture: 'nano' }] } }),
    ).rejects.toMatchObject({
      code: 'LENTIGO_WEIGHTS_INVALID',
      message: expect.stringContaining('holds a teacher on nano_convnext, not on nano') as string,
    });
  },
);

it(
  'on a plateau the learning rate falls by its factor after so many epochs without a better result, and stays there',
  { timeout: 240_000 },
  async () => {
    // A learning rate this small changes nothing, so the first epoch stays the best.
    const phases = [
      {
        trainFrom: 'all',
        epochs: 9,
        learningRate: 1e-12,
        weightDecay: 0,
        patience: 6,
        plateau: { factor: 0.5, patience: 2 },
      },
    ];
    const out = folder();
    await run(out, config(isic, { recipe: recipe(phases) }));
    const { best, history } = await historyOf(out);
    expect(best).toBe(1);
    expect(history.map(({ learningRate }) => learningRate / 1e-12)).toEqual([
      1, 1, 1, 0.5, 0.5, 0.25, 0.25,
    ]);
  },
);

it(
  'the epoch is the one with the best mean of malignant AUC and recall on validation',
  { timeout: 240_000 },
  async () => {
    const out = folder();
    await run(
      out,
      config(isic, {
        recipe: recipe([
          { trainFrom: 'all', epochs: 4, learningRate: 3e-3, weightDecay: 0, patience: 4 },
        ]),
      }),
    );
    const { best, history } = await historyOf(out);
    const scores = history.map(
      ({ validation }) => (validation.malignantAuc! + validation.malignantRecall!) / 2,
    );
    expect(best).toBe(scores.indexOf(Math.max(...scores)) + 1);
  },
);
