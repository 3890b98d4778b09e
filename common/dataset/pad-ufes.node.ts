// A PAD-UFES-20 folder as published: metadata.csv, and the images anywhere below, matched by stem.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LentigoError } from '../errors.js';
import { decodePicture } from '../images/decode.node.js';
import { clinicalOf, isImageName, METADATA, parseMetadata, type ReadOptions, stemOf } from './pad-ufes.js';
import type { DataProblem, Dataset, Sample } from './sample.js';

export type { ReadOptions } from './pad-ufes.js';

/** Stem → path of every image below a folder; of two with one stem, the first by path counts. */
async function findImages(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && isImageName(entry.name)).map(({ name, parentPath }) => ({ stem: stemOf(name), path: join(parentPath, name) }));
  const images = new Map<string, string>();
  for (const { stem, path } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) if (!images.has(stem)) images.set(stem, path);
  return images;
}

/**
 * Reads metadata.csv and finds the images, without decoding them (loading a sample does). A row whose image is missing is among `problems`.
 * The column `split` (train, validation or heldout) is followed; without it patients are split 60/20/20, stratified on diagnosis, by the seed.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_UNKNOWN_DIAGNOSIS, LENTIGO_DATA_SPLIT_LEAK
 */
export async function readPadUfes(dir: string, options: ReadOptions = {}): Promise<Dataset> {
  const folder = resolve(dir);
  const csv = await readFile(join(folder, METADATA), 'utf8').catch((cause: unknown) => {
    throw new LentigoError('LENTIGO_DATA_NO_METADATA', `${folder} has no readable ${METADATA}`, { cause });
  });
  const rows = parseMetadata(csv, join(folder, METADATA), options);
  const images = await findImages(folder);
  const samples: Sample[] = [];
  const problems: DataProblem[] = [];
  for (const row of rows) {
    const { id, line, img_id, diagnostic, patient_id, split, fitspatrick } = row;
    const path = images.get(id);
    if (path === undefined) {
      problems.push({ id, code: 'LENTIGO_DATA_IMAGE_MISSING', message: `row ${line}: no image ${img_id} (.png, .jpg or .jpeg) below ${folder}` });
      continue;
    }
    const { size, mtimeMs } = await stat(path);
    samples.push({ id, revision: `${size}-${mtimeMs}`, label: diagnostic, patient: patient_id, split, fitzpatrick: fitspatrick, clinical: clinicalOf(row), load: () => decodePicture(path) });
  }
  return { name: folder, samples, problems };
}
