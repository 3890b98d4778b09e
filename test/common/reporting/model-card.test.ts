// The model card: its numbers are the evaluation's, its intervals cover them, and it mentions what
// a reader must know.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupIntervals } from '../../../common/evaluation/group-intervals.js';
import { Metrics, metricsOf } from '../../../common/evaluation/metrics.js';
import { saveModel } from '../../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { lentigo, succeed } from '../../support/processes.js';

let root: string;
let photographs: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lentigo-card-'));
  photographs = join(root, 'photographs');
  await mkdir(photographs);
  const rows = await Promise.all(
    Array.from({ length: 48 }, async (_, i) => {
      await sharp({
        create: {
          width: 64,
          height: 64,
          channels: 3,
          background: { r: 200 - i, g: 90 + 3 * i, b: 110 },
        },
      })
        .png()
        .toFile(join(photographs, `PAT_${i}_1_1.png`));
      return `PAT_${i >> 1},${i >> 1},PAT_${i}_1_1.png,${PAD_UFES_LABELS.names[i % 6]},${(i % 2) + 1},heldout`;
    }),
  );
  await writeFile(
    join(photographs, 'metadata.csv'),
    ['patient_id,lesion_id,img_id,diagnostic,fitspatrick,split', ...rows].join('\n'),
  );
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const start = {
  architecture: 'nano',
  labels: PAD_UFES_LABELS,
  parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
} as const;
/** A section's table as rows of cells. */
function tableOf(card: string, title: string, nth = 0): string[][] {
  const section = card.split(/^## /m).find((part) => part.startsWith(`${title}\n`))!;
  const tables = section.split('\n\n').filter((part) => part.startsWith('|'));
  return tables[nth]!.trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('lentigo evaluate --card', () => {
  it(
    'writes a card whose numbers are those of the JSON, with its data, limits and licence',
    { timeout: 120_000 },
    async () => {
      const [model, file] = [join(root, 'model'), join(root, 'MODEL_CARD.md')];
      await saveModel(model, start);
      const metrics = Metrics.parse(
        JSON.parse(
          await succeed([
            'evaluate',
            '--model',
            model,
            '--data',
            photographs,
            '--split',
            'heldout',
            '--card',
            file,
            '--json',
          ]),
        ),
      );
      const card = await readFile(file, 'utf8');
      const shown = (v: number | null): string => (v === null ? '–' : v.toFixed(3));

      const results = new Map(tableOf(card, 'Results').map(([name, value]) => [name, value]));
      const { low, high } = metrics.intervals.balancedAccuracy!;
      expect(results.get('balanced accuracy')).toBe(
        `${shown(metrics.balancedAccuracy)} (${shown(low)}–${shown(high)})`,
      );
      expect(results.get('expected calibration error')).toBe(shown(metrics.ece));
      expect([...results.values()].join()).toContain(shown(metrics.malignantAuc));
      for (const [name, support, precision, recall, f1] of tableOf(card, 'By diagnosis').slice(2)) {
        const own = metrics.perClass[name!]!;
        expect([
          Number(support),
          precision!.split(' ')[0],
          recall!.split(' ')[0],
          f1!.split(' ')[0],
        ]).toEqual([own.support, shown(own.precision), shown(own.recall), shown(own.f1)]);
      }
      expect(
        tableOf(card, 'By diagnosis', 1)
          .slice(2)
          .map((cells) => cells.slice(1).map(Number)),
      ).toEqual(metrics.confusion);
      const skin = new Map(
        tableOf(card, 'By Fitzpatrick skin type')
          .slice(2)
          .map(([type, ...cells]) => [type, cells]),
      );
      expect(skin.get('I-II')!.map((cell) => cell.split(' ')[0])).toEqual([
        '48',
        shown(metrics.byFitzpatrick['I-II'].balancedAccuracy!),
        shown(metrics.byFitzpatrick['I-II'].malignantAuc!),
        shown(metrics.byFitzpatrick['I-II'].malignantRecall!),
      ]);
      expect(skin.get('I-II')![1]).toMatch(/\(0\.\d{3}–0\.\d{3}\)/);
      expect(skin.get('V-VI')).toEqual(['0', '–', '–', '–']);
      for (const part of [
        'PAD-UFES-20',
        'CC BY 4.0',
        'BCC, MEL, SCC count as malignant',
        '48 images of 24 patients',
        'Not recorded with the model.',
        '`biopsed`',
        'missing values by themselves tell the class',
        'not a diagnosis',
        'Actinic keratosis',
      ])
        expect(card).toContain(part);
    },
  );

  it(
    'says how a distilled student was trained, or the text it is given, and that painted lesions are not photographs',
    { timeout: 240_000 },
    async () => {
      const [out, file] = [join(root, 'distilled'), join(root, 'STUDENT.md')];
      await succeed(
        [
          'distill',
          '--preset',
          'trial',
          '--data',
          'synthetic:images=40&size=64',
          '--out',
          out,
          '--seed',
          '3',
        ],
        { env: { LENTIGO_ENGINE: 'wasm' } },
      );
      const evaluate = [
        'evaluate',
        '--model',
        join(out, 'student', 'model'),
        '--data',
        'synthetic:images=40&size=64',
        '--split',
        'heldout',
        '--card',
        file,
      ];
      await succeed(evaluate);
      const card = await readFile(file, 'utf8');
      expect(card).toMatch(
        /`lentigo distill --preset trial --seed 3`, taught by nano-convnext \(logits, features, attention; the teacher's metadata: all\), on \d+ images, engine wasm\. .* teacher-1 \d of 3, student \d of 3\./,
      );
      expect(card).toContain('nothing here says how the model does on photographs');
      await succeed([...evaluate, '--training', 'Three rounds of a study.']);
      expect(await readFile(file, 'utf8')).toContain('## Training\n\nThree rounds of a study.\n');
      expect(
        (await lentigo([...evaluate.slice(0, -1), join(root, 'absent', 'CARD.md')])).stderr,
      ).toMatch(/absent can't be .*LENTIGO_PATH/s);
    },
  );
});

describe('intervals of classes and skin types', () => {
  const random = new Random('intervals');
  const n = 300;
  const labels = Array.from({ length: n }, (_, i) => i % 2);
  // Right for four of five; for skin types III–IV right for one of two.
  const right = labels.map((_, i) => random.chance(i % 3 === 0 ? 0.5 : 0.8));
  const set = { names: ['benign', 'malignant'], malignant: ['malignant'] };
  const predictions = {
    labels,
    probabilities: labels.map((label, i) =>
      (label === 1) === right[i]! ? [0.2, 0.8] : [0.8, 0.2],
    ),
    patients: labels.map((_, i) => `P${i >> 1}`),
    fitzpatrick: labels.map((_, i) => (i % 3 === 0 ? 4 : i % 50 === 1 ? 6 : 1)),
  };

  it('cover the values of the evaluation, are narrower for larger groups, and are the same each time', () => {
    const metrics = metricsOf(predictions, set);
    const intervals = groupIntervals(predictions, set, new Random(1));
    for (const name of set.names)
      for (const score of ['precision', 'recall', 'f1'] as const) {
        const { low, high } = intervals.perClass[name]![score]!;
        const value = metrics.perClass[name]![score]!;
        expect([low < value, value < high, high - low < 0.25]).toEqual([true, true, true]);
      }
    expect(Object.keys(intervals.byFitzpatrick)).toEqual(['I-II', 'III-IV']);
    const width = (type: string): number =>
      intervals.byFitzpatrick[type]!.balancedAccuracy!.high -
      intervals.byFitzpatrick[type]!.balancedAccuracy!.low;
    expect(width('III-IV')).toBeGreaterThan(width('I-II'));
    for (const type of ['I-II', 'III-IV'] as const)
      expect(metrics.byFitzpatrick[type].balancedAccuracy).toBeGreaterThan(
        intervals.byFitzpatrick[type]!.balancedAccuracy!.low,
      );
    expect(groupIntervals(predictions, set, new Random(1))).toEqual(intervals);
  });
});
