// A dataset as a model remembers it: name, licence, numbers, and a hash that tells it from others.
import { sha256Of } from '../files/sha256.node.js';
import type { DataUsed } from '../model/provenance.js';
import type { Source } from './archive.js';
import { SPLITS, type Dataset, type Split } from './sample.js';

/** SHA-256 of the images' ids, diagnoses, patients and splits. */
export const fingerprintOf = ({ samples }: Pick<Dataset, 'samples'>): string =>
  sha256Of(
    JSON.stringify(samples.map(({ id, label, patient, split }) => [id, label, patient, split])),
  );

/** @param dataset with its source, where openDataset opened it */
export function dataUsed(
  dataset: Dataset & { readonly source?: Source },
  use: DataUsed['use'],
): DataUsed {
  const { name, samples, source } = dataset;
  const images = Object.fromEntries(
    SPLITS.map((split) => [split, samples.filter((s) => s.split === split).length]),
  ) as Record<Split, number>;
  return {
    // A folder's path is its owner's business.
    name: source?.name ?? name.slice(0, 200),
    use,
    ...(source?.synthetic && { source: name.slice(0, 1000) }),
    ...(source && { licence: source.licence }),
    images,
    sha256: fingerprintOf(dataset),
  };
}
