// `lentigo clinic`: enrol in a study, take part in it, and see what was sent.
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { fingerprint } from '../common/crypto/identity.js';
import type { EngineName } from '../common/engine/engine.js';
import { LentigoError } from '../common/errors.js';
import { share } from '../common/dataset/query.js';
import { dataHelp } from '../common/dataset/registry.js';
import { parseInvitation } from '../common/protocol/enrolment.js';
import { ClinicName } from '../common/protocol/primitives.js';
import { jsonDisplay, textDisplay } from '../client/agent/display.js';
import { enrolHome } from '../client/agent/home.js';
import { takeModel } from '../client/agent/model.js';
import { runAgent } from '../client/agent/run.js';
import { describePhotographs, describeUnusable } from '../client/agent/photographs.js';
import { statusOf } from '../client/agent/status.js';
import type { Which } from '../client/participation/study-models.js';
import { METRIC_NAMES, roundText } from '../common/reporting/metric-names.js';
import { headlineText } from '../common/reporting/round-table.js';
import { commandFailure } from './failure.js';
import { proxyOption } from './options.js';

export function clinicCommand(): Command {
  const command = new Command('clinic').description('take part in a study, beside the photographs');
  command
    .command('enrol')
    .description('make this clinic known to the study that invited it')
    .argument('<invitation>', 'the word that the study coordinator sent')
    .requiredOption('--home <dir>', 'where this clinic keeps its identity, journal and models')
    .option('--name <name>', 'what this clinic is called (default: the name in the invitation)')
    .addOption(proxyOption())
    .action(enrolAction);
  command
    .command('run')
    .description('take part in every round until the study is over')
    .requiredOption('--home <dir>', 'the home that `lentigo clinic enrol` wrote')
    .requiredOption('--data <dir>', `the clinic's images: ${dataHelp()}`)
    .option(
      '--evaluation-share <share>',
      "keep this share of the patients for the clinic's own evaluation, where the data has no splits of its own (default: train on all; with splits, on its train split)",
    )
    .addOption(
      new Option(
        '--engine <name>',
        'the engine to train on (default: the fastest that works here)',
      ).choices(['native', 'webgpu', 'wasm', 'cpu']),
    )
    .addOption(proxyOption())
    .option('--json', 'one line of JSON for each event, on stdout')
    .action(runAction);
  command
    .command('status')
    .description('show who this clinic is and what it sent')
    .requiredOption('--home <dir>', 'the home that `lentigo clinic enrol` wrote')
    .option('--json', 'one JSON document')
    .action(statusAction);
  command
    .command('model')
    .description("take out the study's best or last model, with its held-out results")
    .requiredOption('--home <dir>', 'the home that `lentigo clinic enrol` wrote')
    .requiredOption('--out <dir>', 'a new folder, as `lentigo predict --model` reads it')
    .addOption(
      new Option('--which <which>', 'best: the round that validation chose; last: the last round')
        .choices(['best', 'last'])
        .default('best'),
    )
    .addOption(proxyOption())
    .option('--json', 'one JSON document')
    .action(modelAction);
  return command;
}

