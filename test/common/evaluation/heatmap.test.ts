// Heat maps: their location, on synthetic lesions whose place is known, and the files that `lentigo
// predict --heatmap` writes.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { predictCommand } from '../../../commands/evaluate.js';
import { gradCam } from '../../../common/evaluation/grad-cam.js';
import { enlarge, overlay } from '../../../common/evaluation/heatmap.js';
import { loadModel } from '../../../common/model/folder.node.js';
import { createStudent } from '../../../common/model/student.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const START = join(PACKAGE_ROOT, 'models/start');
const SIZE = 224;

/** Mean heat inside the lesion divided by the mean outside. */
function contrast(heat: Float32Array, mask: Float32Array): number {
  const mean = (weight: (i: number) => number): number =>
    heat.reduce((sum, warm, i) => sum + warm * weight(i), 0) /
    heat.reduce((sum, _, i) => sum + weight(i), 0);
  return mean((i) => mask[i]!) / mean((i) => 1 - mask[i]!);
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-heat-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('is enlarged smoothly, with its extremes in the same places', () => {
  const heat = enlarge({ heat: Float32Array.of(0, 1, 0, 0), side: 2 }, 8);
  expect([heat[0], heat[7], heat[56], heat[63]]).toEqual([0, 1, 0, 0]);
  expect(heat[3]).toBeGreaterThan(heat[2]!);
});

it('colours a picture only where there is heat', () => {
  const grey = { width: 8, height: 8, data: new Uint8Array(192).fill(100) };
  const { data } = overlay(grey, { heat: Float32Array.of(1, 0, 0, 0), side: 2 }, 8);
  expect(Array.from(data.subarray(189))).toEqual([100, 100, 100]);
  expect(data[0]).toBeGreaterThan(150);
  expect(data[1]).toBeLessThan(80);
});

describe('the starting model', () => {
  it("looks at the lesion: there is more heat a pixel within the painter's outline than outside it, and more than within another lesion's", async () => {
    await useEngine();
    const student = createStudent(await loadModel(START));
    const paintings = syntheticDataset({
      seed: 31,
      sites: [0],
      images: 24,
      size: SIZE,
    }).samples.map((sample) => sample.painting());
    const heats: Float32Array[] = [];
    for (const { picture } of paintings) heats.push(enlarge(await gradCam(student, picture), SIZE));
    student.dispose();
    const own = paintings.map(({ mask }, i) => contrast(heats[i]!, mask));
    const others = paintings.map((_, i) =>
      contrast(heats[i]!, paintings[(i + 1) % paintings.length]!.mask),
    );
    expect(own.filter((share) => share > 1).length).toBeGreaterThanOrEqual(20);
    expect(median(own)).toBeGreaterThan(2);
    expect(median(own)).toBeGreaterThan(median(others));
  });

  it('writes a PNG for each picture, two of the same name in two files', async () => {
    const image = join(folder, 'a.jpg');
    await sharp({ create: { width: 80, height: 60, channels: 3, background: '#b07060' } })
      .jpeg()
      .toFile(image);
    const second = join(folder, 'second', 'a.jpg');
    await cp(image, second);
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    await predictCommand().parseAsync(
      ['--model', START, '--heatmap', join(folder, 'heat'), '--json', image, second],
      { from: 'user' },
    );
    write.mockRestore();
    expect(await readdir(join(folder, 'heat'))).toEqual(['a-2.png', 'a.png']);
    expect(
      (JSON.parse(printed) as { predictions: { heatmap: string }[] }).predictions.map(
        ({ heatmap }) => heatmap,
      ),
    ).toEqual([join(folder, 'heat/a.png'), join(folder, 'heat/a-2.png')]);
    expect(await sharp(join(folder, 'heat/a.png')).metadata()).toMatchObject({
      format: 'png',
      width: 512,
      height: 512,
    });
  });
});
