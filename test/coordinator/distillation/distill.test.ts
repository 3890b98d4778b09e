// A whole distillation on synthetic lesions with tiny networks: its output, resuming after it was
// killed anywhere, and what it refuses.
import { access, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../../../common/engine/engine.node.js';
import type { Metrics, ScoreName } from '../../../common/evaluation/metrics.js';
import { encodeModel } from '../../../common/model/encoding.js';
import { loadModel, saveModel } from '../../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import {
  distill,
  type DistillationListener,
  type DistillationReport,
} from '../../../coordinator/distillation/distill.js';
import { presetNamed } from '../../../coordinator/distillation/presets/index.js';
import type { Phase, Recipe } from '../../../coordinator/distillation/recipe.js';
import { type DistillationConfig, setUp } from '../../../coordinator/distillation/setup.js';
import type { SummaryRow } from '../../../coordinator/distillation/summary.js';
import { launch, lentigo, succeed } from '../../support/processes.js';

const DATA = 'synthetic:site=0&images=36&size=64';
const phases: readonly Phase[] = [
  { trainFrom: 'classifier', epochs: 1, learningRate: 1e-3, weightDecay: 0.01, patience: 2 },
  { trainFrom: 'all', epochs: 2, learningRate: 3e-3, weightDecay: 0.01, patience: 2 },
];
const trial = presetNamed('trial');
const recipe: Recipe = {
  ...trial,
  student: { architecture: 'nano', phases },
  teachers: {
    one: [{ ...trial.teachers['nano-convnext']![0]!, phases }],
    two: [
      { architecture: 'nano_convnext', attention: false, fused: 0, dropout: 0, phases },
      { architecture: 'nano', attention: false, fused: 0, dropout: 0, phases },
    ],
  },
};
const config = (changes: Partial<DistillationConfig> = {}): DistillationConfig => ({
  recipe,
  teacher: 'one',
  losses: ['logits', 'features', 'attention'],
  metadata: 'all',
  data: DATA,
  seed: 1,
  teacherInit: [],
  ...changes,
});

let root: string;
let count = 0;
const folder = (): string => join(root, `out-${count++}`);
const silent: DistillationListener = { progress: { write: () => true } };
const run = async (
  out: string,
  changes: Partial<DistillationConfig> = {},
  listener: DistillationListener = {},
): Promise<DistillationReport> =>
  distill(await setUp(config(changes)), out, { ...silent, ...listener });
const heldout = (report: DistillationReport) =>
  report.trained.map(({ name, epoch, epochs, heldout: metrics }) => ({
    name,
    epoch,
    epochs,
    metrics,
  }));
const bytes = (out: string) =>
  Promise.all(
    ['student/model/model.safetensors', 'teacher-1/teacher.safetensors'].map((file) =>
      readFile(join(out, file)),
    ),
  );

