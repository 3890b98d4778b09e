// One string → a dataset: what --data means in every command.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { Random } from '../random.js';
import type { Source } from './archive.js';
import { readFolder, type ReadOptions } from './folder.node.js';
import { partitionByPatient } from './partition.js';
import { SPLITS, type Dataset } from './sample.js';
import { syntheticDataset } from './synthetic.js';

const whole = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(low).max(high));

const Synthetic = z.strictObject({
  site: z
    .string()
    .transform((sites) => sites.split(','))
    .pipe(z.array(whole(0, 1_000_000)).min(1))
    .default([0]),
  images: whole(1, 1_000_000),
  seed: whole(0, 999_999_999).default(0),
  size: whole(32, 1024).default(256),
  split: z.enum(SPLITS).optional(),
});

const Share = z
  .strictObject({
    clinics: whole(1, 10_000),
    clinic: whole(1, 10_000),
    seed: whole(0, 999_999_999).optional(),
  })
  .refine((share) => share.clinic <= share.clinics, {
    message: 'must not be more than clinics',
    path: ['clinic'],
  });

function parse<T>(schema: z.ZodType<T>, query: string, spec: string): T {
  const parsed = schema.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new LentigoError(
    'LENTIGO_USAGE',
    `--data ${spec}: ${path.length > 0 ? `${path[0]?.toString()}: ` : ''}${message}`,
  );
}

/** What every opened dataset knows of where it comes from. */
export type OpenedDataset = Dataset & { readonly source: Source };

const SYNTHETIC: Source = {
  name: 'synthetic lesions',
  citation: 'painted by Lentigo; no photograph of a person',
  licence: 'Apache-2.0',
};

/** This clinic's part of the training patients; the other splits stay whole. */
function shareOf(
  dataset: OpenedDataset,
  { clinics, clinic }: { clinics: number; clinic: number },
  seed: number,
): OpenedDataset {
  const training = dataset.samples.filter((sample) => sample.split === 'train');
  const kept = new Set(
    partitionByPatient(training, clinics, new Random(seed).fork('clinics'))[clinic - 1],
  );
  return {
    ...dataset,
    name: `${dataset.name} (clinic ${clinic} of ${clinics})`,
    samples: dataset.samples.filter((sample) => sample.split !== 'train' || kept.has(sample)),
  };
}

/**
 * Opens a dataset:
 * - `DIR`: a folder as PAD-UFES-20, HAM10000, ISIC 2024 or MIDAS is published;
 * - `DIR?clinics=3&clinic=1`: the same, with the training patients divided among three clinics, of
 * which this is the first (1 to 3):
 *   agents that share one folder each take their own part. `&seed=7` divides otherwise; all agents
 * must give the same. Validation and held-out stay whole;
 * - `synthetic:site=1&images=60`: painted lesions in the style of a site (`site=1,2,3` mixes
 * several; 0, the default, is neutral).
 *   `&seed=7` gives other patients, `&split=train` puts all in one split, `&size=128` paints
 * smaller pictures (256 by default).
 * @example await openDataset('synthetic:site=1&images=60&seed=7&split=train')
 * @throws LENTIGO_USAGE the specification has a wrong or unknown field
 * @throws LENTIGO_DATA_EMPTY fewer training patients than clinics
 * @throws what readFolder throws
 */
export async function openDataset(spec: string, options: ReadOptions = {}): Promise<OpenedDataset> {
  if (spec.startsWith('synthetic:')) {
    const { site, ...rest } = parse(Synthetic, spec.slice('synthetic:'.length), spec);
    return {
      ...syntheticDataset({ ...rest, sites: site, labels: options.labels }),
      source: SYNTHETIC,
    };
  }
  const mark = spec.lastIndexOf('?');
  if (mark < 0 || existsSync(spec)) return readFolder(spec, options);
  const share = parse(Share, spec.slice(mark + 1), spec);
  const seed = share.seed ?? options.seed ?? 0;
  return shareOf(await readFolder(spec.slice(0, mark), { ...options, seed }), share, seed);
}
