// Synthetic lesions: reproducible, learnable but not by colour alone, and different between sites.
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../common/dataset/open.node.js';
import type { Dataset } from '../../../common/dataset/sample.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import type { Picture } from '../../../common/images/picture.js';

/**
 * Mean and standard deviation of each channel over the picture and over its middle: twelve
 * statistics of colour, none of shape.
 */
function colourStatistics({ width, data }: Picture): number[] {
  const statistics: number[] = [];
  for (const [from, to] of [
    [0, width],
    [width * 0.35, width * 0.65],
  ] as const) {
    for (let c = 0; c < 3; c++) {
      let [n, sum, squares] = [0, 0, 0];
      for (let y = Math.ceil(from); y < to; y++) {
        for (let x = Math.ceil(from); x < to; x++) {
          const v = data[(y * width + x) * 3 + c]! / 255;
          n++;
          sum += v;
          squares += v * v;
        }
      }
      statistics.push(sum / n, Math.sqrt(squares / n - (sum / n) ** 2));
    }
  }
  return statistics;
}

async function statisticsOf(dataset: Dataset): Promise<{ label: string; x: number[] }[]> {
  return Promise.all(
    dataset.samples.map(async (sample) => ({
      label: sample.label,
      x: colourStatistics(await sample.load()),
    })),
  );
}

/** Accuracy of the nearest class centroid over standardised features. */
function centroidAccuracy(
  train: { label: string; x: number[] }[],
  test: { label: string; x: number[] }[],
): number {
  const mean = (rows: number[][], f: number): number =>
    rows.reduce((sum, x) => sum + x[f]!, 0) / rows.length;
  const all = train.map(({ x }) => x);
  const features = all[0]!.map((_, f) => f);
  const deviation = features.map((f) =>
    Math.sqrt(
      mean(
        all.map((x) => x.map((v) => v * v)),
        f,
      ) -
        mean(all, f) ** 2,
    ),
  );
  const centroids = PAD_UFES_LABELS.names.map((label) =>
    features.map((f) =>
      mean(
        train.filter((row) => row.label === label).map(({ x }) => x),
        f,
      ),
    ),
  );
  const distance = (x: number[], centroid: number[]): number =>
    features.reduce((sum, f) => sum + ((x[f]! - centroid[f]!) / deviation[f]!) ** 2, 0);
  const right = test.filter(({ label, x }) => {
    const distances = centroids.map((centroid) => distance(x, centroid));
    return PAD_UFES_LABELS.names[distances.indexOf(Math.min(...distances))] === label;
  });
  return right.length / test.length;
}

