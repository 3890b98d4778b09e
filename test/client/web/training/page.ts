// The page of training.test.ts: uses the app's training worker as the app does, and reports the
// results.
import { TrainingWorker } from '../../../../client/web/training/training-worker.js';
import type { EngineName } from '../../../../common/engine/engine.js';
import { asLentigoError } from '../../../../common/errors.js';
import type { Picture } from '../../../../common/images/picture.js';
import { dataset, trainingJob } from './scenario.js';

async function toPng({ width, height, data }: Picture): Promise<Blob> {
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++)
    pixels.data.set([data[i * 3]!, data[i * 3 + 1]!, data[i * 3 + 2]!, 255], i * 4);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return await canvas.convertToBlob({ type: 'image/png' });
}

const { samples } = dataset();
const rows = samples.map(({ id, label, patient, split, revision }) => ({
  id,
  label,
  patient,
  split,
  revision,
}));
const photograph = async (id: string): Promise<Blob> =>
  await toPng(await samples.find((s) => s.id === id)!.load());

let worker: TrainingWorker;
let begun: () => void;

const page = {
  async start(engine?: EngineName) {
    worker = await TrainingWorker.start(engine);
    return worker.engines;
  },

  /** Runs a training, and counts how often the page could run meanwhile. */
  async train(trainFrom: string) {
    const phases = new Set<string>();
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    try {
      const {
        delta,
        samples: count,
        loss,
      } = await worker.trainer(rows, photograph)(trainingJob(trainFrom), {
        signal: new AbortController().signal,
        onProgress: (phase) => (phases.add(phase), begun()),
      });
      return { delta: [...delta], count, loss, phases: [...phases], turns };
    } finally {
      clearInterval(timer);
    }
  },

  /** Resolves when the first training step is done or about to be done. */
  training: new Promise<void>((resolve) => (begun = resolve)),

  /** Stops a training at its first progress event. Returns how it ended. */
  async stopped() {
    const abort = new AbortController();
    return await worker
      .trainer(rows, photograph)(trainingJob('features.0'), {
        signal: abort.signal,
        onProgress: () => abort.abort(new Error('enough')),
      })
      .then(
        () => 'finished',
        (error: Error) => error.message,
      );
  },

  /** The error code of a training with an unknown block. */
  async refusal() {
    return await worker
      .trainer(rows, photograph)(
        { ...trainingJob('features.4'), start: new Uint8Array(8) },
        { signal: new AbortController().signal, onProgress: () => {} },
      )
      .then(
        () => 'finished',
        (error: unknown) => asLentigoError(error).code,
      );
  },

  /**
   * The starting model's probabilities and heat map of the first picture, and those after a delta
   * of all zeros.
   */
  async predict() {
    const { start, base } = trainingJob('features.3');
    await worker.prepare({ start });
    const picture = await photograph(samples[0]!.id);
    const { probabilities } = await worker.predict(picture);
    const { heat, side } = await worker.explain(picture);
    await worker.prepare({ start, parameters: { trainFrom: 'features.3', base } });
    return {
      probabilities,
      heat: heat.length === side * side,
      again: (await worker.predict(picture)).probabilities,
    };
  },

  end: () => worker.end(),
};

export type TrainingPage = typeof page;
Object.assign(globalThis, { page });
