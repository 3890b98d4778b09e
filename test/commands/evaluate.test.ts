import type { Command } from 'commander';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { syntheticDataset } from '../../common/dataset/synthetic.js';
import { evaluateCommand, predictCommand } from '../../commands/evaluate.js';
import { Metrics } from '../../common/evaluation/metrics.js';
import { saveModel } from '../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';

const DATA = 'synthetic:images=40&size=64';
let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-learning-'));
  model = join(folder, 'model');
  await saveModel(model, {
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** The stdout of a command. */
async function stdoutOf(command: Command, ...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('lentigo evaluate', () => {
  it('prints the metrics as one JSON document', async () => {
    const metrics = Metrics.parse(
      JSON.parse(
        await stdoutOf(
          evaluateCommand(),
          '--model',
          model,
          '--data',
          DATA,
          '--split',
          'heldout',
          '--json',
        ),
      ),
    );
    const names = [
      'samples',
      'accuracy',
      'balancedAccuracy',
      'weightedF1',
      'macroF1',
      'aucOvr',
      'malignantAuc',
      'malignantRecall',
      'ece',
      'perClass',
      'confusion',
    ];
    expect(Object.keys(metrics)).toEqual(expect.arrayContaining(names));
    expect(metrics.samples).toBe(
      syntheticDataset({ seed: 0, sites: [0], images: 40, size: 64 }).samples.filter(
        (s) => s.split === 'heldout',
      ).length,
    );
    expect(Object.keys(metrics.perClass)).toEqual(PAD_UFES_LABELS.names);
  });

  it('takes the threshold for held-out from validation', async () => {
    const pointOf = async (split: string) =>
      Metrics.parse(
        JSON.parse(
          await stdoutOf(
            evaluateCommand(),
            '--model',
            model,
            '--data',
            DATA,
            '--split',
            split,
            '--json',
          ),
        ),
      ).operatingPoint!;
    const [validation, heldout] = [await pointOf('validation'), await pointOf('heldout')];
    expect(heldout.threshold).toBe(validation.threshold);
  });

  it('prints a readable report', async () => {
    const page = await stdoutOf(
      evaluateCommand(),
      '--model',
      model,
      '--data',
      DATA,
      '--split',
      'heldout',
    );
    for (const text of [
      'balanced accuracy',
      '95% interval',
      'Fitzpatrick',
      'MEL',
      'sensitivity at the threshold',
      'specificity at the threshold',
      'false alarms among',
    ])
      expect(page).toContain(text);
  });

  it('looks whether the card can be written before it evaluates', async () => {
    await expect(
      stdoutOf(
        evaluateCommand(),
        '--model',
        join(folder, 'no model either'),
        '--data',
        DATA,
        '--split',
        'heldout',
        '--card',
        join(folder, 'none', 'card.md'),
      ),
    ).rejects.toMatchObject({ code: 'LENTIGO_PATH' });
  });

  it("refuses a split that doesn't exist or holds nothing, and a folder without a model", async () => {
    const run = (...args: string[]) => stdoutOf(evaluateCommand(), ...args);
    await expect(run('--model', model, '--data', DATA, '--split', 'test')).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
    });
    await expect(
      run('--model', model, '--data', `${DATA}&split=train`, '--split', 'heldout'),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_EMPTY' });
    await expect(
      run('--model', folder, '--data', DATA, '--split', 'heldout'),
    ).rejects.toMatchObject({ code: 'LENTIGO_MODEL_INVALID' });
  });
});

describe('lentigo predict', () => {
  it("gives each picture's probabilities, their malignant sum, and says that it is not a diagnosis", async () => {
    const images = ['a.png', 'b.jpg'].map((name) => join(folder, name));
    for (const image of images)
      await sharp({ create: { width: 90, height: 70, channels: 3, background: '#c98' } }).toFile(
        image,
      );
    const { predictions, notice } = JSON.parse(
      await stdoutOf(predictCommand(), '--model', model, ...images, '--json'),
    ) as {
      notice: string;
      predictions: {
        image: string;
        label: string;
        malignancy: number;
        probabilities: Record<string, number>;
      }[];
    };
    expect(predictions.map(({ image }) => image)).toEqual(images);
    for (const { label, malignancy, probabilities } of predictions) {
      expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(probabilities[label]).toBe(Math.max(...Object.values(probabilities)));
      expect(malignancy).toBeCloseTo(
        probabilities['BCC']! + probabilities['MEL']! + probabilities['SCC']!,
        6,
      );
    }
    expect(notice).toMatch(/not a diagnosis/);
    expect(await stdoutOf(predictCommand(), '--model', model, images[0]!)).toMatch(
      /not a diagnosis/,
    );
  });

  it('names a file that is not a picture', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, '');
    await expect(stdoutOf(predictCommand(), '--model', model, broken)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_UNREADABLE',
      message: expect.stringContaining('broken.jpg') as string,
    });
  });
});
