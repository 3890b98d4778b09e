// Milliseconds per image in a real browser, on WASM and on WebGPU, for the small network and
// EfficientNet-B0. Each case has a fresh page, so that its memory can be measured.
import { launchBrowser, noBrowser, openPage, servePage } from '../support/browser.js';
import { type Benchmark, megabytes, table } from './benchmark.js';
import type { BenchPage } from './browser-page.js';

declare const page: BenchPage;

/**
 * Emulated WebGPU takes many seconds per image of EfficientNet-B0: there it takes one image at a
 * time, and the whole network isn't trained.
 */
const CASES = [
  { engine: 'wasm', architecture: 'nano', batch: 8, trainFrom: 'features.0', repeats: 5 },
  {
    engine: 'wasm',
    architecture: 'efficientnet_b0',
    batch: 8,
    trainFrom: 'features.7',
    repeats: 3,
  },
  {
    engine: 'wasm',
    architecture: 'efficientnet_b0',
    batch: 8,
    trainFrom: 'features.0',
    repeats: 3,
  },
  { engine: 'webgpu', architecture: 'nano', batch: 8, trainFrom: 'features.0', repeats: 2 },
  {
    engine: 'webgpu',
    architecture: 'efficientnet_b0',
    batch: 1,
    trainFrom: 'features.7',
    repeats: 1,
  },
] as const;

export const browser: Benchmark = {
  name: 'browser',
  title: 'In a browser: one image',
  command: 'npm run bench -- browser',
  long: true,
  async run(say) {
    if (noBrowser !== undefined) throw new Error(noBrowser);
    const served = await servePage('test/bench/browser-page.ts');
    const chromium = await launchBrowser();
    try {
      const rows: string[][] = [];
      for (const { engine, architecture, batch, trainFrom, repeats } of CASES) {
        say(`${engine}: ${architecture} from ${trainFrom}`);
        const tab = await openPage(chromium, served.url);
        await tab.evaluate((name) => page.use(name), engine);
        const found = await tab.evaluate((given) => page.measure(...given), [
          architecture,
          batch,
          trainFrom,
          repeats,
        ] as const);
        rows.push([
          `${engine}, ${architecture} from ${trainFrom}`,
          String(batch),
          found.inference.toFixed(1),
          found.training.toFixed(1),
          megabytes(found.heap),
        ]);
        await tab.close();
      }
      return `Chromium ${chromium.version()} without a window, on a page of its own for each row. **This machine has no GPU: WebGPU is SwiftShader here, the processor emulating one, which says that it works and nothing of how fast it is.** Milliseconds per image, median of one to five steps after one to warm up. A training step is forward, backward and AdamW, batch norm frozen; from a later block on it starts at cached features. Memory is what the engine holds after the steps: the WASM heap, or the GPU's buffers, the network and Adam's moments in it.

${table(['engine, network', 'images at a time', 'inference', 'training', 'memory, MB'], rows)}`;
    } finally {
      await chromium.close();
      await served.close();
    }
  },
};
