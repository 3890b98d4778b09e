// Detections and false alarms of the quality checks, on good photographs and on degraded copies:
// synthetic lesions of all skin types, and PAD-UFES-20 where it is present.
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../common/dataset/open.node.js';
import type { Sample } from '../../../common/dataset/sample.js';
import type { Picture } from '../../../common/images/picture.js';
import {
  judgeQuality,
  measureQuality,
  type QualityProblem,
} from '../../../common/images/quality.js';
import { HAS_PAD_UFES, PAD_UFES } from '../../support/shared-data.js';

async function change(
  picture: Picture,
  how: (image: Sharp, side: number) => Sharp,
): Promise<Picture> {
  const { width, height, data } = picture;
  const { data: changed, info } = await how(
    sharp(data, { raw: { width, height, channels: 3 } }),
    Math.min(width, height),
  )
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(changed) };
}
/** The upper left of the centre square, beside the lesion: skin, and at most the lesion's edge. */
const beside = ({ width, height }: Picture, side: number) => ({
  left: Math.floor((width - side) / 2),
  top: Math.floor((height - side) / 2),
  width: Math.floor(side * 0.28),
  height: Math.floor(side * 0.28),
});

const DEGRADED: readonly {
  readonly what: string;
  readonly problem: QualityProblem;
  readonly how: (picture: Picture) => Promise<Picture>;
}[] = [
  {
    what: 'out of focus: 1.2 % of the side',
    problem: 'blurred',
    how: (p) => change(p, (image, side) => image.blur(0.3 + side * 0.012)),
  },
  {
    what: 'a quarter of the light',
    problem: 'too-dark',
    how: (p) => change(p, (image) => image.linear(0.25, 0)),
  },
  {
    what: 'three times the light',
    problem: 'too-bright',
    how: (p) => change(p, (image) => image.linear(3, 0)),
  },
  {
    what: '160 pixels',
    problem: 'too-small',
    how: (p) => change(p, (image) => image.resize(160, 160, { fit: 'inside' })),
  },
  {
    what: 'the skin beside the lesion',
    problem: 'no-lesion',
    how: (p) => change(p, (image, side) => image.extract(beside(p, side))),
  },
];

/**
 * Shares of photographs with a problem: of the good ones by problem and refused for certain, of the
 * degraded ones by kind.
 */
async function rates(samples: readonly Sample[]) {
  const alarms = new Map<string, number>();
  const count = (key: string) => alarms.set(key, (alarms.get(key) ?? 0) + 1 / samples.length);
  for (const sample of samples) {
    const picture = await sample.load();
    const found = judgeQuality(measureQuality(picture));
    for (const { problem } of found) count(`good: ${problem}`);
    if (found.some((f) => f.severe)) count('good: refused');
    for (const { problem, how } of DEGRADED)
      if (judgeQuality(measureQuality(await how(picture))).some((f) => f.problem === problem))
        count(problem);
  }
  return (key: string): number => alarms.get(key) ?? 0;
}

function printRates(name: string, rate: (key: string) => number, n: number): void {
  const percent = (x: number) => `${(100 * x).toFixed(0)} %`;
  console.log(
    `quality checks on ${n} ${name}: ${DEGRADED.map(({ what, problem }) => `${problem} found in ${percent(rate(problem))} (${what}), false alarm ${percent(rate(`good: ${problem}`))}`).join('; ')}; good ones refused: ${percent(rate('good: refused'))}`,
  );
}

describe('quality checks', () => {
  it('find what is wrong with synthetic photographs of all skin types, and leave good ones alone', async () => {
    const { samples } = await openDataset('synthetic:site=0,1,2,3,4,5&images=72&seed=5');
    const rate = await rates(samples);
    printRates('synthetic lesions', rate, samples.length);
    for (const problem of ['blurred', 'too-dark', 'too-small', 'no-lesion'])
      expect(rate(problem), problem).toBeGreaterThan(0.9);
    // Three times the light of a dim photograph on dark skin overexposes little.
    expect(rate('too-bright')).toBeGreaterThan(0.85);
    for (const { problem } of DEGRADED)
      expect(rate(`good: ${problem}`), problem).toBeLessThan(0.05);
    expect(rate('good: refused')).toBe(0);
  });

  it('call no well-lit photograph of dark skin too dark', async () => {
    const { samples } = await openDataset('synthetic:site=0,1,2,3,4,5&images=120&seed=5');
    const dark = samples.filter(({ fitzpatrick }) => fitzpatrick !== undefined && fitzpatrick >= 5);
    expect(dark.length).toBeGreaterThan(10);
    for (const sample of dark)
      expect(judgeQuality(measureQuality(await sample.load())).map((f) => f.problem)).not.toContain(
        'too-dark',
      );
  });

  it.skipIf(!HAS_PAD_UFES)(
    'do so on PAD-UFES-20, where many a lesion fills the picture',
    async () => {
      const all = (await openDataset(PAD_UFES)).samples;
      const samples = all.filter((_, i) => i % 12 === 0);
      const rate = await rates(samples);
      printRates('photographs of PAD-UFES-20', rate, samples.length);
      for (const problem of ['blurred', 'too-dark', 'too-bright', 'too-small'])
        expect(rate(problem), problem).toBeGreaterThan(0.9);
      expect(rate('no-lesion')).toBeGreaterThan(0.6);
      for (const { problem } of DEGRADED)
        expect(rate(`good: ${problem}`), problem).toBeLessThan(
          problem === 'no-lesion' ? 0.1 : 0.03,
        );
      expect(rate('good: refused')).toBe(0);
    },
  );
});
