// `lentigo dataset compare`: two archives, one page.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import sharp from 'sharp';
import { openDataset } from '../common/dataset/open.node.js';
import { dataHelp } from '../common/dataset/registry.js';
import type { Dataset, Sample } from '../common/dataset/sample.js';
import { useEngine } from '../common/engine/engine.node.js';
import { imageError } from '../common/images/image-error.js';
import { prepare } from '../common/images/prepare.js';
import { loadModel, SHIPPED_MODEL } from '../common/model/folder.node.js';
import { createStudent, type Student } from '../common/model/student.js';
import { Random } from '../common/random.js';
import {
  compare,
  type Comparison,
  type Estimate,
  measure,
  type Measured,
} from '../common/comparison/compare.js';
import { reportPage, type Side } from '../common/comparison/report.js';
import { requireWritable } from './failure.js';
import { seed as parseSeed, whole } from './options.js';

const THUMBNAILS = 12;
const THUMBNAIL_PIXELS = 112;

/** At most `limit` images, drawn by the seed; of the diagnoses as they come. */
const draw = (samples: readonly Sample[], limit: number, seed: number): Sample[] =>
  new Random(seed)
    .fork('compare', samples.length)
    .shuffle([...samples])
    .slice(0, limit);

async function measureAll(
  student: Student,
  { name, samples }: Dataset,
  limit: number,
  seed: number,
): Promise<{ measured: Measured[]; side: Side }> {
  const measured: Measured[] = [];
  const thumbnails: { label: string; jpeg: string }[] = [];
  const drawn = draw(samples, limit, seed);
  for (const [i, sample] of drawn.entries()) {
    try {
      const picture = await sample.load();
      measured.push(await measure(student, sample, picture));
      if (thumbnails.length < THUMBNAILS) {
        const { data, width, height } = prepare(picture, THUMBNAIL_PIXELS);
        thumbnails.push({
          label: sample.label,
          jpeg: (
            await sharp(data, { raw: { width, height, channels: 3 } })
              .jpeg({ quality: 80 })
              .toBuffer()
          ).toString('base64'),
        });
      }
    } catch (error) {
      process.stderr.write(`left out: ${imageError(error).message}\n`);
    }
    if ((i + 1) % 100 === 0 || i + 1 === drawn.length)
      process.stderr.write(`${name}: ${i + 1} of ${drawn.length}\n`);
  }
  return { measured, side: { name, thumbnails } };
}

const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
const line = (e: Estimate | null): string =>
  e === null
    ? '–'
    : `${percent(e.value)} (${percent(e.interval.low)} to ${percent(e.interval.high)}; chance ${percent(e.chance)})`;

/** The figures as lines of text. */
function formatComparison({
  images,
  frechet,
  discrepancy,
  neighbours: { k, archive, diagnosis },
}: Comparison): string {
  return `${images[0]} images of A, ${images[1]} of B
Fréchet distance: ${frechet.value.toFixed(2)} (${frechet.interval.low.toFixed(2)} to ${frechet.interval.high.toFixed(2)}); between halves of A ${frechet.within[0].toFixed(2)}, of B ${frechet.within[1].toFixed(2)}
Maximum mean discrepancy, squared: ${discrepancy.value.toFixed(4)}, p ${discrepancy.p.toFixed(3)}
${k} nearest neighbours tell A from B: ${line(archive)}
and the diagnosis within A: ${line(diagnosis.withinA)}
                  within B: ${line(diagnosis.withinB)}
                 from A to B: ${line(diagnosis.fromAToB)}
                 from B to A: ${line(diagnosis.fromBToA)}
`;
}

interface Options {
  readonly out: string;
  readonly model: string;
  readonly images: number;
  readonly seed: number;
  readonly json?: true;
}

async function compareAction(
  first: string,
  second: string,
  { out, model: dir, images, seed, json }: Options,
): Promise<void> {
  await requireWritable(out);
  const model = await loadModel(dir);
  const datasets = await Promise.all(
    [first, second].map((data) => openDataset(data, { labels: model.labels })),
  );
  await useEngine();
  const student = createStudent(model);
  const a = await measureAll(student, datasets[0]!, images, seed);
  const b = await measureAll(student, datasets[1]!, images, seed);
  student.dispose();
  const comparison = compare(a.measured, b.measured, seed);
  await writeFile(out, reportPage(comparison, [a.side, b.side], `${model.architecture}, ${dir}`));
  process.stdout.write(
    json ? `${JSON.stringify(comparison)}\n` : `${formatComparison(comparison)}The page: ${out}\n`,
  );
}

/** `lentigo dataset compare`. */
export function compareCommand(): Command {
  return new Command('compare')
    .description(
      'how two archives differ in colour and in what a model sees in them, as one HTML page (it holds example thumbnails)',
    )
    .argument('<a>', dataHelp())
    .argument('<b>', 'another')
    .requiredOption('--out <file>', 'the page to write')
    .option('--model <dir>', 'whose features, and in whose words diagnoses are', SHIPPED_MODEL)
    .option(
      '--images <n>',
      'at most so many of each archive, drawn by the seed',
      whole('--images', 2, 9_999_999),
      500,
    )
    .option('--seed <n>', 'of the draw, the folds and the resamples', parseSeed, 0)
    .option('--json', 'print one JSON document')
    .action(compareAction);
}
