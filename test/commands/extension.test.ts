// --extension: what a module of somebody else registers is known by name in every command, and in
// the threads and processes that it starts.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inspection } from '../../common/dataset/inspect.js';
import { decodeState } from '../../common/federation/strategy-state.js';
import { saveModel } from '../../common/model/folder.node.js';
import { BINARY_LABELS } from '../../common/model/labels.js';
import { initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';
import type { SimulationReport } from '../../simulations/report.js';
import '../support/extension.js';
import { lentigo, succeed } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';

const EXTENSION = join(PACKAGE_ROOT, 'dist', 'test', 'support', 'extension.js');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-extension-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('an extension', () => {
  it("'s dataset is opened by the table of its folder, or by its name", async () => {
    const drawer = join(folder, 'drawer');
    await mkdir(drawer);
    const rows = [0, 1, 2].map((i) => `${i}.png,person ${i},${i === 0 ? 'malignant' : 'benign'}`);
    await writeFile(join(drawer, 'drawer.csv'), `picture,person,finding\n${rows.join('\n')}\n`);
    const grey = { create: { width: 8, height: 8, channels: 3, background: 'grey' } } as const;
    for (const i of [0, 1, 2])
      await sharp(grey)
        .png()
        .toFile(join(drawer, `${i}.png`));
    const inspect = async (data: string) =>
      JSON.parse(
        await succeed(['--extension', EXTENSION, 'dataset', 'inspect', data, '--json']),
      ) as Inspection;
    expect((await inspect(drawer)).byClass).toEqual({ benign: 2, malignant: 1 });
    expect((await inspect('grey:4')).byClass).toEqual({ benign: 4 });
  });

  it("'s architecture and encoding are those of a simulation, threads included", async () => {
    await saveModel(join(folder, 'start'), {
      architecture: 'thimble',
      labels: BINARY_LABELS,
      parameters: initialParameters('thimble', BINARY_LABELS, new Random(1)),
    });
    const printed = await succeed([
      'simulate',
      '--extension',
      EXTENSION,
      '--init',
      join(folder, 'start'),
      '--encoding',
      'plain32',
      '--data',
      'synthetic:images=40&size=32',
      '--clinics',
      '2',
      '--rounds',
      '1',
      '--train-from',
      'stem',
      '--epochs',
      '1',
      '--out',
      join(folder, 'out'),
      '--json',
    ]);
    const report = JSON.parse(printed) as SimulationReport;
    expect(report.config.updates.encoding).toBe('plain32');
    expect(report.rounds.map(({ round }) => round)).toEqual([0, 1]);
  });

  it("'s strategy is that of simulation.yaml, with its settings, and its state is kept between rounds", async () => {
    const file = join(folder, 'simulation.yaml');
    await writeFile(
      file,
      [
        'data: synthetic:images=40&size=32',
        'init: start',
        'clinics: 2',
        'rounds: 2',
        'strategy: { name: part-of-the-way, rate: 0.5 }',
        'training: { trainFrom: stem, epochs: 1 }',
      ].join('\n'),
    );
    const out = join(folder, 'strategy');
    const simulate = ['simulate', '--extension', EXTENSION, file, '--out', out, '--json'];
    const report = JSON.parse(await succeed(simulate)) as SimulationReport;
    expect(report.config.strategy).toEqual({ name: 'part-of-the-way', rate: 0.5 });
    const state = decodeState(await readFile(join(out, 'state', 'round-2.strategy.safetensors')));
    expect(state).toEqual({ steps: Float32Array.of(2) });
  });

  it("'s names are unknown without it, and the answer lists what there is", async () => {
    const unknown = await lentigo(['dataset', 'inspect', 'grey:4']);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(
        /no dataset is called "grey".*synthetic:site=1[^]*LENTIGO_DATASET_UNKNOWN/,
      ),
    ]);
    const encoding = await lentigo(
      ['simulate', '--data', 'synthetic:images=40', '--encoding', 'plain32', '--out'].concat(
        join(folder, 'unknown'),
      ),
    );
    expect([encoding.code, encoding.stderr]).toEqual([
      2,
      expect.stringContaining('unknown encoding "plain32": it is one of int8, float32'),
    ]);
  });

  it('that can not be imported is named', async () => {
    for (const text of [undefined, 'throw new Error("broken inside")']) {
      const file = join(folder, 'broken.mjs');
      if (text !== undefined) await writeFile(file, text);
      const { code, stderr } = await lentigo(['doctor', '--extension', file]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(
          text === undefined
            ? /broken\.mjs can't be loaded[^]*LENTIGO_EXTENSION_INVALID/
            : /broken inside\n  LENTIGO_EXTENSION_INVALID/,
        ),
      ]);
    }
  });
});
