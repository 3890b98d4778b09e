// A dataset of one's own: anything that can say its samples, here brown and black discs.
// Registered by a name, it can be named wherever data is; as an object it can be given directly.
import {
  createModel,
  type Dataset,
  type LabelSet,
  openDataset,
  type Picture,
  Random,
  registerDataset,
  type Sample,
  simulate,
  SPLITS,
} from 'lentigo';

const LABELS: LabelSet = { names: ['brown', 'black'], malignant: ['black'] };
const SIZE = 64;

/** 8-bit RGB, row by row: a disc on skin. */
function paint(label: string, random: Random): Picture {
  const data = new Uint8Array(SIZE * SIZE * 3);
  const colour = label === 'brown' ? [160, 110, 80] : [40, 30, 30];
  const [x, y, radius] = [26, 26, 14].map((least) => random.uniform(least, least + 12));
  for (let i = 0; i < SIZE * SIZE; i++) {
    const inside = Math.hypot((i % SIZE) - x!, Math.floor(i / SIZE) - y!) < radius!;
    data.set(inside ? colour : [230, 190, 170], i * 3);
  }
  return { width: SIZE, height: SIZE, data };
}

/** Two photographs of each patient; splits go by patient, never by image. */
function discs(images: number): Dataset {
  const samples = Array.from({ length: images }, (_, i): Sample => {
    const patient = Math.floor(i / 2);
    const label = LABELS.names[patient % 2]!;
    return {
      id: `disc-${i}`,
      label,
      patient: `patient-${patient}`,
      split: patient % 5 < 3 ? 'train' : SPLITS[(patient % 5) - 2]!,
      load: async () => paint(label, new Random(`disc ${i}`)),
    };
  });
  return { name: `${images} discs`, samples, problems: [] };
}

registerDataset('discs', {
  name: 'discs',
  citation: 'painted by examples/own-dataset.ts',
  licence: 'Apache-2.0',
  example: 'discs:60',
  recognises: (spec) => spec.startsWith('discs:'),
  open: (spec) => discs(Number(spec.slice('discs:'.length))),
});

const { name, samples } = await openDataset('discs:60');
console.log(`${name} of ${new Set(samples.map((sample) => sample.patient)).size} patients`);

const { report } = await simulate({
  data: 'discs:60',
  model: createModel({ architecture: 'nano', labels: LABELS }),
  clinics: 2,
  rounds: 2,
  training: { trainFrom: 'features.0', epochs: 6, learningRate: 1e-2, variants: 1 },
});
for (const { clinic, patients, images } of report.partition)
  console.log(`${clinic}: ${images} images of ${patients} patients`);
for (const { round, heldout } of report.rounds)
  console.log(`round ${round}: accuracy ${heldout.accuracy?.toFixed(3)}`);
