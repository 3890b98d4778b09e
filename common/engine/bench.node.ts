// `lentigo doctor --bench`: how long each engine takes per image, and how long a round on given
// data would take.
import type { Sample } from '../dataset/sample.js';
import { toAugmentedInput } from '../images/prepare.js';
import { measureSpeed, type StepSpeed } from '../training/speed.node.js';
import type { TrainingPlan } from '../protocol/study.js';
import { Random } from '../random.js';
import { type EngineReport, useEngine } from './engine.node.js';

/**
 * What was measured on one engine, in milliseconds per image; null where the engine is missing or
 * is only used on request.
 */
export interface EngineSpeed extends EngineReport {
  readonly inferenceMs: number | null;
  /** One step that trains the whole network. */
  readonly trainingMs: number | null;
  /** Threads that this step uses. */
  readonly threads: number | null;
  /** One step of the training plan. */
  readonly round: StepSpeed | null;
}

export interface RoundTime {
  /** Includes decoding, augmentation and the frozen blocks. */
  readonly firstSeconds: number;
  readonly seconds: number;
}

const WHOLE = 'features.0';
/** Number of photographs decoded to estimate the time for one. */
const PREPARED = 8;
const INPUT_SIZE = 224;

/** Measures every engine that may be chosen, one after the other. */
export async function measureEngines(
  survey: readonly EngineReport[],
  { trainFrom, batchSize }: TrainingPlan,
  onEngine: (name: string) => void,
): Promise<EngineSpeed[]> {
  const measured: EngineSpeed[] = [];
  for (const report of survey) {
    if (!report.available || (report.onRequest && !report.chosen)) {
      measured.push({ ...report, inferenceMs: null, trainingMs: null, threads: null, round: null });
      continue;
    }
    onEngine(report.name);
    await useEngine(report.name);
    const { inferenceMs, steps } = await measureSpeed([WHOLE, trainFrom], { batch: batchSize });
    const [whole, round] = steps as [StepSpeed, StepSpeed];
    measured.push({
      ...report,
      inferenceMs,
      trainingMs: whole.trainingMs,
      threads: whole.threads,
      round,
    });
  }
  return measured;
}

/**
 * Milliseconds to decode one sample, and to augment it once, measured on the first few readable
 * ones.
 */
export async function preparationMs(
  samples: readonly Sample[],
): Promise<{ decode: number; augment: number }> {
  let [decode, augment, count] = [0, 0, 0];
  for (const sample of samples.slice(0, 4 * PREPARED)) {
    if (count === PREPARED) break;
    const start = performance.now();
    const picture = await sample.load().catch(() => undefined);
    if (!picture) continue;
    const decoded = performance.now();
    toAugmentedInput(picture, INPUT_SIZE, new Random(count));
    decode += decoded - start;
    augment += performance.now() - decoded;
    count++;
  }
  return { decode: decode / Math.max(1, count), augment: augment / Math.max(1, count) };
}

/** How long a round with this many training images takes. */
export function roundTime(
  images: number,
  { epochs, variants }: TrainingPlan,
  { featuresMs, trainingMs }: StepSpeed,
  { decode, augment }: { decode: number; augment: number },
): RoundTime {
  const seconds = (images * epochs * trainingMs) / 1000;
  return {
    seconds,
    firstSeconds: seconds + (images * (decode + variants * (augment + featuresMs))) / 1000,
  };
}
