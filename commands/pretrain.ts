// Makes the starting model of the demo, on synthetic lesions of the neutral site alone:
// EfficientNet-B0 trained from nothing, then taught by a teacher that also reads the metadata. `npm
// run pretrain -- --out models/start`
import * as tf from '@tensorflow/tfjs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sample } from '../common/dataset/sample.js';
import { syntheticDataset } from '../common/dataset/synthetic.js';
import { useEngine } from '../common/engine/engine.node.js';
import { augment } from '../common/images/augment.js';
import type { Picture } from '../common/images/picture.js';
import { normalise } from '../common/images/prepare.js';
import { AdamW } from '../common/training/adamw.js';
import { trainingForward } from '../common/training/batch-norm.js';
import { classBalance } from '../common/training/class-balance.js';
import { evaluate } from '../common/evaluation/evaluate.js';
import { focalLoss } from '../common/training/focal-loss.js';
import { warmUpCosine } from '../common/training/schedule.js';
import { trainStep } from '../common/training/step.js';
import { PAD_UFES_LABELS } from '../common/model/labels.js';
import { networkOf } from '../common/model/architecture.js';
import { decodeModel, encodeModel } from '../common/model/encoding.js';
import { loadModel } from '../common/model/folder.node.js';
import { VERSION } from '../common/version.js';
import { createStudent, initialParameters, type Student } from '../common/model/student.js';
import { Random } from '../common/random.js';
import type { ParameterSet } from '../common/update/parameter-set.js';
import { distill } from '../coordinator/distillation/distill.js';
import { padUfes } from '../coordinator/distillation/presets/pad-ufes.js';
import type { Recipe } from '../coordinator/distillation/recipe.js';
import { LOSS_NAMES, setUp } from '../coordinator/distillation/setup.js';

const { values: given } = parseArgs({
  options: {
    out: { type: 'string', default: 'models/start' },
    images: { type: 'string', default: '2400' },
    seed: { type: 'string', default: '1' },
    /**
     * Goes on with this phase, from the model that the one before left in --out. The last is the
     * distillation.
     */
    phase: { type: 'string', default: '1' },
    /** The folder of the distillation, which carries on there after a kill. */
    work: { type: 'string', default: 'out/start' },
  },
});

/**
 * Small pictures first: most is learnt at a fifth of the price (progressive resizing). Then shapes
 * instead of colours: the same pictures under any lamp.
 */
const PHASES = [
  { size: 96, epochs: 12, batch: 16, peak: 1.5e-3, batchNorm: true, lamps: false },
  { size: 128, epochs: 4, batch: 16, peak: 7e-4, batchNorm: true, lamps: false },
  { size: 224, epochs: 1, batch: 16, peak: 1e-4, batchNorm: false, lamps: false },
  { size: 128, epochs: 3, batch: 16, peak: 7e-4, batchNorm: true, lamps: true },
  { size: 224, epochs: 1, batch: 16, peak: 3e-4, batchNorm: true, lamps: true },
];
/**
 * Last, a teacher on the same network, with attention and metadata, teaches it: pad-ufes' losses, a
 * budget of minutes.
 */
const RECIPE: Recipe = {
  ...padUfes,
  name: 'start',
  about: 'the starting model, on synthetic lesions',
  student: {
    architecture: 'efficientnet_b0',
    phases: [{ trainFrom: 'all', epochs: 4, learningRate: 1e-4, weightDecay: 0.05, patience: 4 }],
  },
  teachers: {
    'efficientnet-b0': [
      {
        architecture: 'efficientnet_b0',
        attention: true,
        fused: 256,
        dropout: 0.3,
        phases: [
          {
            trainFrom: 'features.7',
            epochs: 12,
            learningRate: 5e-4,
            weightDecay: 0.05,
            patience: 4,
          },
        ],
      },
    ],
  },
  variants: 4,
};
const TAUGHT_IMAGES = 1500;
const WEIGHT_DECAY = 0.05;
const CALIBRATION_IMAGES = 192;

const phase = Number(given.phase);
const file = join(given.out, 'model.safetensors');
const labels = PAD_UFES_LABELS;
const random = new Random(`pretrain ${given.seed}`);
const started = performance.now();
const log = (text: string) =>
  console.error(`${((performance.now() - started) / 60_000).toFixed(1).padStart(5)} min  ${text}`);

/**
 * The picture under another lamp and through another phone: colour of the light, exposure, tone
 * curve.
 */
function relight({ width, height, data }: Picture, draw: Random): Picture {
  const [warmth, green, exposure, gamma] = [
    draw.uniform(-0.35, 0.35),
    draw.uniform(-0.2, 0.2),
    draw.uniform(-0.35, 0.2),
    draw.uniform(0.7, 1.45),
  ];
  const tables = [warmth, green, -warmth].map((tint) =>
    Uint8ClampedArray.from(
      { length: 256 },
      (_, v) => 255 * (v / 255) ** gamma * Math.exp(exposure + tint),
    ),
  );
  return { width, height, data: data.map((v, i) => tables[i % 3]![v]!) };
}

function stack(
  pictures: readonly Picture[],
  size: number,
  lamps: boolean,
  draw: Random,
): tf.Tensor4D {
  const all = new Float32Array(pictures.length * size * size * 3);
  for (const [i, picture] of pictures.entries()) {
    const variant = augment(picture, size, draw);
    all.set(normalise(lamps ? relight(variant, draw) : variant), i * size * size * 3);
  }
  return tf.tensor4d(all, [pictures.length, size, size, 3]);
}

