// The datasets that --data can name. To add one, add a file beside this one and a line at the end.
import { Registry } from '../registry.js';
import type { Archive } from './archive.js';
import type { DatasetFormat } from './format.js';
import { HAM10000 } from './ham10000.js';
import { ISIC_2024 } from './isic-2024.js';
import { MIDAS } from './midas.js';
import { PAD_UFES_20 } from './pad-ufes.js';
import { PLAIN } from './plain.js';
import { SYNTHETIC } from './synthetic-format.js';

export const datasets = new Registry<Archive | DatasetFormat>('dataset', 'LENTIGO_DATASET_UNKNOWN');

/**
 * Registers a dataset: a folder with a table (`Archive`), or anything else (`DatasetFormat`).
 * @param name the part before the colon where --data is NAME:…
 * @throws LENTIGO_EXTENSION_INVALID when the name is malformed, or another dataset has it
 */
export const registerDataset = (name: string, dataset: Archive | DatasetFormat): void =>
  datasets.register(name, dataset);

/** Folders with a table, in the order of registration. */
export const archives = (): Archive[] => datasets.values().filter((each) => 'row' in each);

/** All others. */
export const formats = (): DatasetFormat[] => datasets.values().filter((each) => 'open' in each);

/** NAME where --data is NAME:… */
export const prefixOf = (spec: string): string | undefined =>
  /^([a-z][a-z0-9_-]+):/.exec(spec)?.[1];

/** Help for --data: "a folder of A, B or C, or synthetic:…". */
export function dataHelp(): string {
  const names = archives().map(({ name }) => name);
  const folders = `a folder of ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return [folders, ...formats().map(({ example }) => example)].join(', or ');
}

registerDataset('pad-ufes-20', PAD_UFES_20);
registerDataset('ham10000', HAM10000);
registerDataset('isic-2024', ISIC_2024);
registerDataset('midas', MIDAS);
registerDataset('plain', PLAIN);
registerDataset('synthetic', SYNTHETIC);
