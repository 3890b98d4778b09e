// The two pages as the coordinator serves them: their addresses, their headers, and that a real
// browser loads them without any other origin.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { launchBrowser, noBrowser } from '../../support/browser.js';
import { runCoordinator, type TestCoordinator } from '../../support/coordinator.js';
import { complaintsOf, openWindow } from '../../support/pages.js';

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await runCoordinator();
});
afterAll(() => coordinator.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${coordinator.url}${path}`, { redirect: 'manual', headers });

describe('the pages', () => {
  it('are found by an inexact address, also behind the prefix of a proxy', async () => {
    for (const [asked, led] of [
      ['/', 'console/'],
      ['/console', 'console/'],
      ['/clinic?x=1', 'clinic/'],
    ] as const) {
      const { status, headers } = await get(asked);
      expect([asked, status, headers.get('location')]).toEqual([asked, 302, led]);
    }
    expect((await get('/console/')).status).toBe(200);
    expect((await get('/clinic/no-such-file.js')).status).toBe(404);
    expect((await get('/console/..%2f..%2fpackage.json')).status).toBe(404);
  });

  it('carry a policy under which no script of another origin runs, are isolated, and never stale', async () => {
    for (const path of ['/console/', '/clinic/']) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
      expect(policy).toContain("worker-src 'self' blob:");
      expect(policy).not.toMatch(/upgrade-insecure-requests|https?:/);
      expect([
        headers.get('cross-origin-opener-policy'),
        headers.get('cross-origin-embedder-policy'),
        headers.get('cross-origin-resource-policy'),
      ]).toEqual(['same-origin', 'require-corp', 'same-origin']);
      expect([headers.get('cache-control'), headers.get('etag') !== null]).toEqual([
        'no-cache',
        true,
      ]);
    }
  });

  it('have assets that are cached for ever and sent compressed', async () => {
    const [script] = /assets\/[\w-]+\.js/.exec(await (await get('/console/')).text())!;
    const plain = await get(`/console/${script}`, { 'accept-encoding': 'identity' });
    expect([
      plain.headers.get('cache-control'),
      plain.headers.get('content-type'),
      plain.headers.get('content-encoding'),
    ]).toEqual(['public, max-age=31536000, immutable', 'text/javascript', null]);
    for (const encoding of ['br', 'gzip']) {
      const packed = await get(`/console/${script}`, { 'accept-encoding': encoding });
      expect([
        packed.headers.get('content-encoding'),
        Number(packed.headers.get('content-length')) <
          Number(plain.headers.get('content-length')) / 2,
      ]).toEqual([encoding, true]);
      expect(await packed.text()).toBe(await plain.clone().text());
    }
  });

  describe.skipIf(noBrowser)(`in a browser${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser?.close());

    it.each(['console', 'clinic'])(
      '%s starts, cross-origin isolated, without a complaint and without asking anyone else',
      async (name) => {
        const window = await openWindow(browser);
        const page = await window.newPage();
        const complaints = complaintsOf(page, coordinator.url);
        await page.goto(`${coordinator.url}/${name}/`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect([complaints, await page.evaluate('crossOriginIsolated')]).toEqual([[], true]);
        await window.close();
      },
    );
  });
});
