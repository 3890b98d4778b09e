// Milliseconds per image of EfficientNet-B0, for inference and training steps as clinics run them,
// on each available engine, with PyTorch for comparison where it is installed.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surveyEngines, useEngine } from '../../common/engine/engine.node.js';
import { measureSpeed, type Speed } from '../../common/training/speed.node.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { type Benchmark, table } from './benchmark.js';

const BATCH = 8;
const REPEATS = 7;
/** The whole network, and only the last blocks on cached features. */
const TRAIN_FROM = ['features.0', 'features.6', 'features.7'];
/** A Python with torch, which is no dependency of the project. */
const PYTHON = process.env['LENTIGO_PYTORCH_PYTHON'] ?? 'python3';

export const engines: Benchmark = {
  name: 'engines',
  title: 'Engines: one image',
  command: 'npm run bench -- engines',
  async run(say) {
    const rows: string[][] = [];
    say('PyTorch');
    const before = await pytorch();
    for (const { name, available, onRequest } of await surveyEngines()) {
      if (!available || onRequest) continue;
      say(name);
      await useEngine(name);
      const speed = await measureSpeed(TRAIN_FROM, { batch: BATCH, repeats: REPEATS });
      rows.push(row(name, speed));
    }
    say('two threads');
    const threads = await twoThreads();
    const after = before && (await pytorch());
    if (before && after)
      rows.push(['PyTorch, before', ...cells(before)], ['PyTorch, after', ...cells(after)]);
    return `EfficientNet-B0, 224 × 224 pixels, ${BATCH} images at a time; milliseconds per image, median of ${REPEATS} after one to warm up. A training step is forward, backward and AdamW, batch norm frozen; from a later block it starts at that block's cached features.${before ? ` PyTorch ${before.torch} (test/bench/pytorch.py) takes the same steps, with ${before.threads} threads, before and after the engines.` : ''}

${table(['engine', 'inference', ...TRAIN_FROM.map((block) => `training from ${block}`)], rows)}

${threads}`;
  },
};

const row = (name: string, { inferenceMs, steps }: Speed): string[] => [
  name,
  inferenceMs.toFixed(1),
  ...steps.map(
    ({ trainingMs, threads, aloneMs }) =>
      `${trainingMs.toFixed(1)}${threads > 1 && trainingMs !== aloneMs ? ` (${aloneMs.toFixed(1)} on one thread)` : ''}`,
  ),
];

/** Turns of one thread and of two, and steps per turn. */
const TURNS = 8;
const ROW = 4;

/** The gain of a second thread on WASM, with four parts per batch to share. */
async function twoThreads(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('./threads.js', import.meta.url)),
    ...[2 * BATCH, TURNS, ROW].map(String),
  ]);
  const { alone, together, apart } = JSON.parse(stdout) as {
    alone: number;
    together: number;
    apart: number;
  };
  return `In a process of its own, with ${2 * BATCH} images a step, wasm trains the whole network in ${alone.toFixed(1)} ms an image on one thread and in ${together.toFixed(1)} on two: ${(alone / together).toFixed(2)} times as fast (medians of ${TURNS * ROW} steps, the ways taking turns, ${ROW} steps in a row after one to warm up). Two threads that share nothing but the machine, each on ${BATCH} images of its own, take ${apart.toFixed(1)}: ${(alone / apart).toFixed(2)} times as fast.`;
}

interface Reference {
  readonly torch: string;
  readonly threads: number;
  readonly inference: number;
  readonly training: Readonly<Record<string, number>>;
}

const cells = ({ inference, training }: Reference): string[] =>
  [inference, ...TRAIN_FROM.map((block) => training[block] ?? NaN)].map((ms) => ms.toFixed(1));

/** PyTorch's times; undefined if Python has no torch. */
async function pytorch(): Promise<Reference | undefined> {
  const script = join(PACKAGE_ROOT, 'test/bench/pytorch.py');
  const run = await promisify(execFile)(PYTHON, [
    script,
    String(BATCH),
    String(REPEATS),
    ...TRAIN_FROM,
  ]).catch(() => undefined);
  return run && (JSON.parse(run.stdout) as Reference);
}
