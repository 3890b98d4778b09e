// Every option of every command, given values that are wrong in the way of its kind: each is refused
// as the user's mistake (exit code 2 to 5), and none is called a bug or runs without an end.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, CommanderError, type Option } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, type MockInstance, vi } from 'vitest';
import { commandFailure } from '../../commands/failure.js';
import { clinicCommand } from '../../commands/clinic.js';
import { coordinatorCommand } from '../../commands/coordinator.js';
import { datasetCommand } from '../../commands/dataset.js';
import { distillCommand } from '../../commands/distill.js';
import { doctorCommand, engineCommand } from '../../commands/engine.js';
import { evaluateCommand, predictCommand } from '../../commands/evaluate.js';
import { refuseEmpty } from '../../commands/options.js';
import { simulateCommand } from '../../commands/simulate.js';
import { studyCommand } from '../../commands/study.js';
import { weightsCommand } from '../../commands/weights.js';
import { FileStore } from '../../client/agent/files.js';
import type { Enrolment } from '../../client/participation/enrolment.js';
import { prepareIdentity } from '../../client/participation/home.js';
import { toBase64 } from '../../common/crypto/base64.js';
import { createNonce } from '../../common/crypto/enrolment.js';
import { clinicIdOf, createIdentity } from '../../common/crypto/identity.js';
import { saveModel } from '../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { proxyChoice } from '../../common/network/proxy-settings.node.js';
import { formatInvitation } from '../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { nano, temporaryFolder } from '../support/coordinator.js';

const COMMANDS: readonly (() => Command)[] = [
  clinicCommand,
  coordinatorCommand,
  datasetCommand,
  distillCommand,
  doctorCommand,
  engineCommand,
  evaluateCommand,
  predictCommand,
  simulateCommand,
  studyCommand,
  weightsCommand,
];

/** Wrong for every option that takes such a value; {} stands for a temporary folder. */
const NUMBERS = ['-1', 'abc', 'NaN', 'Infinity', '1e99', '-1e-9', '', ' ', '99999999999999999999'];
const WRONG: readonly [RegExp, readonly string[]][] = [
  [/<(n|number|a|rate|share)>/, NUMBERS],
  [/<k\/n>/, ['0/5', '6/5', '1/1', '1', '-1/5', 'a/b', '', '1/5/5']],
  [/<time>/, ['', '5', '-1h', '0s', '1y', 'NaNs', '1e9d']],
  [/<level>/, ['loud', '', '3', 'INFO', 'constructor']],
  [/<(dir|path|out)>/, ['{}/file', '{}/file/below', '/proc/nothing/here', '{}/null\0byte', '']],
  [
    /<file>/,
    ['{}/folder', '{}/file/below', '{}/none/at/all', '/proc/nothing', '{}/null\0byte', ''],
  ],
  [/--proxy/, ['socks5://x', 'http://', 'http://host:99999', 'http://u:p@ss#@', '', '://']],
  [/<url>/, ['nonsense', 'ftp://x', 'http://', 'http://host:99999', 'http://u:p@ss#@', '', '://']],
  [
    /<(name|names|columns|id|set|block)>/,
    ['', 'no such', 'x'.repeat(10_000), '../..', 'a\nb', '__proto__', 'constructor'],
  ],
  [/<address>/, ['999.1.1.1', 'no such host', '', '256.256.256.256', '[::1', '192.0.2.1']],
  [/<token>/, ['', 'no such', 'a\nb', 'ü']],
  // Free text.
  [/<text>/, []],
];

