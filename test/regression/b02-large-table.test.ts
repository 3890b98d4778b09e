// A table of ISIC 2024's columns is read in pieces: a process with a small heap reads it, and every row
// is there.
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../support/shared-data.js';

/** About 600 bytes each. */
const ROWS = 60_000;
const READ = `
  const { readFolder } = await import(process.argv[1]);
  const { samples, problems } = await readFolder(process.argv[2]);
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ rows: samples.length + problems.length, megabytes: maxRSS / 1024 }));
`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-large-'));
  const out = createWriteStream(join(dir, 'train-metadata.csv'));
  const names = Array.from({ length: 50 }, (_, c) => `tbp_lv_${c}`);
  out.write(`isic_id,target,patient_id,age_approx,sex,${names.join(',')}\n`);
  const measured = names.map((_, c) => (c * 0.12345678).toFixed(8)).join(',');
  for (let row = 0; row < ROWS; row++)
    if (
      !out.write(
        `ISIC_${String(row).padStart(7, '0')},${row % 1000 === 0 ? 1 : 0},IP_${row % 1042},60.0,male,${measured}\n`,
      )
    )
      await once(out, 'drain');
  out.end();
  await once(out, 'finish');
});
afterAll(() => rm(dir, { recursive: true }));

it('60,000 rows of 55 columns are read in a heap of 150 MB', async () => {
  const reader = new URL('../../common/dataset/folder.node.js', import.meta.url).href;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--max-old-space-size=150', '--input-type=module', '--eval', READ, reader, dir],
    { cwd: PACKAGE_ROOT },
  );
  const { rows, megabytes } = JSON.parse(stdout) as { rows: number; megabytes: number };
  expect(rows).toBe(ROWS);
  expect(megabytes).toBeLessThan(450);
});