/** Batch-norm statistics at the size that clinics work with. */
async function calibrate(
  student: Student,
  pictures: readonly Picture[],
  lamps: boolean,
): Promise<void> {
  const size = student.inputSize;
  const draw = random.fork('calibration', size);
  const batches: tf.Tensor4D[] = [];
  for (let i = 0; i < Math.min(CALIBRATION_IMAGES, pictures.length); i += 16)
    batches.push(stack(pictures.slice(i, i + 16), size, lamps, draw));
  await student.calibrate(batches);
  tf.dispose(batches);
}

function initial(): ParameterSet {
  const parameters = initialParameters('efficientnet_b0', labels, random);
  // torchvision's dense layer starts with logits far apart: a few hundred steps would be spent on
  // taking them back.
  parameters.get(`${networkOf('efficientnet_b0').head.dense}.weight`).fill(0);
  return parameters;
}

async function report(student: Student): Promise<void> {
  for (const sites of [[0], [1, 2, 3]]) {
    const { samples } = syntheticDataset({ seed: 2000, sites, images: 180, split: 'validation' });
    const { balancedAccuracy, malignantAuc } = await evaluate(student, samples);
    log(
      `sites ${sites.join()}: balanced accuracy ${balancedAccuracy?.toFixed(3)}, malignant AUC ${malignantAuc?.toFixed(3)}`,
    );
  }
}

/** Trains from nothing, small pictures first, and leaves the model in --out after each phase. */
async function train(): Promise<void> {
  const { samples } = syntheticDataset({
    seed: 1000 + Number(given.seed),
    sites: [0],
    images: Number(given.images),
    split: 'train',
  });
  const pictures: Picture[] = [];
  for (const sample of samples) pictures.push(await sample.load());
  const classes = samples.map(({ label }) => labels.names.indexOf(label));
  log(`${pictures.length} pictures painted`);

  const student = createStudent(
    phase > 1
      ? decodeModel(await readFile(file))
      : { architecture: 'efficientnet_b0', labels, parameters: initial() },
  );
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
        const x = stack(
          chosen.map((i) => pictures[i]!),
          size,
          lamps,
          draw,
        );
        const own = chosen.map((i) => classes[i]!);
        optimiser.learningRate = peak * warmUpCosine((epoch * steps + step) / (epochs * steps));
        const loss = batchNorm
          ? tf.tidy(() => {
              const { value, grads } = tf.variableGrads(
                () => focalLoss(forward(x), tf.tensor1d(own, 'int32'), 0, weights),
                variables,
              );
              optimiser.apply(variables.map((v) => grads[v.name]!));
              return value;
            })
          : trainStep(student, first, optimiser, x, own, { gamma: 0, ...balance });
        sum += (await loss.data())[0]!;
        tf.dispose([x, loss]);
      }
      log(
        `phase ${p + 1}, ${size} pixels, epoch ${epoch + 1} of ${epochs}: loss ${(sum / steps).toFixed(3)}`,
      );
    }
    optimiser.dispose();
    if (batchNorm) await calibrate(student, pictures, lamps);
    await report(student);
    await mkdir(given.out, { recursive: true });
    await writeFile(
      file,
      encodeModel(
        {
          architecture: student.architecture,
          labels,
          parameters: await student.parameters(),
          provenance: {
            kind: 'pretraining',
            software: VERSION,
            made: new Date().toISOString(),
            chosen: `the last epoch of phase ${p + 1}`,
            settings: { seed: Number(given.seed), phase: p + 1, size },
            data: [
              {
                name: 'synthetic lesions',
                use: 'training',
                source: 'synthetic:site=0',
                licence: 'Apache-2.0',
              },
            ],
          },
        },
        { half: true },
      ),
    );
  }
  student.dispose();
}

/** Painting takes as long as a forward pass: the pictures are kept. */
async function paintedOnce(
  samples: readonly Sample[],
  change: (picture: Picture, of: Sample) => Picture = (picture) => picture,
): Promise<Sample[]> {
  const out: Sample[] = [];
  for (const sample of samples) {
    const picture = change(await sample.load(), sample);
    out.push({ ...sample, load: async () => picture });
  }
  return out;
}

/** Teaches the model in --out, and puts the student in its place. */
async function teach(): Promise<void> {
  const setup = await setUp({
    recipe: RECIPE,
    teacher: 'efficientnet-b0',
    losses: LOSS_NAMES,
    metadata: 'all',
    seed: Number(given.seed),
    data: `synthetic:site=0&images=${TAUGHT_IMAGES}&seed=${3000 + Number(given.seed)}&size=224`,
    init: given.out,
    teacherInit: [given.out],
  });
  const { train, validation, heldout } = setup.splits;
  const splits = {
    train: await paintedOnce(train, (picture, { id }) => relight(picture, random.fork('lamp', id))),
    validation: await paintedOnce(validation),
    heldout: await paintedOnce(heldout),
  };
  const { trained } = await distill({ ...setup, splits }, given.work, {
    onEpoch: (name, { epoch, loss, validation }) =>
      log(
        `${name}, epoch ${epoch}: loss ${loss.toFixed(3)}, validation balanced accuracy ${validation.balancedAccuracy?.toFixed(3)}`,
      ),
  });
  for (const { name, epoch, heldout: metrics } of trained)
    log(
      `${name}, epoch ${epoch}: held-out balanced accuracy ${metrics.balancedAccuracy?.toFixed(3)}, malignant AUC ${metrics.malignantAuc?.toFixed(3)}`,
    );
  const model = await loadModel(join(given.work, 'student', 'model'));
  await writeFile(file, encodeModel(model, { half: true }));
  const student = createStudent(model);
  await report(student);
  student.dispose();
}

log(`engine ${await useEngine()}`);
if (phase <= PHASES.length) await train();
await teach();
