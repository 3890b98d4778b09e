// `npm run package:size`: what a clinic downloads and what lies on its disk then, as a table for
// docs/package.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesIn, install, pack } from './packed.js';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const folder = await mkdtemp(join(tmpdir(), 'lentigo-size-'));
try {
  const { tarball, size, unpackedSize, files } = await pack(folder);
  const program = join(folder, 'program');
  await install(tarball, program);
  const modules = join(program, 'node_modules');
  const all = await bytesIn(modules);
  const rows: [string, number][] = [
    [`the tarball, ${files.length} files`, size],
    ['unpacked', unpackedSize],
    ['node_modules after `npm install`', all],
    ['… of it tfjs', await bytesIn(join(modules, '@tensorflow'))],
    [
      '… of it tfjs-node, without its binary',
      await bytesIn(join(modules, '@tensorflow/tfjs-node')),
    ],
    ['… of it Prisma', await bytesIn(join(modules, '@prisma'))],
    ['… of it the embedded PostgreSQL', await bytesIn(join(modules, '@electric-sql'))],
  ];
  console.log(`| what | size |\n|---|--:|`);
  for (const [what, bytes] of rows) console.log(`| ${what} | ${megabytes(bytes)} |`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