let reference: string;
let expected: DistillationReport;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lentigo-distill-'));
  await useEngine('wasm');
  reference = folder();
  expected = await run(reference);
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('a distillation', () => {
  it('leaves a student as a model, its teachers, learning curves, and held-out predictions of each; and no state but its settings', async () => {
    expect((await readdir(reference)).sort()).toEqual([
      'curves.csv',
      'curves.svg',
      'distillation.json',
      'predictions-student.csv',
      'predictions-teacher-1.csv',
      'state',
      'student',
      'teacher-1',
    ]);
    expect(await readdir(join(reference, 'state'))).toEqual(['settings.json']);
    const model = await loadModel(join(reference, 'student', 'model'));
    expect([model.architecture, model.labels]).toEqual(['nano', PAD_UFES_LABELS]);
    expect(expected.trained.map(({ name, epochs }) => [name, epochs])).toEqual([
      ['teacher-1', 2],
      ['student', 2],
    ]);
    const curves = (await readFile(join(reference, 'curves.csv'), 'utf8')).trim().split('\n');
    expect(curves.map((line) => line.split(',').slice(0, 3).join())).toEqual([
      'training,phase,epoch',
      'teacher-1,1,1',
      'teacher-1,1,2',
      'student,1,1',
      'student,1,2',
    ]);
    expect(curves.filter((line) => line.endsWith(',1'))).toHaveLength(2);
    expect(await readFile(join(reference, 'curves.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
    for (const { heldout: metrics } of expected.trained)
      expect(metrics.samples).toBe(expected.images.heldout);
  });

  it.each([
    ['teacher-1', 1],
    ['student', 1],
  ] as const)(
    'of which %s was interrupted after epoch %i gives the same numbers when it is run again, to the bit',
    { timeout: 240_000 },
    async (training, epoch) => {
      const out = folder();
      const stop = new Error('stopped');
      await expect(
        run(
          out,
          {},
          {
            onEpoch: (name, record) => {
              if (name === training && record.epoch === epoch) throw stop;
            },
          },
        ),
      ).rejects.toBe(stop);
      const again: string[] = [];
      const report = await run(
        out,
        {},
        { onEpoch: (name, record) => void again.push(`${name} ${record.epoch}`) },
      );
      expect(heldout(report)).toEqual(heldout(expected));
      expect(again).not.toContain(`${training} ${epoch}`);
      for (const [i, file] of (await bytes(out)).entries())
        expect(Buffer.compare(file, (await bytes(reference))[i]!)).toBe(0);
    },
  );

  it('that is finished prints its result again without training', async () => {
    const report = await run(
      reference,
      {},
      {
        onEpoch: () => {
          throw new Error('trained again');
        },
      },
    );
    expect(heldout(report)).toEqual(heldout(expected));
  });

  it('reuses the teachers of another, with the same result', { timeout: 240_000 }, async () => {
    const out = folder();
    const report = await run(
      out,
      { teachersFrom: reference },
      { onEpoch: (name) => expect(name).toBe('student') },
    );
    expect(heldout(report)).toEqual(heldout(expected));
  });

  it(
    'teaches by the losses that are chosen alone: each gives another student, and so does none',
    { timeout: 240_000 },
    async () => {
      const students = [await readFile(join(reference, 'student/model/model.safetensors'))];
      for (const changes of [
        { teachersFrom: reference, losses: ['logits'] },
        { teachersFrom: reference, losses: ['features'] },
        { teachersFrom: reference, losses: ['attention'] },
        { teacher: null, losses: [] },
      ] as const) {
        const out = folder();
        const report = await run(out, changes);
        expect(report.trained.map(({ name }) => name)).toEqual(
          'teacher' in changes ? ['student'] : ['teacher-1', 'student'],
        );
        students.push(await readFile(join(out, 'student/model/model.safetensors')));
      }
      expect(new Set(students.map((student) => student.toString('base64'))).size).toBe(
        students.length,
      );
    },
  );

  it(
    'from starting weights also runs the phases that train a part, batch norm frozen',
    { timeout: 240_000 },
    async () => {
      const out = folder();
      const report = await run(out, {
        init: join(reference, 'student', 'model'),
        teacher: null,
        losses: [],
      });
      expect(report.trained[0]!.epochs).toBe(3);
      const [before, after] = await Promise.all([
        loadModel(join(reference, 'student', 'model')),
        loadModel(join(out, 'student', 'model')),
      ]);
      expect(after.parameters.get('features.0.1.running_mean')).toEqual(
        before.parameters.get('features.0.1.running_mean'),
      );
      expect(after.parameters.values).not.toEqual(before.parameters.values);
    },
  );

  it('of an ensemble teaches by the mean of its logits', { timeout: 240_000 }, async () => {
    const report = await run(folder(), { teacher: 'two', losses: ['logits'] });
    expect(report.trained.map(({ name }) => name)).toEqual(['teacher-1', 'teacher-2', 'student']);
  });

  it(
    "reads no metadata where none is asked for: the teacher's file has no encoder",
    { timeout: 240_000 },
    async () => {
      const out = folder();
      await run(out, { metadata: 'none', losses: ['logits'] });
      expect(
        (await readFile(join(out, 'teacher-1/teacher.safetensors'))).includes('metadata.'),
      ).toBe(false);
      expect((await bytes(reference))[1]!.includes('metadata.region.weight')).toBe(true);
    },
  );

  it('cross-validates by patients: no patient is in two splits, and over five folds every image is held out once', async () => {
    const folds = await Promise.all(
      [1, 2, 3, 4, 5].map((fold) =>
        setUp(config({ teacher: null, losses: [], fold: { fold, of: 5 } })),
      ),
    );
    for (const { splits } of folds) {
      const patients = (['train', 'validation', 'heldout'] as const).map(
        (split) => new Set(splits[split].map(({ patient }) => patient)),
      );
      expect(new Set(patients.flatMap((set) => [...set])).size).toBe(
        patients.reduce((n, { size }) => n + size, 0),
      );
    }
    const all = new Set(
      Object.values(folds[0]!.splits)
        .flat()
        .map(({ id }) => id),
    );
    const heldOut = folds.flatMap(({ splits }) => splits.heldout.map(({ id }) => id));
    expect([heldOut.length, new Set(heldOut)]).toEqual([all.size, all]);
  });
});

describe('refused are', () => {
  it('other settings in a folder that is in use, with the difference named, and a folder of something else', async () => {
    await expect(run(reference, { seed: 2 })).rejects.toMatchObject({
      code: 'LENTIGO_DISTILLATION_OTHER',
      message: expect.stringContaining('seed is 1 there, 2 here') as string,
    });
    const other = folder();
    await saveModel(other, {
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
    });
    await expect(run(other)).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining('model.') as string,
    });
  });

  it('starting weights of another architecture, as a folder, as a file and as a teacher', async () => {
    const file = join(root, 'convnext.safetensors');
    await writeFile(
      file,
      encodeModel({
        architecture: 'nano_convnext',
        labels: PAD_UFES_LABELS,
        parameters: initialParameters('nano_convnext', PAD_UFES_LABELS, new Random(1)),
      }),
    );
    const refused = (message: string) => ({
      code: 'LENTIGO_WEIGHTS_INVALID',
      message: expect.stringContaining(message) as string,
    });
    await expect(setUp(config({ init: file }))).rejects.toMatchObject(
      refused('these are weights of nano_convnext, not of nano'),
    );
    await expect(
      setUp(config({ teacherInit: [join(reference, 'student', 'model')] })),
    ).rejects.toMatchObject(refused('holds a model of nano, not of nano_convnext'));
    await expect(setUp(config({ init: join(root, 'absent') }))).rejects.toMatchObject(
      refused('absent'),
    );
    await expect(setUp(config({ teachersFrom: root }))).rejects.toMatchObject(
      refused('teacher.safetensors'),
    );
    await expect(setUp(config({ teacher: 'three' }))).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining('one, two') as string,
    });
  });

  it('a damaged checkpoint, with its file named', { timeout: 240_000 }, async () => {
    const out = folder();
    await expect(
      run(
        out,
        {},
        {
          onEpoch: () => {
            throw new Error('stopped');
          },
        },
      ),
    ).rejects.toThrow('stopped');
    await truncate(join(out, 'state', 'teacher-1.checkpoint'), 1000);
    await expect(run(out)).rejects.toMatchObject({
      code: 'LENTIGO_WEIGHTS_INVALID',
      message: expect.stringContaining('teacher-1.checkpoint') as string,
    });
  });
});

