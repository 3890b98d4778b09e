// The examples are programs that use Lentigo by its public API: each runs to its end, and prints
// what it says.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runIn } from '../package/packed.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';

/** What each prints last. */
const ENDS: Readonly<Record<string, RegExp>> = {
  'embedded-clinic': /^the best round is \d$/,
  'own-dataset': /^round 2: accuracy [01]\.\d{3}$/,
  'own-model': /^at another site: balanced accuracy 0\.\d{3}$/,
  'own-strategy': /"momentum":0.5\}: malignant AUC by round( [01]\.\d{3}){4}$/,
};
const MOST_LINES = 80;
const MINUTES = 60_000;

describe.each(Object.entries(ENDS))('examples/%s.ts', (name, end) => {
  it('runs to its end', { timeout: 5 * MINUTES }, async () => {
    const printed = await runIn(PACKAGE_ROOT, [`dist/examples/${name}.js`]);
    expect(printed.trim().split('\n').at(-1)).toMatch(end);
  });
  it('imports nothing that is not public, and is short', async () => {
    const text = await readFile(join(PACKAGE_ROOT, `examples/${name}.ts`), 'utf8');
    const sources = [...text.matchAll(/from '([^']+)'/g)].map(([, source]) => source!);
    expect(
      sources.filter(
        (source) => !/^node:|^zod$|^lentigo(\/(coordinator|clinic|protocol))?$/.test(source),
      ),
    ).toEqual([]);
    expect(text.trimEnd().split('\n').length).toBeLessThan(MOST_LINES);
  });
});

it('every example is run', async () => {
  const files = await readdir(join(PACKAGE_ROOT, 'examples'));
  expect(files.map((file) => file.replace(/\.ts$/, '')).sort()).toEqual(Object.keys(ENDS));
});
