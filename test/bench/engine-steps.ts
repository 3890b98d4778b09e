// Milliseconds per 224×224 image of EfficientNet-B0, inference and one whole training step (frozen batch norm, SGD), on each engine that is there.
// node dist/test/bench/engine-steps.js [batch] [first trainable block]
import * as tf from '@tensorflow/tfjs';
import { type EngineName, surveyEngines, useEngine } from '../../common/engine/engine.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';

const batch = Number(process.argv[2] ?? 8);
const trainFrom = process.argv[3] ?? 'features.0';
const REPEATS = 5;

/** The median of several runs, after one to warm up. */
async function median(step: () => Promise<void>): Promise<number> {
  await step();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await step();
    times.push((performance.now() - start) / batch);
  }
  return times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)]!;
}

async function measure(engine: EngineName): Promise<void> {
  await useEngine(engine);
  const student = createStudent({ architecture: 'efficientnet_b0', labels: PAD_UFES_LABELS, parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)) });
  const x = tf.randomNormal<tf.Rank.R4>([batch, 224, 224, 3], 0, 1, 'float32', 1);
  const y = tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % 6), 'int32'), 6);
  const optimizer = tf.train.sgd(1e-3);
  const features = student.features(x, trainFrom);
  const inference = await median(async () => {
    const logits = student.logits(x);
    await logits.data();
    logits.dispose();
  });
  const training = await median(async () => {
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, student.logits(features, trainFrom)), true, student.variables(trainFrom))!;
    await loss.data();
    loss.dispose();
  });
  console.log(`${engine.padEnd(7)} batch ${batch}: inference ${inference.toFixed(1)} ms/image, training from ${trainFrom} ${training.toFixed(1)} ms/image`);
  tf.dispose([x, y, features]);
  student.dispose();
}

for (const { name, available } of await surveyEngines()) if (available && name !== 'cpu') await measure(name);
