// `lentigo distill`: runs a recipe, from training the first teacher to the student's held-out
// result.
import { join, relative, resolve } from 'node:path';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import { absoluteData } from '../common/dataset/open.node.js';
import { LentigoError } from '../common/errors.js';
import type { ScoreName } from '../common/evaluation/metrics.js';
import type { PartialAuc } from '../common/evaluation/partial-auc.js';
import { scoreText, TABLE_STYLE } from '../common/reporting/round-table.js';
import type { EpochRecord } from '../coordinator/distillation/checkpoint.js';
import { distill, type DistillationReport } from '../coordinator/distillation/distill.js';
import { PRESETS, presetNamed } from '../coordinator/distillation/presets/index.js';
import { summarise, summaryText } from '../coordinator/distillation/summary.js';
import {
  type DistillationConfig,
  LOSS_NAMES,
  type LossName,
  METADATA_CHOICES,
  setUp,
} from '../coordinator/distillation/setup.js';
import { seed as parseSeed } from './options.js';

interface Flags {
  readonly preset?: string;
  readonly data?: string;
  readonly out?: string;
  readonly teacher?: string | false;
  readonly losses?: readonly LossName[];
  readonly metadata: DistillationConfig['metadata'];
  readonly seed: number;
  readonly fold?: { fold: number; of: number };
  readonly init?: string;
  readonly teacherInit: readonly string[];
  readonly teachersFrom?: string;
  readonly withoutTeacher?: true;
  readonly json?: true;
}

export function distillCommand(): Command {
  const command = new Command('distill')
    .summary('train a starting model that learns from teachers')
    .description(
      `train teachers, and a student that learns from them\n\nPresets:\n${PRESETS.map(({ name, about, teachers }) => `  ${name}: ${about}\n    teachers: ${Object.keys(teachers).join(', ')}`).join('\n')}`,
    )
    .option('--preset <name>', PRESETS.map(({ name }) => name).join(', '))
    .option(
      '--data <dir>',
      'photographs in the form of their archive, or synthetic:site=0&images=120',
    )
    .option(
      '--out <dir>',
      'student/model, teacher-N, curves.csv, curves.svg, distillation.json; the same command again carries on where it was stopped',
    )
    .option('--teacher <name>', "one of the preset's teachers (default: the first)")
    .option(
      '--without-teacher',
      'the student by itself, under the same budget: what a teacher is compared with',
    )
    .option(
      '--losses <names>',
      `what the teacher teaches by, of ${LOSS_NAMES.join(', ')} (default: all that the preset has)`,
      parseLosses,
    )
    .addOption(
      new Option(
        '--metadata <columns>',
        'what a multimodal teacher reads: all columns, those that no training row lacks, or none',
      )
        .choices(METADATA_CHOICES)
        .default('all'),
    )
    .option(
      '--init <path>',
      'what the student starts from: a model folder, or a published safetensors file (default: drawn weights)',
    )
    .option(
      '--teacher-init <path>',
      "what a teacher starts from: as --init, or another distillation's teacher-1; once for each teacher",
      (path: string, before: string[]) => [...before, path],
      [],
    )
    .option(
      '--teachers-from <dir>',
      'the --out of another distillation, whose trained teachers are taken as they are',
    )
    .option(
      '--fold <k/n>',
      "hold out the k-th of n parts of all patients instead of the archive's own split: cross-validation",
      parseFold,
    )
    .option('--seed <n>', 'of all training', parseSeed, 1)
    .option('--json', 'print one JSON document')
    .action(run);
  command
    .command('summary')
    .description(
      'several finished distillations by one preset, under several seeds, losses or folds: scores, means, and what the teacher brings',
    )
    .argument('<out...>', 'their --out folders')
    .action(async (outs: string[]) => {
      const rows = await summarise(outs);
      process.stdout.write(
        command.opts()['json']
          ? `${JSON.stringify(rows, undefined, 1)}\n`
          : `${summaryText(rows)}\n`,
      );
    });
  return command;
}

function parseFold(text: string): { fold: number; of: number } {
  const [fold, of] = (/^(\d{1,2})\/(\d{1,2})$/.exec(text) ?? []).slice(1).map(Number);
  if (!fold || !of || of < 2 || fold > of) throw new InvalidArgumentError('it must be like 1/5');
  return { fold, of };
}

