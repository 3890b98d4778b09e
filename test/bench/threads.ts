// The gain of a second thread on WASM, in its own process: node threads.js BATCH TURNS ROW; prints
// milliseconds per image as JSON. It compares three ways in turn, each with several steps in a row
// as in training: one thread; two threads on one batch; and two independent threads, each on a
// batch of half the size, which shows what this machine can gain from two.
import * as tf from '@tensorflow/tfjs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { useEngine } from '../../common/engine/engine.node.js';
import { ThreadedStep } from '../../common/training/gradient-threads.js';
import { startThread } from '../../common/training/gradient-threads.node.js';
import { createOptimiser } from '../../common/training/optimiser.js';
import { inTurns } from '../../common/training/speed.node.js';
import { trainStep } from '../../common/training/step.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';

const TRAIN_FROM = 'features.0';
const CLASSES = PAD_UFES_LABELS.names.length;
const LOSS = {
  gamma: 2,
  weights: Array.from({ length: CLASSES }, () => 1),
  offsets: Array.from({ length: CLASSES }, () => 0),
};
const BATCH = Number(process.argv[2]);

/** A training of EfficientNet-B0 on this thread, with this many random images per step. */
function training(batch: number) {
  const student = createStudent({
    architecture: 'efficientnet_b0',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)),
  });
  const x = tf.randomNormal<tf.Rank.R4>(
    [batch, student.inputSize, student.inputSize, 3],
    0,
    1,
    'float32',
    1,
  );
  const labels = Array.from({ length: batch }, (_, i) => i % CLASSES);
  const optimiser = createOptimiser(student.variables(TRAIN_FROM), {
    optimiser: 'adamw',
    learningRate: 1e-4,
    momentum: 0,
    weightDecay: 0.01,
  });
  const read = (loss: tf.Scalar): void => {
    loss.dataSync();
    loss.dispose();
  };
  return {
    step: () => read(trainStep(student, TRAIN_FROM, optimiser, x, labels, LOSS)),
    threaded: async (threads: ThreadedStep) => read(await threads.step(optimiser, x, labels)),
    threads: () =>
      ThreadedStep.start(student, { trainFrom: TRAIN_FROM, loss: LOSS }, x.shape.slice(1), batch, [
        startThread(),
      ]),
  };
}

const answer = (worker: Worker): Promise<void> =>
  new Promise(
    (resolve, reject) => void worker.once('message', () => resolve()).once('error', reject),
  );

await useEngine('wasm');
if (isMainThread) {
  const [turns, row] = process.argv.slice(3).map(Number) as [number, number];
  const whole = training(BATCH);
  const half = training(BATCH / 2);
  const threads = await whole.threads();
  const other = new Worker(new URL(import.meta.url), { argv: [BATCH] });
  await answer(other);
  const separately = async (): Promise<void> => {
    const answered = answer(other);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    other.postMessage('step');
    half.step();
    await answered;
  };
  const [alone, together, apart] = (
    await inTurns(turns, row, [whole.step, () => whole.threaded(threads), separately])
  ).map((ms) => ms / BATCH);
  process.stdout.write(`${JSON.stringify({ alone, together, apart })}\n`, () => process.exit());
} else {
  const { step } = training(BATCH / 2);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const done = (): void => parentPort!.postMessage('done');
  parentPort!.on('message', () => (step(), done()));
  done();
}
