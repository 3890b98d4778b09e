// `npm run bench [-- NAME…]`: measures, and writes each result into its section of BENCHMARKS.md.
// Progress goes to stderr.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { aggregation } from './aggregation.js';
import { browser } from './browser.js';
import { connections } from './connections.js';
import { demo, padUfes } from './demo.js';
import { dermoscopy, distillation, folds } from './distillation.js';
import { domain } from './domain.js';
import { withSection } from './document.js';
import { engines } from './engines.js';
import { images } from './images.js';
import { machineLine } from './machine.js';
import { pages } from './pages.js';
import { round } from './round.js';
import { fromChosen, fromDistilled, simulation } from './simulation.js';

/** In the order of the document. */
const BENCHMARKS = [
  simulation,
  distillation,
  folds,
  fromDistilled,
  fromChosen,
  padUfes,
  dermoscopy,
  domain,
  demo,
  round,
  engines,
  images,
  browser,
  pages,
  aggregation,
  connections,
];

const FILE = join(PACKAGE_ROOT, 'BENCHMARKS.md');

async function bench(names: readonly string[], { list }: { list?: boolean }): Promise<void> {
  if (list) {
    for (const { name, title, long } of BENCHMARKS)
      process.stdout.write(`${name.padEnd(17)}${title}${long ? ' (only when named)' : ''}\n`);
    return;
  }
  const unknown = names.find((name) => !BENCHMARKS.some((b) => b.name === name));
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}: --list names them`);
  for (const benchmark of BENCHMARKS.filter(({ name, long }) =>
    names.length > 0 ? names.includes(name) : !long,
  )) {
    const { name, title, command } = benchmark;
    const machine = await machineLine();
    const began = performance.now();
    process.stderr.write(`${name}\n`);
    const body = await benchmark.run((text) => process.stderr.write(`  ${text}\n`));
    const section = `## ${title}\n\n\`${command}\`\n\n${body.trim()}\n\n*${machine}; took ${Math.round((performance.now() - began) / 1000)} s.*`;
    // Read again each time, because another run may have written a section meanwhile.
    const document = await readFile(FILE, 'utf8').catch(() => '');
    await writeFile(
      FILE,
      withSection(
        document,
        name,
        section,
        BENCHMARKS.map((b) => b.name),
      ),
    );
    process.stdout.write(`${section}\n\n`);
  }
}

await new Command('bench')
  .description('Measures, and writes each result into its section of BENCHMARKS.md.')
  .argument('[name...]', 'which; the quick ones where none is named')
  .option('--list', 'only name them')
  .action(bench)
  .parseAsync();
process.exit();
