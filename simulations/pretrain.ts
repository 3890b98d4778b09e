// Makes the starting model of the demo: EfficientNet-B0 trained from nothing on synthetic lesions of the neutral site. `npm run pretrain -- --out models/start`
import * as tf from '@tensorflow/tfjs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { syntheticDataset } from '../common/dataset/synthetic.js';
import { useEngine } from '../common/engine/engine.node.js';
import { augment } from '../common/images/augment.js';
import type { Picture } from '../common/images/picture.js';
import { normalise } from '../common/images/prepare.js';
import { AdamW } from '../common/learning/adamw.js';
import { trainingForward } from '../common/learning/batch-norm.js';
import { classBalance } from '../common/learning/class-balance.js';
import { evaluate } from '../common/learning/evaluate.js';
import { focalLoss } from '../common/learning/focal-loss.js';
import { trainStep } from '../common/learning/step.js';
import { PAD_UFES_LABELS } from '../common/model/labels.js';
import { networkOf } from '../common/model/architecture.js';
import { decodeModel, encodeModel } from '../common/model/encoding.js';
import { createStudent, initialParameters, type Student } from '../common/model/student.js';
import { Random } from '../common/random.js';
import type { ParameterSet } from '../common/update/parameter-set.js';

const { values: given } = parseArgs({
  options: {
    out: { type: 'string', default: 'models/start' },
    images: { type: 'string', default: '2400' },
    seed: { type: 'string', default: '1' },
    /** Goes on with this phase, from the model that the one before left in --out. */
    phase: { type: 'string', default: '1' },
  },
});

/** Small pictures first: most is learnt at a fifth of the price (progressive resizing). Then shapes instead of colours: the same pictures under any lamp. */
const PHASES = [
  { size: 96, epochs: 12, batch: 16, peak: 1.5e-3, batchNorm: true, lamps: false },
  { size: 128, epochs: 4, batch: 16, peak: 7e-4, batchNorm: true, lamps: false },
  { size: 224, epochs: 1, batch: 16, peak: 1e-4, batchNorm: false, lamps: false },
  { size: 128, epochs: 3, batch: 16, peak: 7e-4, batchNorm: true, lamps: true },
  { size: 224, epochs: 1, batch: 16, peak: 3e-4, batchNorm: true, lamps: true },
];
const WEIGHT_DECAY = 0.05;
const CALIBRATION_IMAGES = 192;
/** Share of a phase's steps in which the learning rate rises. */
const WARM_UP = 0.1;

const phase = Number(given.phase);
const file = join(given.out, 'model.safetensors');
const labels = PAD_UFES_LABELS;
const random = new Random(`pretrain ${given.seed}`);
const started = performance.now();
const log = (text: string) => console.error(`${((performance.now() - started) / 60_000).toFixed(1).padStart(5)} min  ${text}`);

/** Linear warm-up, then a half cosine to 0 (Loshchilov & Hutter 2017). */
const schedule = (peak: number, done: number) => peak * (done < WARM_UP ? done / WARM_UP : (1 + Math.cos((Math.PI * (done - WARM_UP)) / (1 - WARM_UP))) / 2);

/** The picture under another lamp and through another phone: colour of the light, exposure, tone curve. */
function relight({ width, height, data }: Picture, draw: Random): Picture {
  const [warmth, green, exposure, gamma] = [draw.uniform(-0.35, 0.35), draw.uniform(-0.2, 0.2), draw.uniform(-0.35, 0.2), draw.uniform(0.7, 1.45)];
  const tables = [warmth, green, -warmth].map((tint) => Uint8ClampedArray.from({ length: 256 }, (_, v) => 255 * (v / 255) ** gamma * Math.exp(exposure + tint)));
  return { width, height, data: data.map((v, i) => tables[i % 3]![v]!) };
}

function stack(pictures: readonly Picture[], size: number, lamps: boolean, draw: Random): tf.Tensor4D {
  const all = new Float32Array(pictures.length * size * size * 3);
  for (const [i, picture] of pictures.entries()) {
    const variant = augment(picture, size, draw);
    all.set(normalise(lamps ? relight(variant, draw) : variant), i * size * size * 3);
  }
  return tf.tensor4d(all, [pictures.length, size, size, 3]);
}

