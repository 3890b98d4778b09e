// `lentigo simulate` as a process: killed and resumed with the same result, its settings, and its
// output.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveModel } from '../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';
import type { SimulationReport } from '../../simulations/report.js';
import { launch, lentigo, succeed } from '../support/processes.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-simulate-'));
  await saveModel(join(folder, 'nano'), {
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
  });
});
afterAll(() => rm(folder, { recursive: true }));

const args = (out: string, ...more: string[]) => [
  'simulate',
  '--data',
  'synthetic:images=60&size=64',
  '--init',
  join(folder, 'nano'),
  '--clinics',
  '3',
  '--rounds',
  '3',
  '--alpha',
  '0.5',
  '--seed',
  '5',
  '--train-from',
  'features.3',
  '--epochs',
  '1',
  '--learning-rate',
  '0.01',
  '--baselines',
  '--out',
  join(folder, out),
  ...more,
];

/** The journal's content on disk; empty if it doesn't exist yet. */
async function progressOf(
  out: string,
): Promise<{ rounds: number; updates: number; baselines: number }> {
  const file = join(folder, out, 'state', 'journal.json');
  if (!existsSync(file)) return { rounds: 0, updates: 0, baselines: 0 };
  const { rounds, updates, baselines } = JSON.parse(await readFile(file, 'utf8')) as Record<
    'rounds' | 'updates' | 'baselines',
    unknown[]
  >;
  return { rounds: rounds.length, updates: updates.length, baselines: baselines.length };
}

const FILES = [
  'best/model.safetensors',
  'last/model.safetensors',
  'best/model.json',
  'predictions-federated.csv',
  'predictions-centralised.csv',
  'predictions-clinic-2.csv',
];

describe('lentigo simulate', () => {
  it('ends with the same result after being killed in the middle of a round, right after a round, and in the baselines', async () => {
    const undisturbed = await succeed(args('whole'));
    expect(undisturbed).toMatch(/Federated minus centralised, paired/);
    const moments: ((at: Awaited<ReturnType<typeof progressOf>>) => boolean)[] = [
      ({ rounds, updates }) => rounds === 2 && updates === 1,
      ({ rounds }) => rounds === 4,
      ({ baselines }) => baselines === 2,
    ];
    for (const reached of moments) {
      const run = launch(args('killed'));
      const ended = run.ended.then(() => true);
      while (!reached(await progressOf('killed')))
        if (await Promise.race([ended, sleep(3, false)])) break;
      expect(await run.kill('SIGKILL')).toBe('SIGKILL');
    }
    const { code, stderr } = await lentigo(args('killed'));
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('carrying on') as string,
    });
    const hash = async (out: string, file: string) =>
      createHash('sha256')
        .update(await readFile(join(folder, out, file)))
        .digest('hex');
    for (const file of FILES)
      expect(await hash('killed', file), file).toBe(await hash('whole', file));
    const csv = async (out: string) =>
      (await readFile(join(folder, out, 'metrics.csv'), 'utf8')).replaceAll(/,[^,\n]*$/gm, '');
    expect(await csv('killed')).toBe(await csv('whole'));
    const reports = await Promise.all(
      ['killed', 'whole'].map(
        async (out) =>
          JSON.parse(
            await readFile(join(folder, out, 'simulation.json'), 'utf8'),
            (key, value: unknown) => (key === 'seconds' ? 0 : value),
          ) as unknown,
      ),
    );
    expect(reports[0]).toEqual(reports[1]);
  });

  it('takes its settings from a file, flags first, and prints one JSON document', async () => {
    const file = join(folder, 'simulation.yaml');
    await writeFile(
      file,
      'data: synthetic:images=40&size=64\ninit: nano\nclinics: 2\nrounds: 5\nseed: 8\ntraining:\n  trainFrom: classifier\n  variants: 1\n',
    );
    const report = JSON.parse(
      await succeed([
        'simulate',
        file,
        '--rounds',
        '1',
        '--epochs',
        '1',
        '--encoding',
        'float32',
        '--out',
        join(folder, 'file'),
        '--json',
      ]),
    ) as SimulationReport;
    expect(report.config).toMatchObject({
      clinics: 2,
      rounds: 1,
      seed: 8,
      baselines: false,
      init: join(folder, 'nano'),
      training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
      updates: { encoding: 'float32' },
    });
    expect(report.rounds).toHaveLength(2);
    expect(report.baselines).toEqual([]);
  });

  it('names the wrong flag, or the wrong line of the file', async () => {
    const failure = async (...more: string[]) => {
      const { code, stderr } = await lentigo(['simulate', ...more, '--out', join(folder, 'wrong')]);
      expect(code).toBe(2);
      return stderr;
    };
    const data = ['--data', 'synthetic:images=40&size=64', '--init', join(folder, 'nano')];
    const bad = join(folder, 'bad.yaml');
    await writeFile(bad, 'clinics: 2\nrounds: many\ncilnics: 3\n');
    const [flag, missing, yaml, block] = await Promise.all([
      failure(...data, '--learning-rate', 'fast'),
      failure('--clinics', '2'),
      failure(bad, ...data),
      failure(...data, '--train-from', 'features.8'),
    ]);
    expect(flag).toMatch(/--learning-rate fast: must be a number[^]*LENTIGO_USAGE/);
    expect(missing).toMatch(/no data/);
    expect(yaml).toMatch(
      /bad\.yaml:2: rounds:[^]*bad\.yaml:3: cilnics: no such field[^]*LENTIGO_SIMULATION_INVALID/,
    );
    expect(block).toMatch(/nano has no block "features\.8"/);
    expect(existsSync(join(folder, 'wrong', 'state'))).toBe(false);
  });
});
