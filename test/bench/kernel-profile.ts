// Where an engine's time goes: milliseconds of processor time, of all threads together, per image
// and kernel, for EfficientNet-B0's inference and one training step. Other load on the machine
// doesn't affect it. node dist/test/bench/kernel-profile.js [batch] [first trainable block]
// [engine]
import * as tf from '@tensorflow/tfjs';
import { type EngineName, useEngine } from '../../common/engine/engine.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { createStudent, initialParameters } from '../../common/model/student.js';
import { Random } from '../../common/random.js';

const batch = Number(process.argv[2] ?? 4);
const trainFrom = process.argv[3] ?? 'features.0';
const REPEATS = 5;

/** Processor time of this process so far, in ms. */
const now = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

await useEngine((process.argv[4] ?? 'wasm') as EngineName);
const backend = tf.getBackend();
const spent = new Map<string, { ms: number; calls: number }>();
for (const config of tf.getKernelsForBackend(backend)) {
  tf.unregisterKernel(config.kernelName, backend);
  const kernelFunc: tf.KernelFunc = (call) => {
    const start = now();
    const out = config.kernelFunc(call);
    const entry = spent.get(config.kernelName) ?? { ms: 0, calls: 0 };
    spent.set(config.kernelName, { ms: entry.ms + now() - start, calls: entry.calls + 1 });
    return out;
  };
  tf.registerKernel({ ...config, kernelFunc });
}

function profile(title: string, step: () => void): void {
  step();
  spent.clear();
  const start = now();
  for (let i = 0; i < REPEATS; i++) step();
  const total = now() - start;
  const each = (ms: number) => (ms / REPEATS / batch).toFixed(1).padStart(7);
  const kernels = [...spent]
    .sort(([, a], [, b]) => b.ms - a.ms)
    .filter(([, { ms }]) => ms > total / 500);
  const inKernels = [...spent.values()].reduce((sum, { ms }) => sum + ms, 0);
  console.log(
    `\n${title}: ${each(total).trim()} ms/image, of them outside of kernels ${each(total - inKernels).trim()}`,
  );
  for (const [name, { ms, calls }] of kernels)
    console.log(`${each(ms)}  ${String(calls / REPEATS).padStart(5)} calls  ${name}`);
}

const student = createStudent({
  architecture: 'efficientnet_b0',
  labels: PAD_UFES_LABELS,
  parameters: initialParameters('efficientnet_b0', PAD_UFES_LABELS, new Random(1)),
});
const x = tf.randomNormal<tf.Rank.R4>([batch, 224, 224, 3], 0, 1, 'float32', 1);
const y = tf.oneHot(
  tf.tensor1d(
    Array.from({ length: batch }, (_, i) => i % 6),
    'int32',
  ),
  6,
);
const optimizer = tf.train.sgd(1e-3);
const features = student.features(x, trainFrom);
profile('inference', () => student.logits(x).dispose());
profile(`training from ${trainFrom}`, () =>
  optimizer.minimize(
    () => tf.losses.softmaxCrossEntropy(y, student.logits(features, trainFrom)),
    false,
    student.variables(trainFrom),
  ),
);
