// A simulation and an evaluation as calls of a program: objects in, objects out, nothing left
// behind.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createModel, evaluate, LABEL_SETS, openDataset, simulate } from '../../index.js';

const model = createModel({ architecture: 'nano', labels: LABEL_SETS['pad-ufes'] });
const DATA = 'synthetic:site=1&images=60&size=64';
const OPTIONS = {
  model,
  clinics: 2,
  rounds: 1,
  training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
} as const;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-api-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('simulate', () => {
  it('takes a dataset as an object, and gives the same as by its name', async () => {
    const named = await simulate({ ...OPTIONS, data: DATA });
    const given = await simulate({
      ...OPTIONS,
      data: await openDataset(DATA, { labels: model.labels, seed: 1 }),
    });
    expect(given.report.hashes).toEqual(named.report.hashes);
    expect(given.report.rounds[1]!.heldout).toEqual(named.report.rounds[1]!.heldout);
    expect(given.last.parameters.values).toEqual(named.last.parameters.values);
  });

  it('without `out` leaves nothing on disk', async () => {
    vi.stubEnv('TMPDIR', folder);
    try {
      await simulate({ ...OPTIONS, data: DATA });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('with `out` keeps all results there, and does not train again what is there', async () => {
    const out = join(folder, 'out');
    const told: number[] = [];
    const options = {
      ...OPTIONS,
      data: DATA,
      out,
      onRound: ({ round }: { round: number }) => told.push(round),
    };
    const first = await simulate(options);
    const again = await simulate(options);
    expect(told).toEqual([0, 1]);
    expect(again.report.rounds).toEqual(first.report.rounds);
    expect(await readdir(out)).toEqual(
      expect.arrayContaining(['best', 'last', 'metrics.csv', 'simulation.json']),
    );
  });

  it('names the option that is wrong', async () => {
    await expect(simulate({ ...OPTIONS, data: DATA, clinics: 0 })).rejects.toMatchObject({
      code: 'LENTIGO_SIMULATION_INVALID',
      message: expect.stringContaining('clinics') as string,
    });
  });
});

describe('evaluate', () => {
  it('measures the model that a simulation gave as the simulation did', async () => {
    const { report, last } = await simulate({ ...OPTIONS, data: DATA });
    const { metrics, predictions } = await evaluate({ model: last, data: DATA, seed: 1 });
    expect(metrics.confusion).toEqual(report.rounds.at(-1)!.heldout.confusion);
    expect(predictions.probabilities).toHaveLength(report.images.heldout);
  });
});
