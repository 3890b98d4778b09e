// A whole study through the `lentigo` command alone, with every part in its own process; and no
// secret in their output, at any log level.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../common/dataset/open.node.js';
import { loadModel } from '../../common/model/folder.node.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { StudyView } from '../../common/protocol/console.js';
import { dataDirectory, nano, temporaryFolder } from '../support/coordinator.js';
import {
  type Finished,
  launch,
  launchCoordinator,
  lentigo,
  type Running,
  succeed,
} from '../support/processes.js';
import { writeStudy } from '../support/study-files.js';

let folder: string;
let dataDir: string;
let coordinator: Running & { readonly url: string };
let env: Record<string, string>;
/** Everything that any process printed. */
const said: string[] = [];
const say = async (args: readonly string[]): Promise<string> => {
  const text = await succeed(args, { env });
  said.push(text);
  return text;
};
const json = async <T>(args: readonly string[]): Promise<T> =>
  JSON.parse(await succeed([...args, '--json'], { env })) as T;

beforeAll(async () => {
  [folder, dataDir] = [await temporaryFolder(), await dataDirectory()];
  coordinator = await launchCoordinator(dataDir, ['--log-level', 'trace']);
  env = { LENTIGO_URL: coordinator.url, LENTIGO_DATA_DIR: dataDir };
});
afterAll(async () => {
  await coordinator.kill('SIGTERM');
  await Promise.all([folder, dataDir].map((f) => rm(f, { recursive: true })));
});

