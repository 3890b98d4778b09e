// `lentigo simulate`: a federated study in one process, without a network.
import { dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { absoluteData } from '../common/dataset/open.node.js';
import { dataHelp } from '../common/dataset/registry.js';
import { LentigoError } from '../common/errors.js';
import { SHIPPED_MODEL } from '../common/model/folder.node.js';
import { ROUND_COLUMNS, rowLine } from '../common/reporting/round-table.js';
import {
  parseSimulationYaml,
  SimulationConfig,
  type SimulationFile,
  SimulationFlags,
} from '../simulations/config.js';
import { cellsOf, conclusion, introduction } from '../simulations/report.js';
import { simulate } from '../simulations/simulate.js';
import { summarise, summaryText } from '../simulations/summary.js';
import { readText } from './failure.js';

/** Flags as commander gives them: text, or true. */
type Flags = Readonly<Record<string, string | true | undefined>> & { readonly out?: string };

/** `lentigo simulate`. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .summary('a whole study in one process')
    .description(
      'a federated study in one process: the same training, encoding and aggregation, without a network',
    )
    .argument('[simulation.yaml]', 'settings; flags override them')
    .option('--data <dir>', `${dataHelp()}; its training patients are divided among the clinics`)
    .option('--init <dir>', 'the starting model (default: the one that comes with Lentigo)')
    .option('--clinics <n>', 'virtual clinics (default: 4)')
    .option('--rounds <n>', 'rounds of training (default: 10)')
    .option(
      '--alpha <a>',
      'Dirichlet concentration of diagnoses over clinics: 0.1 very uneven, 100 nearly even (default: IID)',
    )
    .option('--seed <n>', 'of the partition and all training (default: 1)')
    .option(
      '--strategy <name>',
      'how the deltas become the next model; its settings go into simulation.yaml (default: fedavg)',
    )
    .option('--train-from <block>', 'the first trainable block (default: features.6)')
    .option('--epochs <n>', "passes over a clinic's images in a round (default: 2)")
    .option('--learning-rate <rate>', '(default: 0.0002; 0.01 where simulation.yaml says sgd)')
    .option('--batch-size <n>', '(default: 8)')
    .option('--encoding <name>', 'of updates: int8, float32 (default: int8)')
    .option('--baselines', 'then also train on all data in one place, and at each clinic alone')
    .option(
      '--out <dir>',
      'best/, last/, metrics.csv, simulation.json; the same command again carries on where it was stopped',
    )
    .option('--json', 'print one JSON document')
    .action(run);
  command
    .command('summary')
    .description(
      'several finished simulations of one study under several seeds: scores, means, federated against all data in one place and against a clinic alone',
    )
    .argument('<out...>', 'their --out folders')
    .action(async (outs: string[]) => {
      const summary = await summarise(outs);
      process.stdout.write(
        command.opts()['json']
          ? `${JSON.stringify(summary, undefined, 1)}\n`
          : `${summaryText(summary)}\n`,
      );
    });
  return command;
}

async function run(file: string | undefined, { out: flag, json, ...flags }: Flags): Promise<void> {
  const { out: named, ...settings } = file === undefined ? {} : await readSettings(file);
  const out = flag ?? named;
  if (!out)
    throw new LentigoError(
      'LENTIGO_USAGE',
      'no place for the results: give --out, or out in simulation.yaml',
    );
  const config = configOf(settings, flags);
  const folder = resolve(out);
  const say = (text: string) => {
    if (!json) process.stdout.write(`${text}\n`);
  };
  const report = await simulate(config, folder, {
    onBegin(begun) {
      say(`${introduction(begun)}\n\n${rowLine(ROUND_COLUMNS)}`);
      for (const record of begun.rounds) say(rowLine(cellsOf(record, begun.best)));
      if (begun.rounds.length > 0)
        process.stderr.write(
          `${begun.rounds.length - 1} rounds are in ${out} already; carrying on.\n`,
        );
    },
    onRound: (record, best) => say(rowLine(cellsOf(record, best))),
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  say(`\n${conclusion(report)}\n`);
  const shown = (name: string) => join(relative('.', folder) || '.', name);
  say(
    `Best model: ${shown('best')}    last: ${shown('last')}    rounds: ${shown('metrics.csv')}    all results: ${shown('simulation.json')}`,
  );
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 1)}\n`);
}

async function readSettings(file: string): Promise<SimulationFile> {
  const { data, init, out, ...rest } = parseSimulationYaml(await readText(file), file);
  const folder = dirname(resolve(file));
  return {
    ...rest,
    ...(data !== undefined && { data: absoluteData(data, folder) }),
    ...(init !== undefined && { init: resolve(folder, init) }),
    ...(out !== undefined && { out: resolve(folder, out) }),
  };
}

/**
 * The file's settings with the flags' in their place.
 * @throws LENTIGO_USAGE naming the flag; LENTIGO_SIMULATION_INVALID
 */
function configOf(
  file: Partial<SimulationFile>,
  given: Omit<Flags, 'out' | 'json'>,
): SimulationConfig {
  const parsed = SimulationFlags.safeParse(given);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const flag = String(path[0]).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--${flag} ${String(given[String(path[0])])}: ${message}`,
    );
  }
  const { trainFrom, epochs, learningRate, batchSize, encoding, data, init, ...rest } = parsed.data;
  const training = { trainFrom, epochs, learningRate, batchSize };
  const config = {
    ...file,
    ...defined(rest),
    ...(data !== undefined && { data: absoluteData(data) }),
    init: init === undefined ? (file.init ?? SHIPPED_MODEL) : resolve(init),
    training: { ...file.training, ...defined(training) },
    updates: { ...file.updates, ...defined({ encoding }) },
  };
  if (!('data' in config))
    throw new LentigoError('LENTIGO_USAGE', 'no data: give --data, or data in simulation.yaml');
  const checked = SimulationConfig.safeParse(config);
  if (checked.success) return checked.data;
  throw new LentigoError(
    'LENTIGO_SIMULATION_INVALID',
    checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'),
  );
}

/** Without the fields that are undefined. */
const defined = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