function parseLosses(text: string): LossName[] {
  return text.split(',').map((name) => {
    const known = LOSS_NAMES.find((loss) => loss === name.trim());
    if (!known) throw new InvalidArgumentError(`each is one of ${LOSS_NAMES.join(', ')}`);
    return known;
  });
}

async function run({
  preset,
  data,
  out,
  teacher,
  withoutTeacher,
  losses,
  metadata,
  seed,
  fold,
  init,
  teacherInit,
  teachersFrom,
  json,
}: Flags): Promise<void> {
  if (preset === undefined || data === undefined || out === undefined) {
    throw new LentigoError(
      'LENTIGO_USAGE',
      `a distillation needs --preset, --data and --out: ${[preset ?? '--preset', data ?? '--data', out ?? '--out'].filter((given) => given.startsWith('--')).join(', ')} is missing`,
    );
  }
  const recipe = presetNamed(preset);
  if (
    withoutTeacher &&
    (teacher !== undefined || losses || teacherInit.length > 0 || teachersFrom !== undefined)
  ) {
    throw new LentigoError(
      'LENTIGO_USAGE',
      '--without-teacher leaves nothing for --teacher, --losses, --teacher-init and --teachers-from',
    );
  }
  const { alpha, features, attention } = recipe.losses;
  const weights = { logits: alpha, features, attention };
  const setup = await setUp({
    recipe,
    teacher: withoutTeacher ? null : teacher || Object.keys(recipe.teachers)[0]!,
    losses: withoutTeacher ? [] : (losses ?? LOSS_NAMES.filter((name) => weights[name] > 0)),
    metadata,
    data: absoluteData(data),
    seed,
    ...(fold && { fold }),
    ...(init !== undefined && { init: resolve(init) }),
    teacherInit: teacherInit.map((path) => resolve(path)),
    ...(teachersFrom !== undefined && { teachersFrom: resolve(teachersFrom) }),
  });
  const folder = resolve(out);
  const report = await distill(setup, folder, {
    onEpoch: (training, record, best) =>
      process.stderr.write(`${epochText(training, record, best)}\n`),
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  const shown = (name: string) => join(relative('.', folder) || '.', name);
  process.stdout.write(
    json
      ? `${JSON.stringify(report, undefined, 1)}\n`
      : `${reportText(report)}\n\nStudent: ${shown('student/model')}    curves: ${shown('curves.svg')}, ${shown('curves.csv')}    all results: ${shown('distillation.json')}\n`,
  );
}

const epochText = (
  training: string,
  { epoch, loss, validation, seconds }: EpochRecord,
  best: number,
): string =>
  `${training}, epoch ${epoch}${epoch === best ? '*' : ' '}: loss ${loss.toFixed(4)}, validation balanced accuracy ${scoreText(validation.balancedAccuracy)}, malignant AUC ${scoreText(validation.malignantAuc)}, ${seconds.toFixed(0)} s`;

const REPORTED: readonly [ScoreName, string][] = [
  ['accuracy', 'accuracy'],
  ['balancedAccuracy', 'balanced acc.'],
  ['weightedF1', 'weighted F1'],
  ['malignantAuc', 'malignant AUC'],
  ['malignantRecall', 'malignant recall'],
];

/** The held-out results, with intervals, at the epochs chosen by validation. */
function reportText({ trained, images }: DistillationReport): string {
  const table = new Table({
    ...TABLE_STYLE,
    head: ['held-out', 'epoch', ...REPORTED.map(([, title]) => title), 'partial AUC'],
  });
  const cell = (value: number | null, interval: PartialAuc['interval']): string =>
    `${scoreText(value)}${interval ? ` (${scoreText(interval.low)}–${scoreText(interval.high)})` : ''}`;
  for (const { name, epoch, epochs, heldout, partialAuc } of trained) {
    table.push([
      name,
      `${epoch} of ${epochs}`,
      ...REPORTED.map(([score]) => cell(heldout[score], heldout.intervals[score])),
      cell(partialAuc.value, partialAuc.interval),
    ]);
  }
  return `${images.train} training, ${images.validation} validation, ${images.heldout} held-out images; 95% intervals over patients; partial AUC: above 80% sensitivity, of 0.2\n\n${table.toString()}`;
}
