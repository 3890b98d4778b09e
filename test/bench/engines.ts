// Milliseconds per image of EfficientNet-B0, inference and one whole training step (frozen batch norm, SGD), on each engine that is there.
import * as tf from '@tensorflow/tfjs';
import { type EngineName, surveyEngines, useEngine } from '../../common/engine/engine.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';
import { type Benchmark, median, table } from './benchmark.js';

const BATCH = 8;
const REPEATS = 5;
/** The whole network, and the last blocks only, from cached features. */
const TRAIN_FROM = ['features.0', 'features.7'];

export const engines: Benchmark = {
  name: 'engines',
  title: 'Engines: one image',
  command: 'npm run bench -- engines',
  async run(say) {
    const rows: string[][] = [];
    for (const { name, available } of await surveyEngines()) {
      if (!available || name === 'cpu') continue;
      say(name);
      rows.push([name, ...(await measure(name)).map((ms) => ms.toFixed(1))]);
    }
    return `EfficientNet-B0, 224 × 224 pixels, ${BATCH} images at a time; milliseconds per image, median of ${REPEATS} steps after one to warm up. A training step is forward, backward and the optimiser (SGD), batch norm frozen; from a later block it starts at that block's cached features.

${table(['engine', 'inference', ...TRAIN_FROM.map((block) => `training from ${block}`)], rows)}`;
  },
};

/** Inference, then a training step from each of TRAIN_FROM; ms per image. */
async function measure(engine: EngineName): Promise<number[]> {
  await useEngine(engine);
  const student = createStudent({ architecture: 'efficientnet_b0', labels: PAD_UFES_LABELS, parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)) });
  const x = tf.randomNormal<tf.Rank.R4>([BATCH, 224, 224, 3], 0, 1, 'float32', 1);
  const y = tf.oneHot(tf.tensor1d(Array.from({ length: BATCH }, (_, i) => i % 6), 'int32'), 6);
  const optimizer = tf.train.sgd(1e-3);
  const times = [
    await perImage(async () => {
      const logits = student.logits(x);
      await logits.data();
      logits.dispose();
    }),
  ];
  for (const trainFrom of TRAIN_FROM) {
    const features = student.features(x, trainFrom);
    times.push(
      await perImage(async () => {
        const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, student.logits(features, trainFrom)), true, student.variables(trainFrom))!;
        await loss.data();
        loss.dispose();
      }),
    );
    if (features !== x) features.dispose();
  }
  tf.dispose([x, y]);
  student.dispose();
  return times;
}

async function perImage(step: () => Promise<void>): Promise<number> {
  await step();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await step();
    times.push((performance.now() - start) / BATCH);
  }
  return median(times);
}
