// Milliseconds per image of EfficientNet-B0, inference and training steps as clinics take them, on each engine that is there; beside them PyTorch, where it is.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surveyEngines, useEngine } from '../../common/engine/engine.node.js';
import { measureSpeed, type Speed } from '../../common/learning/speed.node.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { type Benchmark, table } from './benchmark.js';

const BATCH = 8;
const REPEATS = 7;
/** The whole network, and the last blocks only, from cached features. */
const TRAIN_FROM = ['features.0', 'features.6', 'features.7'];
/** With torch and nothing else; it is no dependency of the project. */
const PYTHON = process.env['LENTIGO_PYTORCH_PYTHON'] ?? 'python3';

export const engines: Benchmark = {
  name: 'engines',
  title: 'Engines: one image',
  command: 'npm run bench -- engines',
  async run(say) {
    const rows: string[][] = [];
    let ratio = '';
    say('PyTorch');
    const before = await pytorch();
    for (const { name, available, onRequest } of await surveyEngines()) {
      if (!available || onRequest) continue;
      say(name);
      await useEngine(name);
      const speed = await measureSpeed(TRAIN_FROM, { batch: BATCH, repeats: REPEATS });
      rows.push(row(name, speed));
      if (name === 'wasm') {
        const threaded = await measureSpeed(['features.0'], { batch: 2 * BATCH, repeats: REPEATS });
        ratio = threadsLine(threaded, await twoProcesses(threaded.steps[0]!.aloneMs));
      }
    }
    const after = before && (await pytorch());
    if (before && after) rows.push(['PyTorch, before', ...cells(before)], ['PyTorch, after', ...cells(after)]);
    return `EfficientNet-B0, 224 × 224 pixels, ${BATCH} images at a time; milliseconds per image, median of ${REPEATS} after one to warm up. A training step is forward, backward and AdamW, batch norm frozen; from a later block it starts at that block's cached features.${before ? ` PyTorch ${before.torch} (test/bench/pytorch.py) takes the same steps, with ${before.threads} threads, before and after the engines.` : ''}

${table(['engine', 'inference', ...TRAIN_FROM.map((block) => `training from ${block}`)], rows)}

${ratio}`;
  },
};

const row = (name: string, { inferenceMs, steps }: Speed): string[] => [name, inferenceMs.toFixed(1), ...steps.map(({ trainingMs, threads, aloneMs }) => `${trainingMs.toFixed(1)}${threads > 1 && trainingMs !== aloneMs ? ` (${aloneMs.toFixed(1)} on one thread)` : ''}`)];

/** What a second thread brings, with four parts to a batch that it can share; @param limit what a second process of its own brings */
const threadsLine = ({ steps: [step] }: Speed, limit: number | undefined): string =>
  `With ${2 * BATCH} images a step, wasm trains the whole network in ${step!.aloneMs.toFixed(1)} ms an image on one thread and in ${step!.trainingMs.toFixed(1)} on ${step!.threads}: ${(step!.aloneMs / step!.trainingMs).toFixed(2)} times as fast.${limit === undefined ? '' : ` Two processes that have nothing in common but the machine, each on a core of its own, train ${limit.toFixed(2)} times as fast as one.`}`;

/**
 * What two trainings in processes of their own do side by side, each on one core, in units of one alone that may use what it can of both.
 * @param aloneMs of that one, per image @returns undefined where there is no `taskset` to give each its core
 */
async function twoProcesses(aloneMs: number): Promise<number | undefined> {
  const train = async (core: number): Promise<number> => {
    const { stdout } = await promisify(execFile)('taskset', ['-c', String(core), process.execPath, fileURLToPath(new URL('./train-once.js', import.meta.url)), String(2 * BATCH), String(REPEATS)]);
    return Number(stdout);
  };
  try {
    const both = await Promise.all([train(0), train(1)]);
    return both.reduce((sum, ms) => sum + aloneMs / ms, 0);
  } catch {
    return undefined;
  }
}

interface Reference {
  readonly torch: string;
  readonly threads: number;
  readonly inference: number;
  readonly training: Readonly<Record<string, number>>;
}

const cells = ({ inference, training }: Reference): string[] => [inference, ...TRAIN_FROM.map((block) => training[block] ?? NaN)].map((ms) => ms.toFixed(1));

/** The reference's times; undefined where Python has no torch. */
async function pytorch(): Promise<Reference | undefined> {
  const script = join(PACKAGE_ROOT, 'test/bench/pytorch.py');
  const run = await promisify(execFile)(PYTHON, [script, String(BATCH), String(REPEATS), ...TRAIN_FROM]).catch(() => undefined);
  return run && (JSON.parse(run.stdout) as Reference);
}
