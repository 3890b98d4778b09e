// Heat maps: where they lie, on synthetic lesions whose place is known, and the files that `lentigo predict --heatmap` writes.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDataset } from '../../../common/dataset/open.node.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { predictCommand } from '../../../common/learning/command.node.js';
import { gradCam } from '../../../common/learning/grad-cam.js';
import { enlarge, overlay } from '../../../common/learning/heatmap.js';
import { loadModel } from '../../../common/model/folder.node.js';
import { createStudent } from '../../../common/model/student.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const START = join(PACKAGE_ROOT, 'models/start');
/** Within which every painted lesion has its middle, and outside which there is mostly skin: the lesion's radius is 9 to 30% of the side, its centre within 11% of the middle. */
const RADIUS = 0.3;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-heat-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('is enlarged smoothly, with its extremes where they were', () => {
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
  it('looks at the lesion: on most synthetic photographs there is more heat a pixel on it than around it', async () => {
    await useEngine();
    const student = createStudent(await loadModel(START));
    const { samples } = await openDataset('synthetic:site=0&images=12&seed=31&size=224');
    const shares: number[] = [];
    for (const sample of samples) {
      const explanation = await gradCam(student, await sample.load());
      const heat = enlarge(explanation, 56);
      const sums = { on: 0, onPixels: 0, off: 0, offPixels: 0 };
      for (const [i, warm] of heat.entries()) {
        const inside = Math.hypot((i % 56) + 0.5 - 28, Math.floor(i / 56) + 0.5 - 28) < RADIUS * 56;
        if (inside) [sums.on, sums.onPixels] = [sums.on + warm, sums.onPixels + 1];
        else [sums.off, sums.offPixels] = [sums.off + warm, sums.offPixels + 1];
      }
      shares.push(sums.on / sums.onPixels / (sums.off / sums.offPixels));
    }
    student.dispose();
    expect(shares.filter((share) => share > 1).length).toBeGreaterThanOrEqual(10);
    expect(shares.toSorted((a, b) => a - b)[6]).toBeGreaterThan(1.5);
  });

  it('writes a PNG for each picture, two of one name apart', async () => {
    const image = join(folder, 'a.jpg');
    await sharp({ create: { width: 80, height: 60, channels: 3, background: '#b07060' } }).jpeg().toFile(image);
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    await predictCommand().parseAsync(['--model', START, '--heatmap', join(folder, 'heat'), '--json', image, image], { from: 'user' });
    write.mockRestore();
    expect(await readdir(join(folder, 'heat'))).toEqual(['a-2.png', 'a.png']);
    expect((JSON.parse(printed) as { predictions: { heatmap: string }[] }).predictions.map(({ heatmap }) => heatmap)).toEqual([join(folder, 'heat/a.png'), join(folder, 'heat/a-2.png')]);
    expect(await sharp(join(folder, 'heat/a.png')).metadata()).toMatchObject({ format: 'png', width: 512, height: 512 });
  });
});
