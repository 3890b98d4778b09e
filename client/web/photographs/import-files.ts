// Imports the files that a person picked: single images, a folder with a table of them, or a folder
// for each diagnosis.
import { isImageName, stemOf } from '../../../common/dataset/archive.js';
import { ImageIndex } from '../../../common/dataset/image-index.js';
import { Notes } from '../../../common/dataset/notes.js';
import { type ClinicRow, readClinicTable, rowsOfFolders } from '../../../common/dataset/plain.js';
import { asLentigoError, LentigoError, type ErrorBody } from '../../../common/errors.js';
import type { QualityFinding } from '../../../common/images/quality.js';
import type { Collection } from './collection.js';
import { type Fields, FIELDS, type Photograph, withoutEmpty } from './photograph.js';

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
  /** What reading the table noticed. */
  readonly notes: readonly string[];
}

/**
 * Imports images one by one; if the signal stops it, those imported so far stay. If there is a table
 * among the files, its rows say which images are imported and what is known about them; else their
 * folders say the diagnosis, if they are called so.
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
  const notes = new Notes();
  const wanted = await wantedImages(files, notes);
  const imported = {
    added: [] as Photograph[],
    known: 0,
    refused: [] as Imported['refused'][number][],
    problems: [] as Imported['problems'][number][],
    notes: notes.lines(),
  };
  for (const [done, { name, file, fields }] of wanted.entries()) {
    if (signal.aborted) break;
    onProgress(done, wanted.length);
    try {
      if (!file)
        throw new LentigoError(
          'LENTIGO_DATA_IMAGE_MISSING',
          `The table names ${name}, but no such image (.png, .jpg or .jpeg) was picked.`,
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

/** The images that are wanted, and what is known of them; `file` is absent where none was picked. */
async function wantedImages(
  files: readonly File[],
  notes: Notes,
): Promise<{ name: string; file: File | undefined; fields: Fields }[]> {
  const images = new Map(
    files
      .filter((file) => isImageName(file.name))
      .sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))
      .map((file) => [pathOf(file), file]),
  );
  const paths = [...images.keys()];
  const tables = files.map((file) => ({ name: pathOf(file), open: () => chunksOf(file) }));
  const rows = await readClinicTable(tables, notes);
  const index = new ImageIndex(paths);
  if (rows)
    return rows.map((row) => ({
      name: nameOf(row.id),
      file: images.get(index.find(row.id)[0] ?? ''),
      fields: fieldsOf(row),
    }));
  const folders = new Map(
    rowsOfFolders(paths, undefined, notes)
      ?.filter(({ leftOut }) => leftOut === undefined)
      .map(({ image, diagnosis }) => [image, diagnosis]),
  );
  return paths.map((path) => ({
    name: nameOf(stemOf(path)),
    file: images.get(path),
    fields: withoutEmpty({ diagnostic: folders.get(path) ?? '' }),
  }));
}

/** A file's bytes; Safari's streams are no iterables. */
async function* chunksOf(file: File): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

const fieldsOf = ({ fields }: ClinicRow): Fields =>
  Object.fromEntries(
    FIELDS.flatMap((field) =>
      fields[field] === undefined ? [] : [[field, String(fields[field])]],
    ),
  );
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const pathOf = (file: File): string => file.webkitRelativePath || file.name;

/** The name, with a number added if it is taken. */
export function free(name: string, taken: ReadonlySet<string>): string {
  let own = name.slice(0, 190);
  for (let n = 2; taken.has(own); n++) own = `${name.slice(0, 190)}-${n}`;
  return own;
}
