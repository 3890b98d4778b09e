// Takes the screenshots: one page, on a desktop and on a phone, light and dark, as small WebP
// files.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { openWindow } from '../support/pages.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';

const FOLDER = join(PACKAGE_ROOT, 'docs', 'screenshots');

export interface Shot {
  readonly name: string;
  /** Brings a fresh window to the view of the screenshot. */
  readonly show: (page: Page) => Promise<void>;
}

/** Takes every shot in four looks; with `only`, those whose file names contain one of these. */
export async function capture(
  browser: Browser,
  shots: readonly Shot[],
  only: readonly string[] = [],
): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  for (const phone of [false, true]) {
    for (const scheme of ['light', 'dark'] as const) {
      for (const { name, show } of shots) {
        const file = `${name}-${phone ? 'phone' : 'desktop'}-${scheme}.webp`;
        if (only.length > 0 && !only.some((part) => file.includes(part))) continue;
        const window = await openWindow(browser, { scheme, phone });
        const page = await window.newPage();
        page.setDefaultTimeout(90_000);
        await show(page);
        await page.mouse.move(0, 0); // off the chart
        await page.waitForTimeout(400); // fonts and charts settle
        await sharp(await page.screenshot({ type: 'png' }))
          .webp({ quality: 82 })
          .toFile(join(FOLDER, file));
        process.stderr.write(`${file}\n`);
        await window.close();
      }
    }
  }
}
