// `lentigo study …`: a study coordinator's actions, through the console API of a running
// coordinator.
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { fingerprint } from '../common/crypto/identity.js';
import { absoluteData } from '../common/dataset/open.node.js';
import { LentigoError } from '../common/errors.js';
import { decodeModel, encodeModel } from '../common/model/encoding.js';
import { loadModel, OVERWRITE, requireFree, saveModel } from '../common/model/folder.node.js';
import { ChangeStudy, StudyAction } from '../common/protocol/console.js';
import { parseStudyYaml } from '../common/protocol/study.js';
import { DEFAULT_DATA_DIR, DEFAULT_PORT } from './coordinator.js';
import { ConsoleClient } from '../coordinator/console-client.js';
import { readText } from './failure.js';
import { clinicNamed, studyNamed } from './named.js';
import { address, proxyOption } from './options.js';
import { auditLines } from './study-audit.js';
import { studyReport } from './study-report.js';

interface Flags {
  readonly url: string;
  readonly token?: string;
  readonly dataDir: string;
  readonly json?: true;
}

export function studyCommand(): Command {
  const study = new Command('study')
    .summary('create, run and look at its studies')
    .description(
      'create, run and look at the studies of a running coordinator. A study is named by its ID, the beginning of it, or its name; a clinic by its fingerprint, the beginning of it, or its name',
    );
  const add = (usage: string, description: string) =>
    study
      .command(usage)
      .description(description)
      .option(
        '--url <url>',
        'the coordinator',
        address,
        process.env['LENTIGO_URL'] ?? `http://127.0.0.1:${DEFAULT_PORT}`,
      )
      .option('--token <token>', 'admin token; by default LENTIGO_TOKEN, or read from --data-dir')
      .option(
        '--data-dir <dir>',
        "the coordinator's data directory, where it is on this machine",
        process.env['LENTIGO_DATA_DIR'] ?? DEFAULT_DATA_DIR,
      )
      .addOption(proxyOption())
      .option('--json', 'print JSON');

  add('create <study.yaml>', 'create a study, as a draft').action(create);
  for (const action of StudyAction.options) {
    add(`${action} <id>`, ACTIONS[action]).action(async (id: string, flags: Flags) => {
      const console = await client(flags);
      const acted = await console.act(await studyNamed(console, id), action);
      print(flags, acted, `Study ${acted.id} is ${acted.status}.`);
    });
  }
  add('show <id>', 'where a study stands: clinics, rounds, metrics').action(
    async (id: string, flags: Flags) => {
      const console = await client(flags);
      const view = await console.study(await studyNamed(console, id));
      print(flags, view, studyReport(view));
    },
  );
  add('list', 'all studies of this coordinator').action(async (flags: Flags) => {
    const studies = await (await client(flags)).studies();
    print(
      flags,
      studies,
      studies
        .map((s) => `${s.id}  ${s.status.padEnd(9)}  round ${s.completed}/${s.rounds}  ${s.name}`)
        .join('\n') || 'No studies yet: lentigo study create study.yaml',
    );
  });
  add('invite <id>', 'a one-time invitation for a clinic')
    .requiredOption('--clinic <name>', 'whom it is for')
    .option('--hours <number>', 'how long it is good for', parseHours, 24 * 7)
    .action(async (id: string, flags: Flags & { clinic: string; hours: number }) => {
      const console = await client(flags);
      const invited = await console.invite(
        await studyNamed(console, id),
        flags.clinic,
        flags.hours,
      );
      print(
        flags,
        invited,
        `Invitation for ${invited.clinic}, once, until ${invited.expires}. Send it over a channel that you trust:\n\n${invited.invitation}\n\nThere: lentigo clinic enrol INVITATION --home DIR`,
      );
    });
  add(
    'change <id>',
    'change a study that is paused or completed; a round that is open keeps its terms',
  )
    .option('--deadline <time>', 'how long a round may take, such as 90s, 30m, 2h or 1d', parseTime)
    .option('--quorum <number>', 'how many updates a round needs', parseCount)
    .option('--rounds <number>', 'how many rounds to run in all', parseCount)
    .action(change);
  add(
    'approve <id> <clinic...>',
    'let an enrolled clinic take part; compare its fingerprint by telephone first',
  ).action(decide('approve'));
  add('revoke <id> <clinic...>', 'withdraw a clinic from the study').action(decide('revoke'));
  add('model <id>', 'download a model of the study')
    .requiredOption('--out <dir>', 'a new folder: model.json with shards, and model.safetensors')
    .option('--last', "the last round's model instead of the best")
    .option(...OVERWRITE)
    .action(async (id: string, flags: Flags & { out: string; last?: true; overwrite?: true }) => {
      const which = flags.last ? 'last' : 'best';
      await requireFree(flags.out, flags.overwrite);
      const console = await client(flags);
      const model = await console.model(await studyNamed(console, id), which);
      await saveModel(flags.out, decodeModel(model));
      print(
        flags,
        { which, out: resolve(flags.out) },
        `The ${which} model is in ${resolve(flags.out)}.`,
      );
    });
  add('audit <id>', 'what happened, by whom, in a chain of hashes that is verified').action(
    async (id: string, flags: Flags) => {
      const console = await client(flags);
      const found = await studyNamed(console, id);
      const [audit, { clinics }] = [await console.audit(found), await console.study(found)];
      print(
        flags,
        audit,
        [
          ...auditLines(audit.entries, clinics),
          audit.chain.ok
            ? `The chain of ${audit.chain.entries} entries is whole.`
            : `The chain is BROKEN at entry ${audit.chain.brokenAt}.`,
        ].join('\n'),
      );
    },
  );
  return study;
}

