// The commands of the pages for researchers, typed as they stand, with small data and a small model.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { saveModel } from '../../common/model/folder.node.js';
import { nano, temporaryFolder } from '../support/coordinator.js';
import { filled, typedOf } from './blocks.js';
import { photograph } from './photograph.js';
import { Terminal } from './terminal.js';

// Some thirty processes, one after the other: half a minute here, more beside other work.
vi.setConfig({ testTimeout: 300_000 });

describe('the pages for researchers', () => {
  let folder: string;
  let terminal: Terminal;
  const at = (...path: string[]) => join(folder, ...path);
  const DIR = "'synthetic:site=1&images=24&seed=3&size=64'";
  const typeAll = async (page: string, smaller: (command: string) => string): Promise<string[]> => {
    const printed = [];
    for (const command of typedOf(page).flatMap((b) => b.commands))
      printed.push(await terminal.type(smaller(command)));
    return printed;
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
    terminal = await Terminal.open(folder);
    await saveModel(at('models/start'), nano());
    await photograph(at('photo.jpg'));
  });
  afterAll(async () => {
    await terminal.close();
    await rm(folder, { recursive: true });
  });

  it('docs/engines.md: the doctor shows the engines', async () => {
    expect(await typeAll('docs/engines.md', (c) => c)).toEqual([expect.stringContaining('wasm')]);
  });

  it('docs/data.md: data is counted, and compared', async () => {
    const values = { DIR, A: DIR, B: "'synthetic:site=2&images=12&seed=4&size=64'" };
    const [counted, binary] = await typeAll('docs/data.md', (command) =>
      filled(command, values).replace('dataset compare', 'dataset compare --model models/start'),
    );
    expect(counted).toContain('MEL');
    expect(binary).toContain('malignant');
    expect(await readFile(at('report.html'), 'utf8')).toContain('<html');
  });

  it('docs/models.md: a model is imported, measured, and asked', async () => {
    await terminal.type(
      'npx lentigo weights export --model models/start --out efficientnet_b0.safetensors',
    );
    await typeAll('docs/models.md', (command) =>
      // nano's weights in place of the published ones
      command.includes('weights import')
        ? `${filled(command, { DIR: 'imported' })} --architecture nano`
        : filled(command, { DIR, OUT: 'heatmaps' }),
    );
    for (const made of ['imported/model.safetensors', 'MODEL_CARD.md', 'heatmaps'])
      expect(existsSync(at(made)), made).toBe(true);
  });

  it('docs/simulation.md: seeds are simulated, and summed up', async () => {
    const [simulate, summary] = typedOf('docs/simulation.md').map((b) => b.commands[0]!);
    const small = filled(simulate!, { DIR })
      .replace('--clinics 4', '--clinics 2')
      .replace('--rounds 10', '--rounds 1')
      .concat(' --init models/start --train-from classifier');
    for (const seed of [1, 2, 3])
      await terminal.type(
        small.replace('--seed 1', `--seed ${seed}`).replace(/--out (\S+)/, `--out $1-${seed}`),
      );
    expect(await terminal.type(summary!)).toContain('a clinic alone');
  });
});