describe('the command', () => {
  const args = (out: string) => ['distill', '--preset', 'trial', '--data', DATA, '--out', out];

  it(
    'killed while it trains and started again gives the results of one that was not',
    { timeout: 240_000 },
    async () => {
      const [whole, killed] = [folder(), folder()];
      const report = JSON.parse(await succeed([...args(whole), '--json'])) as DistillationReport;
      const first = launch(args(killed));
      while (!first.stderr().includes('teacher-1, epoch 2'))
        await Promise.race([
          sleep(50),
          first.ended.then(() => {
            throw new Error(first.stderr());
          }),
        ]);
      expect(await first.kill('SIGKILL')).toBe('SIGKILL');
      await access(join(killed, 'state', 'teacher-1.checkpoint'));
      const again = JSON.parse(await succeed([...args(killed), '--json'])) as DistillationReport;
      expect(heldout(again)).toEqual(heldout(report));
      for (const [i, file] of (await bytes(killed)).entries())
        expect(Buffer.compare(file, (await bytes(whole))[i]!)).toBe(0);
      const text = await succeed(args(whole));
      for (const part of ['teacher-1', 'student', 'balanced acc.', '95% intervals over patients'])
        expect(text).toContain(part);
    },
  );

  it(
    'sums several up: the student of a teacher against the one without, patient by patient',
    { timeout: 240_000 },
    async () => {
      const plain = folder();
      const {
        trained: [alone],
      } = await run(plain, { teacher: null, losses: [] });
      const rows = JSON.parse(
        await succeed(['distill', 'summary', '--json', reference, plain]),
      ) as SummaryRow[];
      const score = (metrics: Metrics) =>
        Object.fromEntries(
          ['balancedAccuracy', 'malignantAuc', 'weightedF1', 'accuracy'].map((name) => [
            name,
            metrics[name as ScoreName],
          ]),
        );
      expect(rows.map(({ name, seeds }) => [name, seeds.map(({ scores }) => scores)])).toEqual([
        ['teacher-1 one, metadata all', [score(expected.trained[0]!.heldout)]],
        ['student of one: logits, features, attention', [score(expected.trained[1]!.heldout)]],
        ['student without teacher', [score(alone!.heldout)]],
      ]);
      const chosenBy = [...expected.trained, alone!].map(
        ({ validation: { balancedAccuracy, malignantAuc } }) => ({
          balancedAccuracy,
          malignantAuc,
        }),
      );
      expect(rows.map(({ meanValidation }) => meanValidation)).toEqual(chosenBy);
      const gain =
        expected.trained[1]!.heldout.balancedAccuracy! - alone!.heldout.balancedAccuracy!;
      expect(rows.map((row) => row.gain?.balancedAccuracy.difference ?? null)).toEqual([
        null,
        gain,
        null,
      ]);
      expect(await succeed(['distill', 'summary', reference, plain])).toContain(
        'Minus the student without teacher',
      );
    },
  );

  it(
    'sums the folds of a cross-validation up as one evaluation of all their images',
    { timeout: 240_000 },
    async () => {
      const folds = [folder(), folder()];
      const reports = [];
      for (const [i, out] of folds.entries())
        reports.push(await run(out, { teacher: null, losses: [], fold: { fold: i + 1, of: 2 } }));
      const [row] = JSON.parse(
        await succeed(['distill', 'summary', '--json', ...folds]),
      ) as SummaryRow[];
      expect(row!.seeds.map(({ images }) => images)).toEqual([
        reports[0]!.images.heldout + reports[1]!.images.heldout,
      ]);
      const right = reports.reduce(
        (n, { images, trained: [one] }) => n + one!.heldout.accuracy! * images.heldout,
        0,
      );
      expect(row!.seeds[0]!.scores.accuracy).toBeCloseTo(right / row!.seeds[0]!.images, 12);
    },
  );

  it('lists the presets if the name is unknown, and reports options that contradict each other', async () => {
    const wrong = async (...changes: string[]) =>
      (await lentigo([...args(folder()), ...changes])).stderr;
    expect(await wrong('--preset', 'nothing')).toContain('pad-ufes');
    expect(await wrong('--without-teacher', '--losses', 'logits')).toContain('--without-teacher');
  });
});
