// A real browser for tests: Debian's Chromium, without a window, on pages bundled by Vite and
// served with the headers of the coordinator's pages.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { PACKAGE_ROOT } from './shared-data.js';

const CHROMIUM = process.env['LENTIGO_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why there is no browser here; undefined where there is. */
export const noBrowser: string | undefined = existsSync(CHROMIUM)
  ? undefined
  : `${CHROMIUM} isn't installed`;

/** WebGPU without a GPU: SwiftShader computes on the processor what a GPU would. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** The caller closes it. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: [...WEBGPU, '--no-sandbox'] });

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Bundles a page of the tests and serves it on loopback, cross-origin isolated.
 * @param entry its script, relative to the package root
 */
export async function servePage(entry: string): Promise<ServedPage> {
  const folder = await mkdtemp(join(tmpdir(), 'lentigo-page-'));
  await build({
    root: PACKAGE_ROOT,
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2023',
      minify: false,
      rolldownOptions: { input: join(PACKAGE_ROOT, entry), output: { entryFileNames: 'page.js' } },
    },
  });
  const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url!.slice(1);
    const body =
      name === 'index.html'
        ? Promise.resolve(
            '<!doctype html><title>Test</title><link rel="icon" href="/page.js"><script type="module" src="/page.js"></script>',
          )
        : readFile(join(folder, name));
    body.then(
      (bytes) =>
        response
          .writeHead(200, {
            ...HEADERS,
            'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
          })
          .end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

/** Opens a page; its errors and warnings are written to stderr. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on(
    'console',
    (message) =>
      void (
        ['error', 'warning'].includes(message.type()) && console.error(`[page] ${message.text()}`)
      ),
  );
  page.on('pageerror', (error) => console.error(`[page] ${error.message}`));
  await page.goto(url);
  return page;
}
