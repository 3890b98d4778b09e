// Comparing two archives: the distances against known values, and the page that the command writes.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Comparison, compare, type Measured } from '../../../common/comparison/compare.js';
import { reportPage } from '../../../common/comparison/report.js';
import {
  frechetDistance,
  gaussianKernel,
  meanDiscrepancy,
  nearestNeighbours,
  principalComponents,
  squaredDistances,
} from '../../../common/comparison/statistics.js';
import { datasetCommand } from '../../../commands/dataset.js';
import { saveModel } from '../../../common/model/folder.node.js';
import { Random } from '../../../common/random.js';
import { nano } from '../../support/coordinator.js';

const cloud = (
  n: number,
  random: Random,
  means: readonly number[],
  deviations: readonly number[],
): Float64Array[] =>
  Array.from({ length: n }, () =>
    Float64Array.from(means, (mean, i) => random.normal(mean, deviations[i])),
  );

const archive = (n: number, shift: number, seed: number): Measured[] => {
  const random = new Random(seed);
  return Array.from({ length: n }, (_, i) => {
    const label = ['MEL', 'NEV'][i % 2]!;
    return {
      label,
      patient: `P${i >> 1}`,
      colours: {
        red: 0.6,
        green: 0.5,
        blue: 0.4 + shift / 10,
        brightness: 0.5,
        contrast: 0.1,
        saturation: 0.3,
      },
      features: Float64Array.of(
        random.normal(shift, 1),
        random.normal(label === 'MEL' ? 4 : 0, 1),
        random.normal(0, 1),
      ),
    };
  });
};

describe('statistics', () => {
  it('the Fréchet distance of Gaussians is that of their means and deviations', () => {
    const random = new Random(1);
    const [a, b] = [cloud(4000, random, [0, 0], [1, 3]), cloud(4000, random, [2, 0], [2, 3])];
    expect(frechetDistance(a, b)).toBeCloseTo(2 ** 2 + (2 - 1) ** 2, 0);
    expect(frechetDistance(a, a)).toBeLessThan(1e-6);
  });

  it('principal components are the directions of most variance, in order, and keep the distances', () => {
    const points = cloud(500, new Random(2), [5, -3, 0], [1, 4, 2]);
    const { scores, shares } = principalComponents(points, 3, new Random(1));
    for (const [i, share] of [16 / 21, 4 / 21, 1 / 21].entries())
      expect(shares[i]).toBeCloseTo(share, 1);
    const [before, after] = [squaredDistances(points), squaredDistances(scores)];
    for (let i = 1; i < 20; i++) expect(after[0]![i]).toBeCloseTo(before[0]![i]!, 6);
  });

  it('the mean discrepancy is about 0 for two draws of one cloud, and grows with distance', () => {
    const of = (shift: number): number => {
      const random = new Random(3);
      const points = [
        ...cloud(100, random, [0, 0], [1, 1]),
        ...cloud(100, random, [shift, 0], [1, 1]),
      ];
      return meanDiscrepancy(
        gaussianKernel(squaredDistances(points)),
        points.map((_, i) => i < 100),
      );
    };
    expect(Math.abs(of(0))).toBeLessThan(0.02);
    expect(of(1)).toBeGreaterThan(0.05);
    expect(of(3)).toBeGreaterThan(of(1));
  });

  it('the nearest neighbours decide by majority, the nearest among equals', () => {
    const distances = squaredDistances([0, 1, 2, 10, 11, 0.4].map((x) => Float64Array.of(x)));
    expect(
      nearestNeighbours(distances, ['a', 'b', 'b', 'c', 'c', '?'], [0, 1, 2, 3, 4], [5], 3),
    ).toEqual(['b']);
    expect(
      nearestNeighbours(distances, ['a', 'b', 'b', 'c', 'c', '?'], [0, 1, 2, 3, 4], [5], 2),
    ).toEqual(['a']);
  });
});

describe('a comparison', () => {
  it('of different archives finds a greater distance than between halves of one, and predicts diagnoses across them', () => {
    const { frechet, discrepancy, neighbours, colours } = compare(
      archive(80, 0, 1),
      archive(80, 5, 2),
      0,
    );
    expect(frechet.interval.low).toBeGreaterThan(Math.max(...frechet.within));
    expect(discrepancy.p).toBeLessThan(0.01);
    expect(neighbours.archive.interval.low).toBeGreaterThan(0.9);
    expect(neighbours.diagnosis.fromAToB!.interval.low).toBeGreaterThan(0.5);
    expect(colours.blue.mean[1] - colours.blue.mean[0]).toBeCloseTo(0.5);
  });

  it('of two draws of one archive finds no difference', () => {
    const { discrepancy, neighbours } = compare(archive(80, 0, 1), archive(80, 0, 2), 0);
    expect(discrepancy.p).toBeGreaterThan(0.05);
    expect(neighbours.archive.interval.low).toBeLessThan(0.5);
  });

  it('of too few images is refused', () => {
    expect(() => compare(archive(80, 0, 1), archive(4, 0, 2), 0)).toThrow(
      /second archive has 4 usable images/,
    );
  });

  it('is a page that shows names as text', () => {
    const page = reportPage(
      compare(archive(20, 0, 1), archive(20, 1, 2), 0),
      [
        { name: '<script>a</script>', thumbnails: [] },
        { name: 'b', thumbnails: [{ label: '"><b>', jpeg: '' }] },
      ],
      'nano',
    );
    expect(page).not.toMatch(/<script|"><b>/);
  });
});

describe('dataset compare', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lentigo-compare-'));
    await saveModel(join(folder, 'nano'), nano());
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('writes one page that fetches nothing, and prints the figures', async () => {
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    const out = join(folder, 'report.html');
    await datasetCommand().parseAsync(
      [
        'compare',
        'synthetic:site=1&images=24&size=64',
        'synthetic:site=2&images=24&size=64',
        '--model',
        join(folder, 'nano'),
        '--images',
        '16',
        '--out',
        out,
        '--json',
      ],
      { from: 'user' },
    );
    write.mockRestore();
    expect((JSON.parse(printed) as Comparison).images).toEqual([16, 16]);
    const page = await readFile(out, 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('Actinic keratosis is benign in PAD-UFES-20');
    expect(page.match(/data:image\/jpeg;base64,/g)).toHaveLength(24);
    expect(page).not.toMatch(/<script|https?:\/\/|<link|@import/);
  });
});