const study = '019a0000-0000-7000-8000-000000000000';
const coordinator = createIdentity();
const INVITATION = formatInvitation({
  protocol: PROTOCOL,
  url: 'http://127.0.0.1:9',
  study,
  key: toBase64(coordinator.publicKey),
  secret: createNonce(),
  expires: '2999-01-01T00:00:00Z',
  clinic: 'Clinic North',
});
const MODEL = '{}/model';
const DATA = 'synthetic:site=1&images=12&size=32';
const NOTHING = '{}/nothing';
/** What each command is given besides: all of it right, or so that it fails late and soon. */
const REST: Readonly<Record<string, readonly string[]>> = {
  coordinator: ['--port', '0', '--data-dir', '{}/file', '--insecure'],
  'study create': ['{}/study.yaml', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  study: ['ID', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  'study list': ['--url', 'http://127.0.0.1:9', '--token', 'T'],
  'study approve': ['ID', 'CLINIC', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  'study revoke': ['ID', 'CLINIC', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  'study invite': ['ID', '--clinic', 'A', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  'study model': ['ID', '--out', '{}/out', '--url', 'http://127.0.0.1:9', '--token', 'T'],
  'clinic enrol': [INVITATION, '--home', '{}/other'],
  'clinic run': ['--home', '{}/home', '--data', DATA],
  'clinic status': ['--home', '{}/home'],
  'clinic model': ['--home', '{}/home', '--out', '{}/model-of-the-clinic'],
  simulate: [
    '--data',
    NOTHING,
    '--train-from',
    'classifier',
    '--init',
    MODEL,
    '--out',
    '{}/simulation',
  ],
  'simulate summary': ['{}/none'],
  distill: ['--preset', 'trial', '--data', NOTHING, '--out', '{}/distillation'],
  'distill summary': ['{}/none'],
  evaluate: ['--model', MODEL, '--data', DATA, '--split', 'heldout'],
  predict: ['{}/picture.jpg', '--model', MODEL],
  'dataset inspect': [DATA],
  'dataset compare': [NOTHING, NOTHING, '--out', '{}/page.html', '--model', MODEL],
  'weights import': ['--from', '{}/file', '--out', '{}/imported'],
  'weights export': ['--model', MODEL, '--out', '{}/weights.safetensors'],
  doctor: ['--bench', '--data', NOTHING],
};

let folder: string;
let printed: MockInstance<typeof process.stdout.write>;
let complained: MockInstance<typeof process.stderr.write>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder, 'folder'));
  await writeFile(join(folder, 'file'), 'not what you think');
  await saveModel(join(folder, 'model'), nano());
  await writeFile(join(folder, 'study.yaml'), 'name: Study\n');
  const home = new FileStore(join(folder, 'home'));
  await mkdir(join(folder, 'home'));
  const { publicKey } = await prepareIdentity(home, study, 'home');
  const enrolment: Enrolment = {
    url: 'http://127.0.0.1:9',
    study,
    studyName: 'Study',
    labels: PAD_UFES_LABELS,
    key: toBase64(coordinator.publicKey),
    clinic: await clinicIdOf(publicKey),
    name: 'Clinic',
  };
  await writeFile(join(folder, 'home', 'enrolment.json'), JSON.stringify(enrolment));
  printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  complained = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command in this process. @returns what it ended with, as cli.ts reports it */
async function outcome(make: () => Command, args: readonly string[]): Promise<string> {
  const command = make();
  const quiet = (c: Command) => {
    c.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    c.commands.forEach(quiet);
  };
  quiet(command);
  command.hook('preAction', (_, action) => {
    refuseEmpty(action);
    proxyChoice({}, action.opts<{ proxy?: string }>().proxy);
  });
  try {
    await command.parseAsync(
      args.map((arg) => arg.replaceAll('{}', folder)),
      { from: 'user' },
    );
    return 'done';
  } catch (thrown) {
    if (thrown instanceof CommanderError) return `usage: ${thrown.message}`;
    const { code, message } = commandFailure(thrown);
    return `${code}: ${message}`;
  }
}

const leaves = (command: Command, before: readonly string[] = []): [string[], Command][] => [
  ...(command.commands.length === 0 || command.registeredArguments.length > 0 || before.length === 0
    ? [[[...before, command.name()], command] as [string[], Command]]
    : []),
  ...command.commands.flatMap((c) => leaves(c, [...before, command.name()])),
];

const wrongOf = (option: Option): readonly string[] =>
  option.argChoices
    ? ['', 'no such', 'constructor']
    : WRONG.find(([kind]) => kind.test(option.flags))![1];

const cases = COMMANDS.flatMap((make) =>
  leaves(make()).flatMap(([path, command]) => {
    const rest = REST[path.join(' ')] ?? REST[path[0]!];
    if (!rest) return [];
    return command.options
      .filter((o) => o.required || o.optional)
      .map((option) => ({ make, path, option, rest, what: `${path.join(' ')} ${option.flags}` }));
  }),
);

describe('a wrong value is never called a bug', () => {
  it.each(cases)(
    '$what',
    async ({ make, path, option, rest }) => {
      for (const value of wrongOf(option)) {
        const at = rest.indexOf(option.long!);
        const others = at < 0 ? rest : rest.toSpliced(at, 2);
        const ended = await outcome(make, [...path.slice(1), ...others, `${option.long}=${value}`]);
        expect(ended, value).not.toContain('LENTIGO_INTERNAL');
        // Free text can be right.
        if (!/<(name|names|token)>/.test(option.flags)) expect(ended, value).not.toBe('done');
      }
    },
    20_000,
  );
});

const T = ['--url', 'http://127.0.0.1:9', '--token', 'T'];
const NO_NETWORK = ['--url', 'http://127.0.0.1:9', '--token', 'secret\nvalue'];

describe('what went wrong is named, with a remedy that fits', () => {
  it.each<[() => Command, string[], RegExp]>([
    [studyCommand, ['create', '{}/none.yaml', ...T], /^LENTIGO_PATH: .*none.yaml.* does not exist/],
    [studyCommand, ['create', '{}/folder', ...T], /^LENTIGO_PATH: .*it is a folder, and a file is/],
    [studyCommand, ['list', '--url', 'nonsense'], /^LENTIGO_USAGE: nonsense is no http or https/],
    [studyCommand, ['list', ...NO_NETWORK], /^LENTIGO_ADMIN_TOKEN: (?!.*secret)/],
    [coordinatorCommand, ['--tls-cert', 'c.pem'], /^LENTIGO_USAGE: --tls-cert was given alone/],
    [
      coordinatorCommand,
      ['--data-dir', '{}/tls', '--tls-cert', '{}/none.pem', '--tls-key', '{}/file'],
      /^LENTIGO_PATH: .*none.pem .*does not exist/,
    ],
    [
      weightsCommand,
      ['import', '--from', '{}/none.safetensors', '--out', '{}/imported'],
      /^LENTIGO_PATH: .*none.safetensors .*does not exist/,
    ],
    [
      weightsCommand,
      ['export', '--model', MODEL, '--out', '{}/none/w.safetensors'],
      /^LENTIGO_PATH: .*\/none\/w.safetensors can.* does not exist/,
    ],
    [
      evaluateCommand,
      ['--model', '{}/none', '--data', DATA, '--split', 'heldout', '--card', '{}/none/card.md'],
      /^LENTIGO_PATH: .*none can.* does not exist/,
    ],
    [
      datasetCommand,
      ['compare', NOTHING, NOTHING, '--out', '{}/none/page.html'],
      /^LENTIGO_PATH: .*none can.* does not exist/,
    ],
    [
      predictCommand,
      ['{}/file', '--model', MODEL, '--heatmap', '{}/file'],
      /^LENTIGO_PATH: .*file can.*a file stands where a folder/,
    ],
    [
      clinicCommand,
      ['enrol', 'lentigo-invite-foo', '--home', '{}/new'],
      /^LENTIGO_INVITATION_INVALID: .*not a whole/,
    ],
    [
      studyCommand,
      ['list', '--url', 'http://127.0.0.1:9', '--data-dir', '{}/none'],
      /^LENTIGO_ADMIN_TOKEN: /,
    ],
    [coordinatorCommand, ['--log-level', 'loud'], /^usage: .*trace, debug, info, warn, error/],
    [coordinatorCommand, ['--data-dir', '{}/file'], /^LENTIGO_PATH: .*file stands where a folder/],
    [coordinatorCommand, ['--data-dir', '/proc/x'], /^LENTIGO_PATH: \/proc\/x/],
    [coordinatorCommand, ['--data-dir', ''], /^LENTIGO_USAGE: --data-dir was given nothing/],
    [predictCommand, ['{}/none.jpg', '--model', MODEL], /^LENTIGO_PATH: .*none.jpg.* not exist/],
    [predictCommand, ['{}/folder', '--model', MODEL], /^LENTIGO_DATA_EMPTY: .*without an image/],
    [simulateCommand, ['{}/none.yaml', '--out', '{}/out'], /^LENTIGO_PATH: .*none.yaml/],
    [
      simulateCommand,
      ['--data', DATA, '--init', MODEL, '--train-from', 'features.9', '--out', '{}/s'],
      /^LENTIGO_SIMULATION_INVALID: training.trainFrom: nano has no block "features.9"/,
    ],
  ])('%o %j', async (make, args, says) => {
    expect(await outcome(make, args)).toMatch(says);
  });
});

it('a folder is predicted image by image, in the order of their names', async () => {
  const pictures = join(folder, 'pictures');
  await mkdir(pictures);
  for (const name of ['b.png', 'a.jpg', '.hidden.png', 'notes.txt'])
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a55' } })
      .toFormat(name.endsWith('.jpg') ? 'jpeg' : 'png')
      .toFile(join(pictures, name));
  printed.mockClear();
  expect(await outcome(predictCommand, [pictures, '--model', MODEL, '--json'])).toBe('done');
  const { predictions } = JSON.parse(String(printed.mock.calls.at(-1)![0])) as {
    predictions: { image: string }[];
  };
  expect(predictions.map(({ image }) => image)).toEqual(
    ['a.jpg', 'b.png'].map((name) => join(pictures, name)),
  );
});

describe('predict goes on after a picture that is no good', () => {
  let pictures: string;
  let good: string;
  const images = () =>
    (
      JSON.parse(String(printed.mock.calls.at(-1)![0])) as { predictions: { image: string }[] }
    ).predictions.map(({ image }) => image);
  const said = () => complained.mock.calls.map(([text]) => String(text)).join('');
  beforeAll(async () => {
    pictures = join(folder, 'mixed');
    await mkdir(join(pictures, 'visit 2', 'deep'), { recursive: true });
    await mkdir(join(pictures, '.thumbnails'));
    good = join(pictures, 'visit 2', 'deep', 'good.jpg');
    const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a55' } })
      .jpeg()
      .toBuffer();
    await writeFile(good, jpeg);
    await writeFile(join(pictures, '.thumbnails', 'small.jpg'), jpeg);
    await writeFile(join(pictures, 'cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
    await writeFile(join(pictures, 'scan.tiff'), 'II*\0');
    await symlink(join(pictures, 'gone.jpg'), join(pictures, 'link.jpg'));
  });
  it('of a folder: those below it are predicted, the bad ones named', async () => {
    expect(await outcome(predictCommand, [pictures, '--model', MODEL, '--json'])).toBe('done');
    expect(images()).toEqual([good]);
    for (const name of ['cut.jpg', 'scan.tiff', 'link.jpg'])
      expect(said()).toMatch(new RegExp(`left out: .*${name}`));
  });
  it('named: the others are predicted, and it is an error in the end', async () => {
    const cut = join(pictures, 'cut.jpg');
    const none = join(pictures, 'none.jpg');
    for (const bad of [cut, none]) {
      printed.mockClear();
      expect(await outcome(predictCommand, [bad, good, '--model', MODEL, '--json'])).toMatch(
        bad === cut ? /^LENTIGO_DATA_IMAGE_UNREADABLE: .*cut.jpg/ : /^LENTIGO_DATA_IMAGE_MISSING: /,
      );
      expect(images()).toEqual([good]);
    }
  });
  it('a folder of which nothing can be read is an error', async () => {
    const bad = join(folder, 'all bad');
    await mkdir(bad);
    await writeFile(join(bad, 'a.jpg'), '');
    printed.mockClear();
    expect(await outcome(predictCommand, [bad, '--model', MODEL])).toMatch(
      /^LENTIGO_DATA_EMPTY: .*no image can be read/,
    );
    expect(printed).not.toHaveBeenCalled();
  });
});
