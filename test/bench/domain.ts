// The distance between dermoscopic images and clinical photographs, in colour and in features of
// published weights.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Comparison, Estimate } from '../../common/comparison/compare.js';
import { succeed } from '../support/processes.js';
import {
  HAM10000,
  HAS_HAM10000,
  HAS_PAD_UFES,
  HAS_WEIGHTS,
  PACKAGE_ROOT,
  PAD_UFES,
  WEIGHTS,
} from '../support/shared-data.js';
import { type Benchmark, table } from './benchmark.js';

const IMAGES = 250;
const percent = (v: number): string => `${(100 * v).toFixed(1)}%`;
const row = (name: string, e: Estimate | null): string[] =>
  e === null
    ? [name, '–', '–', '–']
    : [
        name,
        percent(e.value),
        `${percent(e.interval.low)} to ${percent(e.interval.high)}`,
        percent(e.chance),
      ];

export const domain: Benchmark = {
  name: 'domain',
  title: 'Dermoscopic images against clinical photographs',
  command: `npx lentigo dataset compare HAM10000_DIR PAD_UFES_DIR --model B0_DIR --images ${IMAGES} --out report.html`,
  long: true,
  async run(say) {
    if (!HAS_HAM10000 || !HAS_PAD_UFES || !HAS_WEIGHTS)
      throw new Error(
        'LENTIGO_HAM10000, LENTIGO_PAD_UFES and LENTIGO_WEIGHTS name what this compares',
      );
    const folder = await mkdtemp(join(tmpdir(), 'lentigo-domain-'));
    try {
      await succeed(
        [
          'weights',
          'import',
          '--from',
          join(WEIGHTS, 'efficientnet_b0/efficientnet_b0_trash7.safetensors'),
          '--out',
          join(folder, 'b0'),
        ],
        { cwd: PACKAGE_ROOT },
      );
      say('comparing');
      const json = await succeed(
        [
          'dataset',
          'compare',
          HAM10000,
          PAD_UFES,
          '--model',
          join(folder, 'b0'),
          '--images',
          String(IMAGES),
          '--out',
          join(folder, 'report.html'),
          '--json',
        ],
        { cwd: PACKAGE_ROOT },
      );
      const { images, patients, frechet, discrepancy, neighbours, colours } = JSON.parse(
        json,
      ) as Comparison;
      const { withinA, withinB, fromAToB, fromBToA } = neighbours.diagnosis;
      return `${images[0]} images of ${patients[0]} lesions of HAM10000, ${images[1]} of ${patients[1]} patients of PAD-UFES-20, drawn by seed 0. \`B0_DIR\`: \`lentigo weights import\` of a published EfficientNet-B0; features: its last activations, averaged over places, in the first ${frechet.components} principal components (${percent(frechet.share)} of the variance). Intervals (95%) are bootstrapped over patients.

Fréchet distance ${frechet.value.toFixed(1)} (${frechet.interval.low.toFixed(1)} to ${frechet.interval.high.toFixed(1)}); between random halves of HAM10000 ${frechet.within[0].toFixed(1)}, of PAD-UFES-20 ${frechet.within[1].toFixed(1)}. Maximum mean discrepancy, squared, ${discrepancy.value.toFixed(4)} (p ${discrepancy.p.toFixed(3)}, 200 permutations).

${table(
  [`${neighbours.k} nearest neighbours, balanced accuracy`, 'value', 'interval', 'chance'],
  [
    row('tell the archives apart', neighbours.archive),
    row('diagnosis within HAM10000', withinA),
    row('diagnosis within PAD-UFES-20', withinB),
    row('from HAM10000 to PAD-UFES-20', fromAToB),
    row('from PAD-UFES-20 to HAM10000', fromBToA),
  ],
)}

Diagnoses: ${neighbours.classes.join(', ')}, which both have.

${table(
  ['centre square, 0–1', 'HAM10000', 'PAD-UFES-20', 'difference in standard deviations'],
  Object.entries(colours).map(([name, { mean, difference }]) => [
    name,
    mean[0].toFixed(3),
    mean[1].toFixed(3),
    difference.toFixed(2),
  ]),
)}`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
