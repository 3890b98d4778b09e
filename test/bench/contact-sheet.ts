// Paints synthetic lesions on one sheet for inspection: node dist/test/bench/contact-sheet.js
// OUT.png [SITE…]. For one site each row is a diagnosis; for several, each row is a site.
import { performance } from 'node:perf_hooks';
import sharp, { type OverlayOptions } from 'sharp';
import { SYNTHETIC_LABELS } from '../../common/dataset/synthetic/lesion.js';
import { syntheticDataset } from '../../common/dataset/synthetic.js';
import { prepare } from '../../common/images/prepare.js';

const [out = '/tmp/lesions.png', ...given] = process.argv.slice(2);
const sites = given.length > 0 ? given.map(Number) : [0];
const CELL = 160;
const COLUMNS = sites.length === 1 ? 8 : 2 * SYNTHETIC_LABELS.length;
const rows =
  sites.length === 1
    ? SYNTHETIC_LABELS.map((label) =>
        syntheticDataset({ seed: 3, sites, images: 200 })
          .samples.filter((sample) => sample.label === label && sample.id.endsWith('-0'))
          .slice(0, COLUMNS),
      )
    : sites.map((site) =>
        SYNTHETIC_LABELS.flatMap((label) =>
          syntheticDataset({ seed: 3, sites: [site], images: 200 })
            .samples.filter((sample) => sample.label === label)
            .slice(0, 2),
        ),
      );

const cells: OverlayOptions[] = [];
let painting = 0;
for (const [top, row] of rows.entries()) {
  for (const [left, sample] of row.entries()) {
    const start = performance.now();
    const picture = await sample.load();
    painting += performance.now() - start;
    cells.push({
      input: Buffer.from(prepare(picture, CELL).data),
      raw: { width: CELL, height: CELL, channels: 3 },
      left: left * CELL,
      top: top * CELL,
    });
  }
}
await sharp({
  create: { width: COLUMNS * CELL, height: rows.length * CELL, channels: 3, background: '#fff' },
})
  .composite(cells)
  .png()
  .toFile(out);
console.log(`${out}: ${cells.length} pictures, ${(painting / cells.length).toFixed(1)} ms each`);
