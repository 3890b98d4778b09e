// `lentigo doctor`: which engines work on this machine, which one is chosen and why, and how fast
// each is; `lentigo engine build`.
import Table from 'cli-table3';
import { Command } from 'commander';
import { createRequire } from 'node:module';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDataset } from '../common/dataset/open.node.js';
import { dataHelp } from '../common/dataset/registry.js';
import { LentigoError } from '../common/errors.js';
import { PAD_UFES_LABELS } from '../common/model/labels.js';
import { TrainingPlan } from '../common/protocol/study.js';
import {
  type EngineSpeed,
  measureEngines,
  preparationMs,
  type RoundTime,
  roundTime,
} from '../common/engine/bench.node.js';
import { buildNative, type Built } from '../common/engine/build.node.js';
import { type EngineReport, surveyEngines } from '../common/engine/engine.node.js';

interface DoctorOptions {
  readonly bench?: true;
  readonly data?: string;
  readonly json?: true;
}

/**
 * What a clinic with this data would spend on a round, with a study's default training plan, on the
 * chosen engine.
 */
interface DataReport {
  readonly name: string;
  /** In the training split. */
  readonly images: number;
  readonly plan: TrainingPlan;
  readonly round: RoundTime;
}

async function doctor({ bench, data, json }: DoctorOptions): Promise<void> {
  if (data !== undefined && !bench)
    throw new LentigoError(
      'LENTIGO_USAGE',
      '--data is what --bench estimates a round of: give both',
    );
  const plan = TrainingPlan.parse({});
  // Opened first, so that a mistake in it is reported before minutes of measuring.
  const dataset =
    data === undefined ? undefined : await openDataset(data, { labels: PAD_UFES_LABELS });
  const samples = dataset?.samples.filter(({ split }) => split === 'train') ?? [];
  if (dataset && samples.length === 0)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${dataset.name} has no usable image in the train split`,
    );

  const survey = await surveyEngines();
  const engines = bench
    ? await measureEngines(survey, plan, (name) => process.stderr.write(`measuring ${name}\n`))
    : survey;
  const chosen = engines.find(
    (engine): engine is EngineSpeed => engine.chosen && 'round' in engine,
  );
  const report: DataReport | undefined =
    dataset && chosen?.round
      ? {
          name: dataset.name,
          images: samples.length,
          plan,
          round: roundTime(samples.length, plan, chosen.round, await preparationMs(samples)),
        }
      : undefined;
  const platform = `${process.platform}-${process.arch}`;
  if (json)
    process.stdout.write(
      `${JSON.stringify({ node: process.version, platform, engines, ...(report && { data: report }) })}\n`,
    );
  else
    process.stdout.write(
      [
        `Node ${process.version} on ${platform}`,
        '',
        'Engines (→ is chosen):',
        ...engines.map(line),
        ...(bench ? ['', ...speeds(engines as EngineSpeed[], plan)] : []),
        ...(report ? ['', ...round(report)] : []),
        '',
      ].join('\n'),
    );
}

const line = ({ name, available, chosen, reason }: EngineReport): string =>
  `${chosen ? '→' : ' '} ${name.padEnd(7)} ${(available ? 'works' : 'missing').padEnd(8)} ${reason}`;

function speeds(engines: readonly EngineSpeed[], { batchSize, trainFrom }: TrainingPlan): string[] {
  const table = new Table({
    head: [
      'ms per image',
      'inference',
      'training, whole network',
      'threads',
      `training from ${trainFrom}`,
    ],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const show = (value: number | null): string => value?.toFixed(1) ?? '–';
  for (const { name, inferenceMs, trainingMs, threads, round } of engines)
    table.push([
      name,
      show(inferenceMs),
      show(trainingMs),
      threads ?? '–',
      show(round?.trainingMs ?? null),
    ]);
  return [
    table.toString(),
    `EfficientNet-B0, ${batchSize} images a step, AdamW. From ${trainFrom} on: a study's default; what lies before is computed once, and kept.`,
  ];
}

function round({ name, images, plan, round: { firstSeconds, seconds } }: DataReport): string[] {
  const time = (value: number): string =>
    value < 100 ? `${value.toFixed(0)} s` : `${(value / 60).toFixed(0)} min`;
  return [
    `${name}: ${images} training images. A round (${plan.epochs} epochs from ${plan.trainFrom} on) would take ${time(seconds)} of training here,`,
    `the first one ${time(firstSeconds)}: it prepares ${plan.variants} variants of each image.`,
  ];
}

/** `lentigo doctor [--bench [--data DIR]] [--json]` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('what computes on this machine, and how fast')
    .description('show which engines work here, which one is chosen, and why')
    .option('--bench', 'measure how fast each of them is; takes about a minute')
    .option(
      '--data <dir>',
      `with --bench: how long a round of this data would take (${dataHelp()})`,
    )
    .option('--json', 'print one JSON document')
    .action(doctor);
}

/** The package's own folder, seen from dist/commands. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The folder whose node_modules holds tfjs-node: the checkout, or the program that Lentigo is
 * installed in. @throws LENTIGO_ENGINE_BUILD it was left out of that program
 */
function rootOfNative(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json');
    return resolve(manifest, '../../../..');
  } catch (cause) {
    if (!ROOT.includes(`${sep}node_modules${sep}`)) return ROOT;
    throw new LentigoError(
      'LENTIGO_ENGINE_BUILD',
      '@tensorflow/tfjs-node is not installed beside Lentigo: npm install @tensorflow/tfjs-node@4.22.0',
      { cause },
    );
  }
}

async function build({ json }: { json?: true }): Promise<void> {
  const native = (await surveyEngines()).find(({ name }) => name === 'native')!;
  const done: Built | undefined = native.available
    ? undefined
    : await buildNative({
        root: rootOfNative(),
        onStep: (text) => process.stderr.write(`${text}\n`),
      });
  if (json)
    process.stdout.write(
      `${JSON.stringify({ engine: 'native', how: done?.how ?? 'present', ...(done && { file: done.file }) })}\n`,
    );
  else
    process.stdout.write(
      done
        ? `The native engine works: ${done.how}, ${done.file}\n`
        : `The native engine works already: ${native.reason}\n`,
    );
}

/** `lentigo engine build [--json]` */
export function engineCommand(): Command {
  return new Command('engine')
    .summary('give this machine the fastest engine')
    .description('the engines that models are computed on; `lentigo doctor` shows them')
    .addCommand(
      new Command('build')
        .description(
          'give this machine the native engine: the official binary, or one compiled here',
        )
        .option('--json', 'print one JSON document')
        .action(build),
    );
}
