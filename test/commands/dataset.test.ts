// `lentigo dataset inspect`: the counts as a table and as JSON.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { datasetCommand, formatInspection } from '../../commands/dataset.js';
import { countSamples } from '../../common/dataset/inspect.js';
import { openDataset } from '../../common/dataset/open.node.js';

let printed = '';
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const run = (...args: string[]): Promise<unknown> =>
  datasetCommand().parseAsync(args, { from: 'user' });

describe('dataset inspect', () => {
  it('--json prints one document whose counts add up', async () => {
    await run('inspect', 'synthetic:images=24&size=32', '--json');
    const inspection = JSON.parse(printed) as ReturnType<typeof countSamples>;
    expect(inspection).toMatchObject({
      name: 'synthetic:site=0&images=24&seed=0',
      samples: 24,
      problems: [],
    });
    const sum = (counts: Record<string, number>): number =>
      Object.values(counts).reduce((a, b) => a + b, 0);
    expect(sum(inspection.byClass)).toBe(24);
    expect(sum(inspection.byFitzpatrick)).toBe(24);
    expect(sum(inspection.patientsBySplit)).toBe(inspection.patients);
    for (const [label, counts] of Object.entries(inspection.bySplit))
      expect(sum(counts)).toBe(inspection.byClass[label]);
  });

  it('without --json prints a table by diagnosis, split, patient and skin type', async () => {
    await run('inspect', 'synthetic:images=24&size=32');
    for (const part of [
      'diagnosis',
      'train',
      'heldout',
      'patients',
      'Fitzpatrick',
      'VI',
      'NEV',
      'No problems',
      'Actinic keratosis is benign in PAD-UFES-20',
    ])
      expect(printed).toContain(part);
  });

  it('names the images that cannot be used', async () => {
    const dataset = await openDataset('synthetic:images=4&size=32');
    const text = formatInspection(
      countSamples({
        ...dataset,
        problems: [
          { id: 'x', code: 'LENTIGO_DATA_IMAGE_MISSING', message: 'row 9: no image x.png' },
        ],
      }),
    );
    expect(text).toContain('LENTIGO_DATA_IMAGE_MISSING  row 9: no image x.png');
  });
});
