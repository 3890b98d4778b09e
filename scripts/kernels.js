#!/usr/bin/env node
// Compiles the WASM engine's SIMD kernels (common/engine/kernels, AssemblyScript) into a TypeScript
// module that contains them as base64, so that Node and browsers load it alike, without a fetch. It
// compiles them twice: for a thread's own heap, and for a shared one.
import asc from 'assemblyscript/asc';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const engine = `${root}common/engine`;
const OPTIONS = [
  '--importMemory',
  '--noExportMemory',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--enable',
  'bulk-memory',
  '--use',
  'abort=',
  '-O3',
  '--converge',
  '--noAssert',
];

/** WebAssembly's section number for initial memory contents. */
const DATA = 11;

/**
 * The section numbers of a module.
 * @param {Uint8Array} binary
 */
function sections(binary) {
  const found = new Set();
  // After magic and version, each section has a one-byte number and its length in LEB128.
  for (let at = 8; at < binary.length;) {
    found.add(binary[at++]);
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      more = binary[at] >= 128;
      length |= (binary[at++] & 127) << shift;
    }
    at += length;
  }
  return found;
}

/** @param {string[]} more */
async function compile(...more) {
  let binary;
  const messages = asc.createMemoryStream();
  const { error } = await asc.main(['index.ts', '--outFile', 'kernels.wasm', ...OPTIONS, ...more], {
    stderr: messages,
    writeFile: (name, contents) => void (name === 'kernels.wasm' && (binary = contents)),
  });
  if (error || !binary)
    throw new Error(`the WASM kernels don't compile: ${error?.message}\n${messages.toString()}`);
  if (sections(binary).has(DATA))
    throw new Error('the WASM kernels must not bring data: it would overwrite the heap');
  return Buffer.from(binary).toString('base64');
}

process.chdir(`${engine}/kernels`);
const own = await compile();
const shared = await compile('--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536');
await mkdir(`${engine}/generated`, { recursive: true });
await writeFile(
  `${engine}/generated/kernels.ts`,
  `// Made by scripts/kernels.js from common/engine/kernels.\nexport const KERNELS = '${own}';\nexport const SHARED_KERNELS = '${shared}';\n`,
);
