// Imports the files that a person picked: single images, or a folder laid out like the published
// PAD-UFES-20, with its table.
import {
  METADATA,
  isImageName,
  parseTable,
  stemOf,
  type TableRow,
} from '../../../common/dataset/pad-ufes.js';
import { asLentigoError, LentigoError, type ErrorBody } from '../../../common/errors.js';
import type { QualityFinding } from '../../../common/images/quality.js';
import type { Collection } from './collection.js';
import { type Fields, FIELDS, type Photograph } from './photograph.js';

export interface Imported {
  readonly added: readonly Photograph[];
  /** Number of files that were here already, byte for byte. */
  readonly known: number;
  /** Refused by the quality checks. */
  readonly refused: readonly {
    readonly name: string;
    readonly quality: readonly QualityFinding[];
  }[];
  /** Rows without an image, and images that can't be read. */
  readonly problems: readonly ({ readonly name: string } & ErrorBody)[];
}

/**
 * Imports images one by one; if the signal stops it, those imported so far stay. If there is a
 * metadata.csv among the files, its rows say which images are imported and what is known about
 * them.
 * @throws LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_SPLIT_LEAK before anything is imported;
 *   LENTIGO_DISK_FULL
 */
export async function importFiles(
  files: readonly File[],
  collection: Collection,
  onProgress: (done: number, of: number) => void,
  signal: AbortSignal,
): Promise<Imported> {
  const before = await collection.list();
  const hashes = new Set(before.map((p) => p.sha256));
  const names = new Set(before.map((p) => p.name));
  const images = new Map(
    files
      .filter((file) => isImageName(file.name))
      .sort((a, b) => (pathOf(a) < pathOf(b) ? 1 : -1))
      .map((file) => [stemOf(file.name), file]),
  );
  const wanted = await wantedImages(files, images);
  const imported = {
    added: [] as Photograph[],
    known: 0,
    refused: [] as Imported['refused'][number][],
    problems: [] as Imported['problems'][number][],
  };
  for (const [done, { name, fields }] of wanted.entries()) {
    if (signal.aborted) break;
    onProgress(done, wanted.length);
    try {
      const file = images.get(name);
      if (!file)
        throw new LentigoError(
          'LENTIGO_DATA_IMAGE_MISSING',
          `${METADATA} names ${name}, but no such image (.png, .jpg or .jpeg) was picked.`,
        );
      const found = await collection.examine(file, file.name);
      if (hashes.has(found.sha256)) imported.known++;
      else if (found.quality.some((f) => f.severe))
        imported.refused.push({ name: file.name, quality: found.quality });
      else {
        const own = free(name, names);
        imported.added.push(await collection.add(found, own, fields));
        hashes.add(found.sha256);
        names.add(own);
      }
    } catch (thrown) {
      const error = asLentigoError(thrown);
      if (
        error.code !== 'LENTIGO_DATA_IMAGE_MISSING' &&
        error.code !== 'LENTIGO_DATA_IMAGE_UNREADABLE'
      )
        throw error;
      imported.problems.push({ name, ...error.body() });
    }
  }
  onProgress(wanted.length, wanted.length);
  return imported;
}

async function wantedImages(
  files: readonly File[],
  images: ReadonlyMap<string, File>,
): Promise<{ name: string; fields: Fields }[]> {
  const table = files.find((file) => file.name === METADATA);
  if (!table) return [...images.keys()].sort().map((name) => ({ name, fields: {} }));
  return parseTable(await table.text(), pathOf(table)).map((row) => ({
    name: row.id,
    fields: fieldsOf(row),
  }));
}

const fieldsOf = (row: TableRow): Fields =>
  Object.fromEntries(
    FIELDS.flatMap((field) => (row[field] === undefined ? [] : [[field, String(row[field])]])),
  );
const pathOf = (file: File): string => file.webkitRelativePath || file.name;

/** The name, with a number added if it is taken. */
export function free(name: string, taken: ReadonlySet<string>): string {
  let own = name.slice(0, 190);
  for (let n = 2; taken.has(own); n++) own = `${name.slice(0, 190)}-${n}`;
  return own;
}
