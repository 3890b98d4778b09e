// What a second thread brings: full training steps of EfficientNet-B0 on WASM, on one thread and on several in turn, and their ratio.
// node dist/test/bench/threads.js [batch] [first trainable block] [threads]
import * as tf from '@tensorflow/tfjs';
import { useEngine } from '../../common/engine/engine.node.js';
import { ThreadedStep } from '../../common/learning/gradient-threads.js';
import { startThread } from '../../common/learning/gradient-threads.node.js';
import { createOptimiser } from '../../common/learning/optimiser.js';
import { trainStep } from '../../common/learning/step.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';

const batch = Number(process.argv[2] ?? 16);
const trainFrom = process.argv[3] ?? 'features.0';
const threads = Number(process.argv[4] ?? 2);
const REPEATS = 5;

await useEngine('wasm');
const student = createStudent({ architecture: 'efficientnet_b0', labels: PAD_UFES_LABELS, parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)) });
const optimiser = createOptimiser(student.variables(trainFrom), { optimiser: 'adamw', learningRate: 1e-4, momentum: 0, weightDecay: 0 });
const shape = tf.tidy(() => student.features(tf.zeros([1, 224, 224, 3]), trainFrom).shape.slice(1));
const x = tf.randomNormal([batch, ...shape], 0, 1, 'float32', 1);
const labels = Array.from({ length: batch }, (_, i) => i % 6);
const loss = { gamma: 2, weights: [1, 1, 1, 1, 1, 1], offsets: [0, 0, 0, 0, 0, 0] };
const threaded = await ThreadedStep.start(student, { trainFrom, loss }, shape, batch, Array.from({ length: threads - 1 }, startThread));

async function time(step: () => tf.Scalar | Promise<tf.Scalar>): Promise<number> {
  const start = performance.now();
  const value = await step();
  await value.data();
  value.dispose();
  return (performance.now() - start) / batch;
}
const ones: number[] = [];
const severals: number[] = [];
for (let i = -1; i < REPEATS; i++) {
  const one = await time(() => trainStep(student, trainFrom, optimiser, x, labels, loss));
  const several = await time(() => threaded.step(optimiser, x, labels));
  if (i >= 0) {
    ones.push(one);
    severals.push(several);
  }
}
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const ratio = median(ones.map((one, i) => one / severals[i]!));
console.log(`batch ${batch} from ${trainFrom}: ${median(ones).toFixed(1)} ms/image on one thread, ${median(severals).toFixed(1)} on ${threads}: ${ratio.toFixed(2)} times as fast (median of ${REPEATS} pairs)`);
threaded.dispose();
