// The responsiveness of the two pages in a browser: how soon they react, and whether they still do
// while the clinic's app trains.
import { rm } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { ClinicApp, writePhotographs } from '../support/clinic-app.js';
import {
  EVALUATION_DATA,
  runCoordinator,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';
import { openWindow } from '../support/pages.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { type Benchmark, median, megabytes, quantile, table } from './benchmark.js';

const LOADS = 5;
/** CPU slowdown of a mid-range phone against a PC, as Lighthouse assumes it. */
const PHONE_SLOWDOWN = 4;
const SECONDS_OF_FRAMES = 20;

const PAGES = [
  { name: 'console', path: '/console/', ready: 'input[type=password]' },
  {
    name: "the clinic's app",
    path: '/clinic/',
    ready: 'button:has-text("Set up without an invitation")',
  },
] as const;

interface Load {
  readonly paint: number;
  /** Time until the first control was there and a frame had been drawn after it. */
  readonly interactive: number;
  readonly bytes: number;
}

async function load(browser: Browser, url: string, ready: string, slowdown: number): Promise<Load> {
  const window = await openWindow(browser, { phone: slowdown > 1 });
  const page = await window.newPage();
  const devtools = await window.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator(ready).waitFor();
  const interactive = await page.evaluate<number>(
    'new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))))',
  );
  await page.waitForFunction(`performance.getEntriesByName('first-contentful-paint').length > 0`);
  const paint = await page.evaluate<number>(
    `performance.getEntriesByName('first-contentful-paint')[0].startTime`,
  );
  const bytes = await page.evaluate<number>(
    `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((n, e) => n + e.encodedBodySize, 0)`,
  );
  await window.close();
  return { paint, interactive, bytes };
}

/** Milliseconds between frames, for a while. */
const frames = (page: Page): Promise<number[]> =>
  page.evaluate<number[]>(`new Promise((resolve) => {
    const gaps = [];
    let last = performance.now();
    const end = last + ${SECONDS_OF_FRAMES * 1000};
    requestAnimationFrame(function frame(now) {
      gaps.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(frame);
      else resolve(gaps.slice(1));
    });
  })`);

/** The page of a clinic that trains EfficientNet-B0 in a round. */
async function training(
  browser: Browser,
  { admin, url }: TestCoordinator,
  folder: string,
): Promise<ClinicApp> {
  const config = StudyConfig.parse({
    name: 'Frames',
    model: 'models/start',
    rounds: 5,
    training: { epochs: 50 },
    cohort: { minimum: 1, quorum: 1 },
    evaluation: { data: EVALUATION_DATA },
  });
  const { id } = await admin.createStudy({
    config,
    start: await admin.uploadModel(encodeModel(await loadModel(`${PACKAGE_ROOT}/models/start`))),
  });
  const app = await ClinicApp.open(browser, url, {
    invitation: (await admin.invite(id, 'Clinic', 1)).invitation,
  });
  await app.enrol('Clinic');
  await app.importFolder(folder);
  await admin.decide(id, (await admin.study(id)).clinics[0]!.id, 'approve');
  await app.go('Take part');
  await app.standing('Connected');
  await admin.act(id, 'start');
  await app.page
    .getByTestId('phase')
    .filter({ hasText: /Training/ })
    .waitFor({ timeout: 600_000 });
  return app;
}

export const pages: Benchmark = {
  name: 'pages',
  title: 'The two pages in a browser',
  command: 'npm run bench -- pages',
  long: true,
  async run(say) {
    if (noBrowser !== undefined) throw new Error(noBrowser);
    const coordinator = await runCoordinator();
    const folder = await temporaryFolder();
    const browser = await launchBrowser();
    try {
      const loads: string[][] = [];
      for (const { name, path, ready } of PAGES) {
        for (const slowdown of [1, PHONE_SLOWDOWN]) {
          say(`loading ${name}${slowdown > 1 ? ' as on a phone' : ''}`);
          const each: Load[] = [];
          for (let i = 0; i < LOADS; i++)
            each.push(await load(browser, coordinator.url + path, ready, slowdown));
          loads.push([
            `${name}${slowdown > 1 ? `, processor ${slowdown} times slower` : ''}`,
            megabytes(median(each.map((l) => l.bytes))),
            ...[median(each.map((l) => l.paint)), median(each.map((l) => l.interactive))].map(
              (ms) => ms.toFixed(0),
            ),
          ]);
        }
      }
      say('frames');
      await writePhotographs(folder, 'synthetic:site=0&images=40&seed=12&size=480&split=train');
      const idle = await ClinicApp.open(browser, coordinator.url);
      const rows: (readonly [string, readonly number[]])[] = [
        ['welcome, nothing to do', await frames(idle.page)],
      ];
      await idle.window.close();
      const app = await training(browser, coordinator, folder);
      rows.push(['taking part: EfficientNet-B0 in training', await frames(app.page)]);
      return `Chromium ${browser.version()} without a window, from a coordinator on the same machine. First load, nothing cached: megabytes as they travel, and milliseconds until the first text is painted and until the first control answers; median of ${LOADS}.

${table(['first load', 'MB', 'painted, ms', 'answers, ms'], loads)}

Milliseconds from frame to frame (16.7 is smooth) over ${SECONDS_OF_FRAMES} s, in the clinic's app; training runs in a worker, on WASM.

${table(
  ["clinic's app", 'median', 'p95', 'p99', 'longest'],
  rows.map(([name, gaps]) => [
    name,
    ...[median(gaps), quantile(gaps, 0.95), quantile(gaps, 0.99), Math.max(...gaps)].map((ms) =>
      ms.toFixed(1),
    ),
  ]),
)}`;
    } finally {
      await browser.close();
      await coordinator.close();
      await rm(folder, { recursive: true });
    }
  },
};
