// What tests of the two pages look at in a real browser: complaints, barriers for people with
// disabilities, and windows of different kinds.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Language } from '../../common/web/language.js';

/**
 * What a page complained of: exceptions, errors on its console (a refused policy among them), and
 * requests to anyone but `origin`.
 */
export function complaintsOf(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error')
      complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('request', (request) => {
    if (
      /^(https?|wss?):/.test(request.url()) &&
      new URL(request.url()).host !== new URL(origin).host
    )
      complaints.push(`request to ${request.url()}`);
  });
  return complaints;
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly {
    readonly target: readonly string[];
    readonly failureSummary?: string;
  }[];
}

/**
 * What axe finds on the page as it stands that is serious or worse, one line each; none when it is
 * as it should be.
 */
export async function seriousBarriers(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary = '' }) =>
          `${id}: ${target.join(' ')}: ${failureSummary.replaceAll(/\s+/g, ' ').slice(0, 300)}`,
      ),
    );
}

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly phone?: boolean;
  /** What the browser's user reads. */
  readonly language?: Language;
}

/**
 * A window with its own storage, as small as a phone's or as large as a desk's. The caller closes
 * it.
 */
export function openWindow(
  browser: Browser,
  { scheme = 'light', phone = false, language = 'en' }: Look = {},
): Promise<BrowserContext> {
  return browser.newContext({
    colorScheme: scheme,
    locale: language,
    reducedMotion: 'reduce',
    acceptDownloads: true,
    ignoreHTTPSErrors: true, // tests' certificates sign themselves
    ...(phone
      ? {
          viewport: { width: 390, height: 844 },
          deviceScaleFactor: 2,
          isMobile: true,
          hasTouch: true,
        }
      : { viewport: { width: 1280, height: 900 } }),
  });
}