describe('synthetic lesions', () => {
  it('the same specification gives the same samples and the same pixels; another seed others', async () => {
    const open = (seed: number) => openDataset(`synthetic:site=2&images=8&seed=${seed}&size=64`);
    const describeSamples = (dataset: Dataset) =>
      dataset.samples.map(({ id, label, patient, split, fitzpatrick }) => ({
        id,
        label,
        patient,
        split,
        fitzpatrick,
      }));
    const [a, b, c] = [await open(7), await open(7), await open(8)];
    expect(describeSamples(a)).toEqual(describeSamples(b));
    const pixels = await a.samples[3]!.load();
    expect(pixels).toEqual(await b.samples[3]!.load());
    expect(pixels).toEqual(await a.samples[3]!.load());
    expect(pixels).not.toEqual(await c.samples[3]!.load());
    expect(pixels).toMatchObject({ width: 64, height: 64 });
    expect(pixels.data).toHaveLength(64 * 64 * 3);
  });

  it('has all six diagnoses, several images of a patient, skin types, and no patient in two splits', async () => {
    const { samples, name } = await openDataset('synthetic:site=1&images=100&seed=3');
    expect(name).toBe('synthetic:site=1&images=100&seed=3');
    expect(samples).toHaveLength(100);
    expect(new Set(samples.map((sample) => sample.id)).size).toBe(100);
    expect(new Set(samples.map((sample) => sample.label))).toEqual(new Set(PAD_UFES_LABELS.names));
    const patients = new Set(samples.map((sample) => sample.patient));
    expect(patients.size).toBeLessThan(60);
    expect(new Set(samples.map((sample) => `${sample.patient} ${sample.split}`)).size).toBe(
      patients.size,
    );
    expect(new Set(samples.map((sample) => sample.split))).toEqual(
      new Set(['train', 'validation', 'heldout']),
    );
    for (const { fitzpatrick } of samples) expect([1, 2, 3, 4, 5, 6]).toContain(fitzpatrick);
  });

  it('split=train puts all in one split, and several sites share the patients', async () => {
    const { samples } = await openDataset('synthetic:site=1,2,3&images=60&split=train');
    expect(new Set(samples.map((sample) => sample.split))).toEqual(new Set(['train']));
    expect(new Set(samples.map((sample) => sample.patient.split('-')[0]))).toEqual(
      new Set(['site1', 'site2', 'site3']),
    );
  });

  it('two sites of one seed share no patient', async () => {
    const [one, two] = [
      await openDataset('synthetic:site=1&images=20&seed=5'),
      await openDataset('synthetic:site=2&images=20&seed=5'),
    ];
    const patients = new Set(one.samples.map((sample) => sample.patient));
    expect(two.samples.some((sample) => patients.has(sample.patient))).toBe(false);
  });

  it('only the diagnoses of the label set are painted', async () => {
    const { samples } = await openDataset('synthetic:images=30', {
      labels: { names: ['NEV', 'MEL'], malignant: ['MEL'] },
    });
    expect(new Set(samples.map((sample) => sample.label))).toEqual(new Set(['NEV', 'MEL']));
    await expect(
      openDataset('synthetic:images=30', { labels: { names: ['cat', 'dog'], malignant: [] } }),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_UNKNOWN_DIAGNOSIS' });
  });

  it('colour statistics alone distinguish the classes better than chance, but far from perfectly', async () => {
    const train = await statisticsOf(
      await openDataset('synthetic:site=0&images=500&seed=1&size=96'),
    );
    const test = await statisticsOf(
      await openDataset('synthetic:site=0&images=300&seed=2&size=96'),
    );
    const accuracy = centroidAccuracy(train, test);
    // Always predicting the most common class would be right for a quarter.
    expect(accuracy).toBeGreaterThan(0.4);
    expect(accuracy).toBeLessThan(0.85);
  });

  it('sites differ in colour, far beyond chance', async () => {
    const sites = await Promise.all(
      [0, 1, 2, 3].map(async (site) =>
        statisticsOf(await openDataset(`synthetic:site=${site}&images=80&seed=4&size=64`)),
      ),
    );
    const mean = (rows: { x: number[] }[], f: number): number =>
      rows.reduce((sum, { x }) => sum + x[f]!, 0) / rows.length;
    const spread = (rows: { x: number[] }[], f: number): number =>
      Math.sqrt(
        rows.reduce((sum, { x }) => sum + (x[f]! - mean(rows, f)) ** 2, 0) / (rows.length - 1),
      );
    for (const [i, a] of sites.entries()) {
      for (const b of sites.slice(i + 1)) {
        // Welch's t of the channels' means: the strongest of the three.
        const t = [0, 2, 4].map(
          (f) =>
            Math.abs(mean(a, f) - mean(b, f)) /
            Math.sqrt(spread(a, f) ** 2 / a.length + spread(b, f) ** 2 / b.length),
        );
        expect(Math.max(...t)).toBeGreaterThan(6);
      }
    }
  });

  it.each([
    ['synthetic:site=1', /images/],
    ['synthetic:images=0', /images/],
    ['synthetic:images=ten', /images/],
    ['synthetic:images=5&site=-1', /site/],
    ['synthetic:images=5&split=test', /split/],
    ['synthetic:images=5&colour=red', /colour/],
    ['folder?clinics=3&clinic=4', /clinic/],
    ['folder?clinics=3', /clinic/],
  ])('%s is refused, the field named', async (spec, field) => {
    const refused = openDataset(spec);
    await expect(refused).rejects.toMatchObject({ code: 'LENTIGO_USAGE' });
    await expect(refused).rejects.toThrow(field);
  });
});