async function enrolAction(word: string, options: { home: string; name?: string }): Promise<void> {
  const invitation = parseInvitation(word);
  const name = ClinicName.safeParse(options.name ?? invitation.clinic);
  if (!name.success)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--name: ${name.error.issues[0]?.message ?? 'is not valid'}`,
    );
  const { enrolment, approved } = await enrolHome(invitation, options.home, name.data);
  const next = `lentigo clinic run --home ${shellWord(options.home)} --data DIR`;
  process.stdout.write(`\
"${enrolment.name}" is enrolled in the study "${enrolment.studyName}" at ${enrolment.url}.

Leaves this machine: the name "${enrolment.name}" and this clinic's public key; in each round the number of its training
images and what training changed in the model's parameters, encrypted to the coordinator and signed; progress and
mean training loss. The coordinator can read these changes.
Never leaves it: photographs, metadata.csv, anything else about a patient, and the secret key in ${options.home}.

${
  approved
    ? 'The study coordinator has approved this clinic.'
    : `The study coordinator approves this clinic after comparing this fingerprint with you, by telephone:

    ${fingerprint(enrolment.clinic)}
`
}
Next (it waits for approval): ${next}
`);
}

const shellWord = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

async function runAction({
  home,
  data,
  evaluationShare,
  engine,
  json,
}: {
  home: string;
  data: string;
  evaluationShare?: string;
  engine?: EngineName;
  json?: boolean;
}): Promise<void> {
  const display = json
    ? jsonDisplay((text) => process.stdout.write(text))
    : textDisplay((text) => process.stderr.write(text), process.stderr.isTTY);
  const abort = new AbortController();
  const stop = () => abort.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  // `once`, so that a second signal ends the process immediately.
  for (const signal of signals) process.once(signal, stop);
  try {
    await runAgent({
      home,
      data,
      evaluationShare: shareOf(evaluationShare),
      engine,
      signal: abort.signal,
      onEvent: (event) => display.show(event),
    });
  } catch (error) {
    // The command line prints the error anyway; readers of the JSON lines must get it there too.
    if (json) display.show({ event: 'error', ...commandFailure(error).body() });
    throw error;
  } finally {
    display.close();
    for (const signal of signals) process.off(signal, stop);
  }
}

async function modelAction({
  home,
  out,
  which,
  json,
}: {
  home: string;
  out: string;
  which: Which;
  json?: boolean;
}): Promise<void> {
  const taken = await takeModel(home, out, which);
  if (json) {
    process.stdout.write(`${JSON.stringify(taken, null, 2)}\n`);
    return;
  }
  const { studyName, status, round, select, validation, heldout } = taken;
  const metric = METRIC_NAMES[select];
  process.stdout.write(`\
The study "${studyName}" is ${status}. Its ${which} model is in ${taken.out}:
${which}: ${roundText(round)}, ${metric} on validation ${validation?.toFixed(3) ?? 'undefined'}${which === 'best' ? ', which chose it' : ''}.
${headlineText(round, heldout)} All of it: results.json.

Use it: lentigo predict PHOTOGRAPH --model ${shellWord(taken.out)}
`);
}

/** @throws LENTIGO_USAGE */
function shareOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const parsed = share.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new LentigoError(
    'LENTIGO_USAGE',
    `--evaluation-share ${given}: ${parsed.error.issues[0]!.message}`,
  );
}

async function statusAction({ home, json }: { home: string; json?: boolean }): Promise<void> {
  const status = await statusOf(home);
  if (json) {
    process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
    return;
  }
  process.stdout.write(
    `Study:        ${status.studyName} (${status.study}) at ${status.coordinator}\nClinic:       ${status.name}\nFingerprint:  ${status.fingerprint}\n`,
  );
  if (status.photographs) {
    const { checked, unusable } = status.photographs;
    process.stdout.write(
      `Photographs:  ${describePhotographs(status.photographs)}\n              As of ${checked.slice(0, 16).replace('T', ' ')} UTC, when the agent last started.\n`,
    );
    if (unusable > 0)
      process.stdout.write(
        `${describeUnusable(status.photographs, status.photographs.first.length)}\n`,
      );
  }
  if (status.rounds.length === 0) {
    process.stdout.write('No update of this clinic was taken yet.\n');
    return;
  }
  const table = new Table({
    head: ['round', 'images', 'left out', 'bytes', 'norm', 'loss', 'SHA-256 of what was sent'],
    style: { head: [], border: [] },
  });
  for (const { round, samples, leftOut, bytes, norm, loss, sha256 } of status.rounds)
    table.push([round, samples, leftOut, bytes, norm.toPrecision(4), loss.toFixed(4), sha256]);
  process.stdout.write(`${table.toString()}\n`);
}
