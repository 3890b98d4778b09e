// `lentigo dataset`: look at data before training on it.
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { compareCommand } from './dataset-compare.js';
import { ERRORS, LentigoError } from '../common/errors.js';
import { LABEL_SETS } from '../common/model/labels.js';
import { inspectDataset, type Inspection } from '../common/dataset/inspect.js';
import { openDataset } from '../common/dataset/open.node.js';
import { dataHelp } from '../common/dataset/registry.js';
import { SPLITS, type Split } from '../common/dataset/sample.js';
import { Progress } from '../common/progress.node.js';
import { seed as parseSeed } from './options.js';

const ROMAN: Readonly<Record<string, string>> = {
  1: 'I',
  2: 'II',
  3: 'III',
  4: 'IV',
  5: 'V',
  6: 'VI',
};

/** Lines shown of a list; --json has all. */
const SHOWN = 40;
const listed = (lines: readonly string[]): string[] =>
  [
    ...lines.slice(0, SHOWN),
    ...(lines.length > SHOWN ? [`and ${lines.length - SHOWN} more (--json has all)`] : []),
  ].map((line) => `  ${line}`);

/** The inspection as a page of text. */
export function formatInspection(inspection: Inspection): string {
  const style = { head: [], border: [], compact: true };
  const right = 'right' as const;
  const classes = new Table({
    head: ['diagnosis', ...SPLITS, 'images', 'patients'],
    colAligns: ['left', right, right, right, right, right],
    style,
  });
  for (const [label, images] of Object.entries(inspection.byClass))
    classes.push([
      label,
      ...SPLITS.map((split) => inspection.bySplit[label]![split]),
      images,
      inspection.patientsByClass[label],
    ]);
  const total = (split: Split): number =>
    Object.values(inspection.bySplit).reduce((sum, counts) => sum + counts[split], 0);
  classes.push(['all', ...SPLITS.map(total), inspection.samples, '']);
  classes.push([
    'patients',
    ...SPLITS.map((split) => inspection.patientsBySplit[split]),
    '',
    inspection.patients,
  ]);
  const skin = new Table({
    head: [
      'Fitzpatrick',
      ...Object.keys(inspection.byFitzpatrick).map((type) => ROMAN[type] ?? type),
    ],
    style,
  });
  skin.push(['images', ...Object.values(inspection.byFitzpatrick)]);
  const problems =
    inspection.problems.length === 0
      ? ['No problems: every image that is named is there and can be read.']
      : [
          `${inspection.problems.length} ${inspection.problems.length === 1 ? 'image' : 'images'} can't be used:`,
          ...listed(inspection.problems.map(({ code, message }) => `${code}  ${message}`)),
          ...new Set(inspection.problems.map(({ code }) => `${code}: ${ERRORS[code].remedy}`)),
        ];
  const left = Object.entries(inspection.leftOut).sort(([, a], [, b]) => b - a);
  const leftOut =
    left.length === 0
      ? []
      : [
          'Not offered, because the label set has no word for them or for the reason given:',
          ...listed(left.map(([reason, images]) => `${images}  ${reason}`)),
        ];
  const notes = inspection.notes.length === 0 ? [] : ['Reading it:', ...listed(inspection.notes)];
  return `${[inspection.name, classes, skin, ...notes, ...leftOut, ...problems, inspection.note].join('\n')}\n`;
}

async function inspect(
  data: string,
  { json, seed, labels }: { json?: true; seed: number; labels?: keyof typeof LABEL_SETS },
): Promise<void> {
  const progress = new Progress(1);
  const decoded = progress.piece('decoding', 1);
  const inspection = await inspectDataset(
    await openDataset(data, { seed, labels: labels && LABEL_SETS[labels] }),
    (done, of) => decoded(done / of),
  );
  progress.clear();
  process.stdout.write(
    json ? `${JSON.stringify(inspection, undefined, 2)}\n` : formatInspection(inspection),
  );
  if (inspection.samples === 0)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${data}: none of ${inspection.problems.length} images can be used`,
    );
}

/** The `dataset` command with its sub-commands. */
export function datasetCommand(): Command {
  const command = new Command('dataset').description('look at data before training on it');
  command
    .command('inspect')
    .description(
      'count images by diagnosis, split, patient and skin type; name those that are missing or unreadable',
    )
    .argument('<data>', dataHelp())
    .option('--seed <n>', 'decides the splits where the table has no split column', parseSeed, 0)
    .addOption(
      new Option('--labels <set>', "in whose words to count (default: the archive's own)").choices(
        Object.keys(LABEL_SETS),
      ),
    )
    .option('--json', 'print one JSON document')
    .action(inspect);
  command.addCommand(compareCommand());
  return command;
}
