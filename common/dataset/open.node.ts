// Opens a dataset from one string: the meaning of --data in every command.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { Random } from '../random.js';
import type { Source } from './archive.js';
import { readFolder } from './folder.node.js';
import type { ReadOptions } from './format.js';
import { partitionByPatient } from './partition.js';
import { parseQuery, share, whole } from './query.js';
import { datasets, formats, prefixOf } from './registry.js';
import type { Dataset } from './sample.js';

const Settings = z
  .strictObject({
    clinics: whole(1, 10_000).optional(),
    clinic: whole(1, 10_000).optional(),
    evaluation: share.optional(),
    seed: whole(0, 999_999_999).optional(),
  })
  .refine(({ clinics, evaluation }) => (clinics === undefined) !== (evaluation === undefined), {
    message: 'give clinics and clinic, or evaluation',
  })
  .refine(({ clinics, clinic }) => (clinics === undefined) === (clinic === undefined), {
    message: 'clinics and clinic belong together',
  })
  .refine(({ clinics, clinic }) => (clinic ?? 0) <= (clinics ?? 0), {
    message: 'must not be more than clinics',
    path: ['clinic'],
  });

/** Every opened dataset knows its source. */
export type OpenedDataset = Dataset & { readonly source: Source };

/** This clinic's share of the training patients; the other splits stay whole. */
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
    // All who share the folder draw the same.
    splits: undefined,
    name: `${dataset.name} (clinic ${clinic} of ${clinics})`,
    samples: dataset.samples.filter((sample) => sample.split !== 'train' || kept.has(sample)),
  };
}

/** Opens it by the registered format that recognises it; undefined if none does. */
async function openFormat(spec: string, options: ReadOptions): Promise<OpenedDataset | undefined> {
  for (const format of formats()) {
    if (!(await format.recognises(spec))) continue;
    return { ...(await format.open(spec, options)), source: format };
  }
  return undefined;
}

/**
 * Refuses NAME:… if no dataset has that name.
 * @throws LENTIGO_DATASET_UNKNOWN when it is not a folder either
 */
function refuseUnknownName(spec: string): void {
  const name = prefixOf(spec);
  if (name === undefined || datasets.has(name) || existsSync(spec)) return;
  throw new LentigoError(
    'LENTIGO_DATASET_UNKNOWN',
    `--data ${spec}: no dataset is called "${name}"; there are folders, and ${formats()
      .map(({ example }) => example)
      .join(', ')}`,
  );
}

/**
 * Opens a dataset:
 * - `DIR`: a folder as one of the registered archives is published (see `registerDataset`), with a
 *   table of file, diagnosis and patient, or with a folder for each diagnosis;
 * - `DIR?clinics=3&clinic=1`: the same, with the training patients divided among three clinics, of
 *   which this is the first (1 to 3): agents that share one folder each take their own part.
 *   `&seed=7` divides otherwise; all agents must give the same. Validation and held-out stay whole;
 * - `DIR?evaluation=0.2`: where its table gives no splits, a fifth of the patients is held out, the
 *   same that an agent keeps apart with --evaluation-share 0.2;
 * - `NAME:…`: what a registered format makes of it, such as `synthetic:site=1&images=60`.
 * @example await openDataset('synthetic:site=1&images=60&seed=7&split=train')
 * @throws LENTIGO_USAGE the specification has a wrong or unknown field
 * @throws LENTIGO_DATASET_UNKNOWN no dataset has that name
 * @throws LENTIGO_DATA_EMPTY fewer training patients than clinics
 * @throws what readFolder throws
 */
export async function openDataset(spec: string, options: ReadOptions = {}): Promise<OpenedDataset> {
  const opened = await openFormat(spec, options);
  if (opened) return opened;
  refuseUnknownName(spec);
  const mark = spec.lastIndexOf('?');
  if (mark < 0 || existsSync(spec)) return readFolder(spec, options);
  const { clinics, clinic, evaluation, ...given } = parseQuery(
    Settings,
    spec.slice(mark + 1),
    spec,
  );
  const seed = given.seed ?? options.seed ?? 0;
  const folder = spec.slice(0, mark);
  const whole = { ...options, seed, evaluationShare: evaluation };
  const dataset = (await openFormat(folder, whole)) ?? (await readFolder(folder, whole));
  return clinics === undefined ? dataset : shareOf(dataset, { clinics, clinic: clinic! }, seed);
}

/** A value for openDataset with a folder made absolute; NAME:… of a dataset stays unchanged. */
export function absoluteData(spec: string, folder = '.'): string {
  const name = prefixOf(spec);
  return name !== undefined && datasets.has(name) ? spec : resolve(folder, spec);
}