const ACTIONS: Record<StudyAction, string> = {
  start: 'start a draft',
  pause: 'begin no new round; one that is open finishes',
  resume: 'go on after a pause',
  stop: 'end a study for good; its models stay',
};

async function create(file: string, flags: Flags): Promise<void> {
  const config = parseStudyYaml(await readText(file), file);
  const folder = dirname(resolve(file));
  const evaluation = absoluteData(config.evaluation.data, folder);
  const console = await client(flags);
  const start = await console.uploadModel(
    encodeModel(await loadModel(resolve(folder, config.model))),
  );
  const { remarks } = await console.inspect(evaluation, config.seed);
  for (const remark of remarks) process.stderr.write(`evaluation data: ${remark}\n`);
  const { id } = await console.createStudy({
    config: { ...config, evaluation: { ...config.evaluation, data: evaluation } },
    start,
  });
  print(
    flags,
    { id },
    `Study ${id} is a draft.\nNext: lentigo study invite ${id} --clinic NAME, for each clinic; lentigo study approve ${id} NAME, once it has enrolled and read you its fingerprint; then lentigo study start ${id}`,
  );
}

interface Changes extends Flags {
  readonly deadline?: number;
  readonly quorum?: number;
  readonly rounds?: number;
}

async function change(id: string, flags: Changes): Promise<void> {
  const { deadline: deadlineSeconds, quorum, rounds } = flags;
  const wanted = ChangeStudy.safeParse({ deadlineSeconds, quorum, rounds });
  if (!wanted.success)
    throw new LentigoError(
      'LENTIGO_USAGE',
      deadlineSeconds === undefined && quorum === undefined && rounds === undefined
        ? 'Say what is to change: --deadline, --quorum or --rounds.'
        : `A study can't be changed so: ${z.prettifyError(wanted.error)}`,
    );
  const console = await client(flags);
  const changed = await console.change(await studyNamed(console, id), wanted.data);
  print(
    flags,
    changed,
    `Study ${changed.id} is changed, and ${changed.status}.${changed.status === 'paused' ? `\nNext: lentigo study resume ${changed.id} (clinics that ended with the study: lentigo clinic run, once more)` : ''}`,
  );
}

function decide(decision: 'approve' | 'revoke') {
  return async (id: string, words: string[], flags: Flags): Promise<void> => {
    const console = await client(flags);
    const study = await studyNamed(console, id);
    const clinic = await clinicNamed(console, study, words);
    const decided = await console.decide(study, clinic, decision);
    print(flags, decided, `${decided.name} (${fingerprint(decided.id)}) is ${decided.state}.`);
  };
}

async function client({ url, token, dataDir }: Flags): Promise<ConsoleClient> {
  const given = token ?? process.env['LENTIGO_TOKEN'];
  if (given) return new ConsoleClient(address(url), checked(given));
  const file = join(dataDir, 'admin-token');
  if (!(await stat(file).catch(() => null)))
    throw new LentigoError(
      'LENTIGO_ADMIN_TOKEN',
      `No admin token was given, and there is no ${resolve(file)}.`,
    );
  return new ConsoleClient(address(url), checked((await readText(file)).trim()));
}

/** A header can't carry every character; the error must not repeat them. */
function checked(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new LentigoError('LENTIGO_ADMIN_TOKEN', 'What was given is no admin token.');
  return token;
}

function print(flags: Flags, value: unknown, text: string): void {
  process.stdout.write(`${flags.json ? JSON.stringify(value, null, 2) : text}\n`);
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** "2h" → 7200. */
function parseTime(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined)
    throw new InvalidArgumentError('a number with its unit: 90s, 30m, 2h or 1d');
  return Math.round(Number(number) * SECONDS[unit as keyof typeof SECONDS]);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('a whole number, 1 or more');
  return Number(text);
}

function parseHours(text: string): number {
  const hours = Number(text);
  if (!(hours > 0 && hours <= 24 * 365))
    throw new InvalidArgumentError('hours, more than 0 and at most a year');
  return hours;
}