describe('a study of two clinics and two rounds', () => {
  const clinics = ['North', 'South'];
  const home = (name: string) => join(folder, name);
  let id: string;
  const secrets = new Map<string, string>();
  const agents: Running[] = [];

  it('is created, its clinics invited, enrolled and approved by their fingerprints', async () => {
    id = (await json<{ id: string }>(['study', 'create', await writeStudy(folder)])).id;
    expect(await say(['study', 'list'])).toMatch(
      new RegExp(`${id}\\s+draft\\s+round 0/2\\s+Test study`),
    );
    for (const name of clinics) {
      const { invitation } = await json<{ invitation: string }>([
        'study',
        'invite',
        id,
        '--clinic',
        name,
      ]);
      secrets.set(`invitation of ${name}`, parseInvitation(invitation).secret);
      const enrolled = await say([
        'clinic',
        'enrol',
        invitation,
        '--home',
        home(name),
        '--name',
        name,
      ]);
      const fingerprint = enrolled.match(/^ {4}((?:[0-9a-f]{4} ){7}[0-9a-f]{4})$/m)![1]!;
      expect(enrolled).toContain('Never leaves it');
      if (name === 'North') {
        expect((await lentigo(['clinic', 'enrol', invitation, '--home', home('Third')])).code).toBe(
          3,
        ); // used
        await rm(home('Third'), { recursive: true });
      }
      expect(await say(['study', 'approve', id, fingerprint])).toMatch(
        `${name} (${fingerprint}) is approved`,
      );
    }
  });

  it('runs to its end, and then the agents exit', async () => {
    for (const [i, name] of clinics.entries()) {
      agents.push(
        launch([
          'clinic',
          'run',
          '--home',
          home(name),
          '--data',
          `synthetic:site=${i + 1}&images=12&seed=${i + 1}&size=64&split=train`,
          '--json',
        ]),
      );
    }
    expect(await say(['study', 'start', id])).toBe(`Study ${id} is running.\n`);
    expect(await Promise.all(agents.map((a) => a.ended))).toEqual([0, 0]);
    for (const agent of agents) {
      expect(agent.lines.at(-1)).toMatchObject({ event: 'done', status: 'completed' });
      expect(agent.lines.filter((l) => l['event'] === 'receipt').map((l) => l['round'])).toEqual([
        1, 2,
      ]);
      expect(agent.lines.filter((l) => l['event'] === 'error')).toEqual([]);
    }
  });

  it('is shown with a row per round, every update counted once, and its whole audit chain', async () => {
    const shown = await say(['study', 'show', id]);
    expect(shown).toMatch(/completed: all 2 rounds are done; 2 of 2 rounds/);
    const rows = shown.split('\n').filter((line) => /^\d+( \*)? /.test(line));
    expect(rows.map((row) => row[0])).toEqual(['0', '1', '2']);
    for (const row of rows.slice(1)) expect(row).toMatch(/ 2\/2 +24 /); // clinics and samples
    expect(rows.filter((row) => /^\d+ \*/.test(row))).toHaveLength(1);
    expect(shown).toMatch(/Held-out result of round \d, \d+ images/);

    const view = StudyView.parse(await json(['study', 'show', id]));
    expect(view.rounds.map((r) => [r.number, r.phase, r.updates.length])).toEqual([
      [0, 'closed', 0],
      [1, 'closed', 2],
      [2, 'closed', 2],
    ]);
    expect(view.evaluations).toHaveLength(3);
    // The rounds changed the model.
    expect(view.evaluations[1]!.validation).not.toEqual(view.evaluations[0]!.validation);
    expect(await say(['study', 'audit', id])).toMatch(/The chain of \d+ entries is whole\.\n$/);
    const { entries } = await json<{
      entries: { actor: string; action: string; detail: { round: number } }[];
    }>(['study', 'audit', id]);
    expect(
      entries
        .filter((e) => e.action === 'update')
        .map((e) => `${e.detail.round} ${e.actor}`)
        .toSorted(),
    ).toEqual([1, 2].flatMap((n) => view.clinics.map((c) => `${n} ${c.id}`)).toSorted());
  });

  it('gives its clinics their receipts', async () => {
    const status = await json<{
      name: string;
      rounds: { round: number; sha256: string; samples: number }[];
    }>(['clinic', 'status', '--home', home('North')]);
    expect(status).toMatchObject({
      name: 'North',
      rounds: [
        { round: 1, samples: 12 },
        { round: 2, samples: 12 },
      ],
    });
    const view = StudyView.parse(await json(['study', 'show', id]));
    for (const { round, sha256 } of status.rounds)
      expect(view.rounds.find((r) => r.number === round)!.updates.map((u) => u.sha256)).toContain(
        sha256,
      );
    expect(await say(['clinic', 'status', '--home', home('South')])).toContain('Fingerprint:');
  });

  it('provides models that load and predict', async () => {
    const [best, last] = [join(folder, 'best'), join(folder, 'last')];
    await say(['study', 'model', id, '--out', best]);
    await say(['study', 'model', id, '--out', last, '--last']);
    const model = await loadModel(last);
    const changed = model.parameters.specs
      .filter(
        ({ name }) =>
          !Buffer.from(model.parameters.get(name).slice().buffer).equals(
            Buffer.from(nano().parameters.get(name).slice().buffer),
          ),
      )
      .map((s) => s.name);
    expect(changed.length).toBeGreaterThan(0);
    // The blocks before trainFrom are unchanged.
    for (const name of changed) expect(name).toMatch(/^(features\.[3-9]|classifier)/);

    const { data, width, height } = await (
      await openDataset('synthetic:site=1&images=1&size=64')
    ).samples[0]!.load();
    const picture = join(folder, 'picture.png');
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(picture);
    const predicted = JSON.stringify(await json(['predict', '--model', best, picture]));
    for (const label of ['ACK', 'BCC', 'MEL', 'NEV', 'SCC', 'SEK'])
      expect(predicted).toContain(label);
  });

  it('prints no secret from any of its processes, at the log level trace', async () => {
    secrets.set('admin token', (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim());
    secrets.set('study key', (await readFile(join(dataDir, 'keys', id), 'utf8')).trim());
    secrets.set('ticket key', (await readFile(join(dataDir, 'keys', 'tickets'), 'utf8')).trim());
    for (const name of clinics)
      secrets.set(
        `key of ${name}`,
        (
          JSON.parse(await readFile(join(home(name), 'identity.json'), 'utf8')) as {
            secretKey: string;
          }
        ).secretKey,
      );
    const printed = [
      coordinator.stdout(),
      coordinator.stderr(),
      ...agents.flatMap((a) => [a.stdout(), a.stderr()]),
      ...said,
    ].join('\n');
    expect(printed.length).toBeGreaterThan(5000);
    expect(printed).toContain(id);
    for (const [name, secret] of secrets) {
      expect(secret.length, name).toBeGreaterThan(40);
      const bytes = Buffer.from(secret, 'base64');
      // The whole secret in any notation, and the secret half of a signing key.
      const forms = [
        secret,
        bytes.toString('hex'),
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.subarray(0, 30).toString('base64'),
        bytes.subarray(0, 30).toString('base64url'),
        bytes.subarray(0, 32).join(','),
      ];
      for (const form of forms) expect(printed.includes(form), name).toBe(false);
    }
    expect(printed).not.toMatch(/Bearer /);
  });
});

describe('what is refused', () => {
  const run = (...args: string[]): Promise<Finished> => lentigo(args, { env });
  it('names the line and the field of a mistake in study.yaml, and creates nothing', async () => {
    const before = await run('study', 'list');
    const file = await writeStudy(join(folder, 'wrong'), {
      rounds: 0,
      training: { trainFrom: 'features.3', learningrate: 1 },
    });
    const lines = (await readFile(file, 'utf8')).split('\n');
    const at = (field: string) => `study.yaml:${lines.findIndex((l) => l.includes(field)) + 1}: `;
    const { code, stderr, stdout } = await run('study', 'create', file);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${at('rounds:')}rounds: `);
    expect(stderr).toContain('training.learningrate: no such field');
    expect(stderr).toContain('LENTIGO_STUDY_INVALID: ');
    expect(await run('study', 'list')).toEqual(before);
  });
  it('is reported when the token is wrong: exit code 3', async () => {
    const { code, stderr } = await run('study', 'list', '--token', 'wrong');
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/LENTIGO_ADMIN_TOKEN: .*--token or LENTIGO_TOKEN/),
    ]);
  });
});