/** Batch-norm statistics at the size that clinics work with. */
async function calibrate(student: Student, pictures: readonly Picture[], lamps: boolean): Promise<void> {
  const size = student.inputSize;
  const draw = random.fork('calibration', size);
  const batches: tf.Tensor4D[] = [];
  for (let i = 0; i < Math.min(CALIBRATION_IMAGES, pictures.length); i += 16) batches.push(stack(pictures.slice(i, i + 16), size, lamps, draw));
  await student.calibrate(batches);
  tf.dispose(batches);
}

function initial(): ParameterSet {
  const parameters = initialParameters('efficientnet_b0', labels, random);
  // torchvision's dense layer starts with logits far apart: a few hundred steps would be spent on taking them back.
  parameters.get(`${networkOf('efficientnet_b0').head.dense}.weight`).fill(0);
  return parameters;
}

async function report(student: Student): Promise<void> {
  for (const sites of [[0], [1, 2, 3]]) {
    const { samples } = syntheticDataset({ seed: 2000, sites, images: 180, split: 'validation' });
    const { balancedAccuracy, malignantAuc } = await evaluate(student, samples);
    log(`sites ${sites.join()}: balanced accuracy ${balancedAccuracy?.toFixed(3)}, malignant AUC ${malignantAuc?.toFixed(3)}`);
  }
}

log(`engine ${await useEngine()}`);
const { samples } = syntheticDataset({ seed: 1000 + Number(given.seed), sites: [0], images: Number(given.images), split: 'train' });
const pictures: Picture[] = [];
for (const sample of samples) pictures.push(await sample.load());
const classes = samples.map(({ label }) => labels.names.indexOf(label));
log(`${pictures.length} pictures painted`);

const student = createStudent(phase > 1 ? decodeModel(await readFile(file)) : { architecture: 'efficientnet_b0', labels, parameters: initial() });
const first = student.blocks[0]!;
const variables = student.variables(first);
const forward = trainingForward(student);
const counts = labels.names.map((_, c) => classes.filter((own) => own === c).length);
const balance = classBalance(counts, 'inverse-sqrt');
const weights = tf.tensor1d([...balance.weights]);

for (const [p, { size, epochs, batch, peak, batchNorm, lamps }] of PHASES.entries()) {
  if (p + 1 < phase) continue;
  const optimiser = new AdamW(variables, { learningRate: 0, weightDecay: WEIGHT_DECAY });
  const steps = Math.floor(samples.length / batch);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const draw = random.fork(p + 1, epoch);
    const order = draw.shuffle(classes.map((_, i) => i));
    let sum = 0;
    for (let step = 0; step < steps; step++) {
      const chosen = order.slice(step * batch, (step + 1) * batch);
      const x = stack(chosen.map((i) => pictures[i]!), size, lamps, draw);
      const own = chosen.map((i) => classes[i]!);
      optimiser.learningRate = schedule(peak, (epoch * steps + step) / (epochs * steps));
      const loss = batchNorm
        ? tf.tidy(() => {
            const { value, grads } = tf.variableGrads(() => focalLoss(forward(x), tf.tensor1d(own, 'int32'), 0, weights), variables);
            optimiser.apply(variables.map((v) => grads[v.name]!));
            return value;
          })
        : trainStep(student, first, optimiser, x, own, { gamma: 0, ...balance });
      sum += (await loss.data())[0]!;
      tf.dispose([x, loss]);
    }
    log(`phase ${p + 1}, ${size} pixels, epoch ${epoch + 1} of ${epochs}: loss ${(sum / steps).toFixed(3)}`);
  }
  optimiser.dispose();
  if (batchNorm) await calibrate(student, pictures, lamps);
  await report(student);
  await mkdir(given.out, { recursive: true });
  await writeFile(file, encodeModel({ architecture: student.architecture, labels, parameters: await student.parameters() }, { half: true }));
}
