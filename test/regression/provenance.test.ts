// A model says where it comes from: the study, simulation or distillation, its data, its release. A
// simulation warns when its images are what the starting model was made from, and no command writes
// over a model unasked.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateCommand } from '../../commands/evaluate.js';
import { studyCommand } from '../../commands/study.js';
import { weightsCommand } from '../../commands/weights.js';
import { decodeModel, encodeModel } from '../../common/model/encoding.js';
import { loadModel, saveModel, SHIPPED_MODEL } from '../../common/model/folder.node.js';
import { type DataUsed, overlaps, type Provenance } from '../../common/model/provenance.js';
import { VERSION } from '../../common/version.js';
import { SimulationConfig } from '../../simulations/config.js';
import { simulate } from '../../simulations/simulate.js';
import {
  createStudy,
  nano,
  runCoordinator,
  studyUntil,
  temporaryFolder,
} from '../support/coordinator.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  await saveModel(join(folder, 'start'), nano());
});
afterAll(() => rm(folder, { recursive: true }));

const SITE_0 = 'synthetic:images=30&size=64';
async function simulated(name: string, init: string, data: string): Promise<string[]> {
  const warnings: string[] = [];
  await simulate(
    SimulationConfig.parse({
      data,
      init,
      clinics: 2,
      rounds: 1,
      training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
    }),
    join(folder, name),
    { onWarning: (message) => warnings.push(message) },
  );
  return warnings;
}

describe("a simulation's model", () => {
  it('says how it was made, in model.safetensors and in model.json, and so does its card', async () => {
    expect(await simulated('first', join(folder, 'start'), SITE_0)).toEqual([]);
    const best = join(folder, 'first', 'best');
    const { provenance } = await loadModel(best);
    expect(provenance).toMatchObject({
      kind: 'simulation',
      software: VERSION,
      round: 1,
      chosen: 'the best by validation (balancedAccuracy), round 1',
      start: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      settings: { clinics: 2, rounds: 1, strategy: { name: 'fedavg' } },
      data: [
        {
          name: 'synthetic lesions',
          source: 'synthetic:site=0&images=30&seed=0',
          use: 'training and evaluation',
          licence: 'Apache-2.0',
        },
      ],
    });
    const card = join(folder, 'CARD.md');
    await evaluateCommand().parseAsync(
      ['--model', best, '--data', SITE_0, '--split', 'heldout', '--card', card, '--json'],
      { from: 'user' },
    );
    const text = await readFile(card, 'utf8');
    expect(text).toContain('By a simulation of a federated study');
    expect(text).toContain(provenance!.start);
    await rm(join(best, 'model.safetensors'));
    expect((await loadModel(best)).provenance).toEqual(provenance);
    // A file of another release, with something else there, is read without.
    const foreign = encodeModel({ ...nano(), provenance: { kind: 'x' } as unknown as Provenance });
    expect(decodeModel(foreign).provenance).toBeUndefined();
  });

  it('begins with a warning where the starting model was made from such images', async () => {
    const made = join(folder, 'first', 'last');
    expect(await simulated('same', made, SITE_0)).toEqual([
      expect.stringMatching(/made from these very images/),
    ]);
    expect(await simulated('site', made, 'synthetic:site=2,0&images=30&size=64&seed=8')).toEqual([
      expect.stringMatching(/made from synthetic lesions of site 0, too/),
    ]);
    expect(await simulated('other', made, 'synthetic:site=2&images=30&size=64')).toEqual([]);
    // What a model began from is remembered by those after it.
    expect((await loadModel(join(folder, 'other', 'last'))).provenance!.data).toHaveLength(2);
  });

  it('is told of photographs by archive, and the shipped model knows its own lesions', async () => {
    const { provenance } = await loadModel(SHIPPED_MODEL);
    const data = (change: Partial<DataUsed>): DataUsed => ({
      name: 'synthetic lesions',
      use: 'training',
      ...change,
    });
    expect(overlaps(provenance, data({ source: 'synthetic:images=9' }))).toHaveLength(1);
    expect(overlaps(provenance, data({ source: 'synthetic:site=1,2&images=9' }))).toEqual([]);
    expect(overlaps(provenance, data({ name: 'PAD-UFES-20' }))).toEqual([]);
    const on = { ...provenance!, data: [data({ name: 'PAD-UFES-20' })] };
    expect(overlaps(on, data({ name: 'PAD-UFES-20' }))).toEqual([
      'it was made from images of PAD-UFES-20, too (used for training)',
    ]);
    expect(overlaps(undefined, data({}))).toEqual([]);
  });
});

describe("a study's model", () => {
  it('says which study, round and choice it is, on which data, and the head of the audit chain', async () => {
    const coordinator = await runCoordinator();
    try {
      const { admin } = coordinator;
      const id = await createStudy(admin);
      await admin.act(id, 'start');
      await studyUntil(admin, id, (view) => view.best !== null && view.round?.phase === 'planned');
      const { provenance } = decodeModel(await admin.model(id, 'best'));
      const { entries } = await admin.audit(id);
      expect(provenance).toEqual({
        kind: 'study',
        software: VERSION,
        made: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        chosen: 'the best by validation (balancedAccuracy), round 0 of 0',
        study: { id, name: 'Test study' },
        round: 0,
        start: (await admin.uploadModel(encodeModel(nano()))).sha256,
        settings: expect.objectContaining({
          rounds: 2,
          clinics: 0,
          strategy: { name: 'fedavg' },
        }) as object,
        data: [
          {
            name: 'synthetic lesions',
            use: 'evaluation',
            source: 'synthetic:site=1&images=24&seed=9',
            licence: 'Apache-2.0',
            images: expect.objectContaining({ validation: expect.any(Number) as number }) as object,
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          },
        ],
        audit: { entries: entries.length, head: entries.at(-1)!.hash },
      });
      // By the command, into a folder that is not written over.
      const out = join(folder, 'released');
      const download = (...more: string[]) =>
        studyCommand().parseAsync(
          [
            'model',
            id,
            '--out',
            out,
            '--url',
            coordinator.url,
            '--token',
            coordinator.token,
            '--json',
            ...more,
          ],
          { from: 'user' },
        );
      await download();
      expect((await loadModel(out)).provenance!.study!.id).toBe(id);
      await expect(download('--last')).rejects.toMatchObject({
        code: 'LENTIGO_USAGE',
        message: expect.stringMatching(/released holds a model already: .*--overwrite/) as string,
      });
      await download('--last', '--overwrite');
      expect((await loadModel(out)).provenance!.chosen).toBe('the last, round 0 of 0');
    } finally {
      await coordinator.close();
    }
  });
});

describe('what is there already', () => {
  it('is not written over by weights import or export without --overwrite', async () => {
    const from = join(folder, 'from.safetensors');
    await writeFile(from, encodeModel(nano()));
    const run = (...args: string[]) =>
      weightsCommand().parseAsync([...args, '--json'], { from: 'user' });
    const out = join(folder, 'imported');
    const imports = ['import', '--from', from, '--architecture', 'nano', '--out', out];
    const exports = ['export', '--model', join(folder, 'start'), '--out', from];
    await mkdir(out); // an empty folder is free
    await run(...imports);
    for (const args of [imports, exports]) {
      await expect(run(...args)).rejects.toMatchObject({
        code: 'LENTIGO_USAGE',
        message: expect.stringContaining('--overwrite') as string,
      });
      await run(...args, '--overwrite');
    }
  });
});

it('the release is the one in package.json', async () => {
  const { version } = JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});
