// The app's training worker in a real browser: it trains and predicts like an agent, and keeps the
// page responsive.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrainer } from '../../../../client/participation/train-round.js';
import { useEngine } from '../../../../common/engine/engine.node.js';
import { predict } from '../../../../common/evaluation/evaluate.js';
import { MemoryFeatureCache } from '../../../../common/training/feature-cache.js';
import { decodeModel } from '../../../../common/model/encoding.js';
import { createStudent } from '../../../../common/model/student.js';
import {
  launchBrowser,
  noBrowser,
  openPage,
  type ServedPage,
  servePage,
} from '../../../support/browser.js';
import type { TrainingPage } from './page.js';
import { dataset, trainingJob } from './scenario.js';

declare const page: TrainingPage;

const norm = (values: readonly number[]): number => Math.hypot(...values);
/** ‖found − expected‖ / ‖expected‖ */
const distance = (found: readonly number[], expected: readonly number[]): number =>
  norm(found.map((v, i) => v - expected[i]!)) / norm(expected);

/** The same job on this machine's WASM engine. */
const onNode = (trainFrom: string) =>
  createTrainer(dataset().samples, async () => new MemoryFeatureCache())(trainingJob(trainFrom), {
    signal: new AbortController().signal,
    onProgress: () => {},
  });

describe.skipIf(noBrowser !== undefined)(
  `training in a browser${noBrowser === undefined ? '' : ` [skipped: ${noBrowser}]`}`,
  () => {
    let browser: Browser;
    let served: ServedPage;
    let tab: Page;
    beforeAll(async () => {
      await useEngine('wasm');
      served = await servePage('test/client/web/training/page.ts');
      browser = await launchBrowser();
      tab = await openPage(browser, served.url);
    });
    afterAll(async () => {
      await browser?.close();
      await served?.close();
    });

    it('takes WASM where WebGPU is only emulated, and says so', async () => {
      const engines = await tab.evaluate(() => page.start());
      expect(engines.map(({ name, available, chosen }) => [name, available, chosen])).toEqual([
        ['webgpu', true, false],
        ['wasm', true, true],
        ['cpu', true, false],
      ]);
      expect(engines[0]!.reason).toMatch(/swiftshader.*only on request/i);
    });

    it.each(['features.0', 'features.3'])(
      'on WASM gives what an agent gives, from %s on, and leaves the page its turn',
      async (trainFrom) => {
        const found = await tab.evaluate((block) => page.train(block), trainFrom);
        const { delta, samples, loss } = await onNode(trainFrom);
        expect(distance(found.delta, [...delta])).toBeLessThan(1e-4);
        expect(found.count).toBe(samples);
        expect(found.loss).toBeCloseTo(loss, 4);
        expect(found.phases).toContain('training');
        expect(found.turns).toBeGreaterThan(0);
      },
    );

    it('predicts what the command line predicts, with the same heat map', async () => {
      const student = createStudent(decodeModel(trainingJob('features.3').start));
      const [expected] = await predict(student, [await dataset().samples[0]!.load()]);
      student.dispose();
      const { probabilities, again, heat } = await tab.evaluate(() => page.predict());
      expect(distance(probabilities, expected!)).toBeLessThan(1e-4);
      expect(again).toEqual(probabilities);
      expect(heat).toBe(true);
    });

    it("stops on request, and refuses with an agent's error code", async () => {
      expect(await tab.evaluate(() => page.stopped())).toBe('enough');
      expect(await tab.evaluate(() => page.refusal())).toBe('LENTIGO_WEIGHTS_INVALID');
    });

    it("on WebGPU gives an agent's results", { timeout: 400_000 }, async () => {
      await tab.evaluate(() => (page.end(), page.start('webgpu')));
      const { delta } = await tab.evaluate(() => page.train('features.0'));
      expect(distance(delta, [...(await onNode('features.0')).delta])).toBeLessThan(1e-2);
    });

    it(
      'goes on with WASM when the GPU is taken away in mid-training',
      { timeout: 400_000 },
      async () => {
        const other = await openPage(browser, served.url);
        await other.evaluate(() => page.start('webgpu'));
        const training = other.evaluate(() => page.train('features.0'));
        await other.evaluate(() => page.training);
        await (await browser.newBrowserCDPSession()).send('Browser.crashGpuProcess');
        const { delta } = await training;
        expect(distance(delta, [...(await onNode('features.0')).delta])).toBeLessThan(1e-2);
        await other.close();
      },
    );
  },
);
