// How long a training step waits for its images: read on demand, and read ahead in another thread.
import { openDataset } from '../../common/dataset/open.node.js';
import type { Sample } from '../../common/dataset/sample.js';
import { surveyEngines, useEngine } from '../../common/engine/engine.node.js';
import { breathe, type Example, FeatureSource } from '../../common/training/features.js';
import { InputThread } from '../../common/training/input-thread.node.js';
import { DirectReader, type InputReader } from '../../common/training/inputs.js';
import { createOptimiser } from '../../common/training/optimiser.js';
import { trainStep } from '../../common/training/step.js';
import { batchesOf } from '../../common/training/train.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters, type Student } from '../../common/model/student.js';
import { Random } from '../../common/random.js';
import { HAS_PAD_UFES, PAD_UFES } from '../support/shared-data.js';
import { type Benchmark, median, table } from './benchmark.js';

const BATCH = 8;
const STEPS = 12;
const LOSS = {
  gamma: 2,
  weights: PAD_UFES_LABELS.names.map(() => 1),
  offsets: PAD_UFES_LABELS.names.map(() => 0),
};

/** Milliseconds of each step, and the part of them spent waiting for its images. */
interface Steps {
  readonly step: number[];
  readonly waiting: number[];
}

export const images: Benchmark = {
  name: 'images',
  title: 'Images: what a training step waits for',
  command: 'npm run bench -- images',
  async run(say) {
    // By name, because modules imported for other benchmarks select another engine.
    const engine = await useEngine(
      (await surveyEngines()).find(({ available, onRequest }) => available && !onRequest)!.name,
    );
    const dataset = await openDataset(HAS_PAD_UFES ? PAD_UFES : 'synthetic:images=200&split=train');
    const samples = dataset.samples
      .filter(({ split }) => split === 'train')
      .slice(0, BATCH * STEPS);
    const student = createStudent({
      architecture: 'efficientnet_b0',
      labels: PAD_UFES_LABELS,
      parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)),
    });
    const thread = new InputThread();
    const [one] = await new DirectReader().read(samples[0]!, [0], student.inputSize);
    const atHand: InputReader = {
      read: async (_, variants) => variants.map(() => one!),
      release: async () => {},
    };
    const measure = async (
      what: string,
      epoch: number,
      reader: InputReader,
      ahead = true,
    ): Promise<readonly [string, Steps]> => {
      say(what);
      return [what, await train(student, samples, epoch, reader, ahead)];
    };
    await measure('warming up', 0, atHand);
    const rows = [
      await measure(
        'read by the training thread when a step needs them',
        1,
        new DirectReader(0),
        false,
      ),
      await measure('read ahead in a thread of their own, first epoch', 2, thread),
      await measure('the same, later epochs: kept decoded', 3, thread),
      await measure('no reading at all: one image again and again', 4, atHand),
    ];
    await thread.release();
    student.dispose();
    const source = HAS_PAD_UFES
      ? 'PAD-UFES-20 (the shorter side at 256 pixels)'
      : 'synthetic lesions, 256 × 256 pixels';
    return `EfficientNet-B0 trained whole on ${engine}, ${BATCH} augmented images of ${source} a step; medians of ${STEPS} steps.

${table(
  ['images', 'ms a step', 'of these waiting for images', 'share'],
  rows.map(([what, { step, waiting }]) => {
    const [total, wait] = [median(step), median(waiting)];
    return [what, total.toFixed(0), wait.toFixed(1), `${((100 * wait) / total).toFixed(1)} %`];
  }),
)}`;
  },
};

/**
 * One epoch, with the same steps as `train`.
 * @param ahead false: a batch is requested only when the step before it is done
 */
async function train(
  student: Student,
  samples: readonly Sample[],
  epoch: number,
  reader: InputReader,
  ahead: boolean,
): Promise<Steps> {
  const trainFrom = student.blocks[0]!;
  const source = new FeatureSource(student, trainFrom, { reader });
  const optimiser = createOptimiser(student.variables(trainFrom), {
    optimiser: 'adamw',
    learningRate: 1e-4,
    momentum: 0,
    weightDecay: 0.01,
  });
  const batches = batchesOf<Example>(
    samples.map((sample, i) => ({ sample, variant: epoch * samples.length + i + 1 })),
    BATCH,
  );
  const steps: Steps = { step: [], waiting: [] };
  for (const part of ahead ? [batches] : batches.map((batch) => [batch])) {
    const reading = source.batches(part);
    for (;;) {
      const began = performance.now();
      const next = await reading.next();
      if (next.done) break;
      const ready = performance.now();
      const { x, used } = next.value!;
      const loss = trainStep(
        student,
        trainFrom,
        optimiser,
        x,
        used.map((_, i) => i % PAD_UFES_LABELS.names.length),
        LOSS,
        true,
      );
      await loss.data();
      x.dispose();
      loss.dispose();
      await breathe();
      steps.step.push(performance.now() - began);
      steps.waiting.push(ready - began);
    }
  }
  optimiser.dispose();
  return steps;
}
