// The engines' contract, checked on the engines of a real browser.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  launchBrowser,
  noBrowser,
  openPage,
  type ServedPage,
  servePage,
} from '../../support/browser.js';
import type { EngineName } from '../../../common/engine/engine.js';
import { CONTRACT } from './contract.js';
import type { EnginePage } from './page.js';

declare const page: EnginePage;

describe.skipIf(noBrowser !== undefined)(
  `in a browser${noBrowser === undefined ? '' : ` [skipped: ${noBrowser}]`}`,
  () => {
    let browser: Browser;
    let served: ServedPage;
    beforeAll(async () => {
      served = await servePage('test/common/engine/page.ts');
      browser = await launchBrowser();
    });
    afterAll(async () => {
      await browser?.close();
      await served?.close();
    });

    // On an emulated GPU, a step of the whole network takes a second, so there are fewer of them,
    // and 200 of the classifier alone.
    const engines: readonly {
      engine: EngineName;
      cases: number;
      steps: (readonly [trainFrom: string, some: number, more: number])[];
    }[] = [
      { engine: 'wasm', cases: 15, steps: [['features.0', 20, 200]] },
      {
        engine: 'webgpu',
        cases: 8,
        steps: [
          ['features.3', 5, 10],
          ['classifier', 20, 200],
        ],
      },
    ];
    describe.each(engines)('$engine', { timeout: 400_000 }, ({ engine, cases, steps }) => {
      let tab: Page;
      beforeAll(async () => {
        tab = await openPage(browser, served.url);
        await tab.evaluate((name) => page.use(name), engine);
      });
      afterAll(async () => await tab?.close());

      it.each(CONTRACT.map(({ promise }, index) => ({ promise, index })))(
        'must $promise',
        async ({ index }) => {
          await tab.evaluate(([i, n]) => page.hold(i, n), [index, cases] as const);
        },
      );

      it.each(steps)(
        'trains from %s on and holds as much after %i steps as after %i',
        async (...given) => {
          const { early, late, left } = await tab.evaluate(
            ([from, some, more]) => page.steps(from, some, more),
            given,
          );
          expect(late).toEqual({ ...early, heap: late.heap });
          // Buffers wait in the GPU's queue for their next use, sometimes more and sometimes fewer.
          expect(late.heap).toBeLessThan(1.01 * early.heap);
          expect(left).toBe(0);
        },
      );
    });
  },
);
