// `lentigo study …`: a study coordinator's actions, through the console API of a running
// coordinator.
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { fingerprint } from '../common/crypto/identity.js';
import { absoluteData } from '../common/dataset/open.node.js';
import { LentigoError } from '../common/errors.js';
import { decodeModel, encodeModel } from '../common/model/encoding.js';
import { loadModel, OVERWRITE, requireFree, saveModel } from '../common/model/folder.node.js';
import { StudyAction } from '../common/protocol/console.js';
import { parseStudyYaml } from '../common/protocol/study.js';
import { DEFAULT_DATA_DIR, DEFAULT_PORT } from './coordinator.js';
import { ConsoleClient } from '../coordinator/console-client.js';
import { readText } from './failure.js';
import { address, proxyOption } from './options.js';
import { studyReport } from './study-report.js';

interface Flags {
  readonly url: string;
  readonly token?: string;
  readonly dataDir: string;
  readonly json?: true;
}

export function studyCommand(): Command {
  const study = new Command('study').description('create and run studies on a running coordinator');
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
      const acted = await (await client(flags)).act(id, action);
      print(flags, acted, `Study ${acted.id} is ${acted.status}.`);
    });
  }
  add('show <id>', 'where a study stands: clinics, rounds, metrics').action(
    async (id: string, flags: Flags) => {
      const view = await (await client(flags)).study(id);
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
      const invited = await (await client(flags)).invite(id, flags.clinic, flags.hours);
      print(
        flags,
        invited,
        `Invitation for ${invited.clinic}, once, until ${invited.expires}. Send it over a channel that you trust:\n\n${invited.invitation}\n\nThere: lentigo clinic enrol INVITATION --home DIR`,
      );
    });
  add(
    'approve <id> <clinic>',
    'let an enrolled clinic take part; compare its fingerprint by telephone first',
  ).action(decide('approve'));
  add('revoke <id> <clinic>', 'withdraw a clinic from the study').action(decide('revoke'));
  add('model <id>', 'download a model of the study')
    .requiredOption('--out <dir>', 'a new folder: model.json with shards, and model.safetensors')
    .option('--last', "the last round's model instead of the best")
    .option(...OVERWRITE)
    .action(async (id: string, flags: Flags & { out: string; last?: true; overwrite?: true }) => {
      const which = flags.last ? 'last' : 'best';
      await requireFree(flags.out, flags.overwrite);
      await saveModel(flags.out, decodeModel(await (await client(flags)).model(id, which)));
      print(
        flags,
        { which, out: resolve(flags.out) },
        `The ${which} model is in ${resolve(flags.out)}.`,
      );
    });
  add('audit <id>', 'what happened, by whom, in a chain of hashes that is verified').action(
    async (id: string, flags: Flags) => {
      const audit = await (await client(flags)).audit(id);
      const lines = audit.entries.map(
        (e) =>
          `${String(e.seq).padStart(5)}  ${new Date(e.at).toISOString()}  ${e.actor.padEnd(32)}  ${e.action.padEnd(14)}  ${e.hash.slice(0, 12)}`,
      );
      print(
        flags,
        audit,
        [
          ...lines,
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
  const { id } = await console.createStudy({
    config: { ...config, evaluation: { ...config.evaluation, data: evaluation } },
    start,
  });
  print(
    flags,
    { id },
    `Study ${id} is a draft.\nNext: lentigo study invite ${id} --clinic NAME, for each clinic; then lentigo study start ${id}`,
  );
}

function decide(decision: 'approve' | 'revoke') {
  return async (id: string, clinic: string, flags: Flags): Promise<void> => {
    const decided = await (await client(flags)).decide(id, clinic.replaceAll(/\s/g, ''), decision);
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

function parseHours(text: string): number {
  const hours = Number(text);
  if (!(hours > 0 && hours <= 24 * 365))
    throw new InvalidArgumentError('hours, more than 0 and at most a year');
  return hours;
}
