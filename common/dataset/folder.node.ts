// Reads a folder with an archive's table and its images as a dataset. The table shows which archive
// it is.
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { LentigoError } from '../errors.js';
import { decodePicture } from '../images/decode.node.js';
import { LABEL_SETS, type LabelSet } from '../model/labels.js';
import {
  type Archive,
  type ArchiveRow,
  isImageName,
  labelRows,
  type Source,
  splitRows,
} from './archive.js';
import { chooseTable, knownBy } from './choose-table.js';
import { labelOf } from './diagnoses.js';
import type { ReadOptions } from './format.js';
import { ImageIndex } from './image-index.js';
import { Notes } from './notes.js';
import { PLAIN, rowsOfFolders } from './plain.js';
import { archives } from './registry.js';
import { compactly, readRows } from './rows.js';
import type { DataProblem, Dataset, Sample } from './sample.js';
import { invalidTable, openCsv, openRows, type Table } from './table.js';

/** Number of files opened in parallel. */
const AT_ONCE = 128;

/** Opens a CSV, or the first sheet of an Excel file. */
async function openTable(path: string, notes: Notes): Promise<Table> {
  const known = knownBy(archives());
  if (!path.endsWith('.xlsx'))
    return openCsv({ name: path, open: () => createReadStream(path) }, known, notes);
  async function* rows(): AsyncGenerator<string[][]> {
    const { readSheet } = await import('read-excel-file/node');
    let sheet;
    try {
      sheet = await readSheet(await readFile(path));
    } catch (error) {
      throw invalidTable(path, `not a readable Excel file: ${(error as Error).message}`, error);
    }
    yield sheet.map((cells) => cells.map((cell) => cell?.toString().trim() ?? ''));
  }
  return openRows(path, rows(), known, notes);
}

/** A folder's rows, and how they are read. */
interface Rows {
  /** What errors call the table. */
  readonly file: string;
  readonly archive: Archive;
  readonly rows: readonly ArchiveRow[];
}

/**
 * The rows of the folder's table; without one, of its folders.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID
 */
async function rowsOf(
  folder: string,
  images: readonly string[],
  labels: LabelSet | undefined,
  notes: Notes,
): Promise<Rows> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));
  const { table, reader, own, reason } = await chooseTable(
    files.sort(),
    archives(),
    (file, noticed) => openTable(join(folder, file), noticed),
  );
  if (table) {
    const rows = await readRows(table, reader, own, compactly());
    notes.add(own);
    return { file: table.name, archive: reader, rows };
  }
  const rows = rowsOfFolders(images, labels, notes);
  if (rows) return { file: folder, archive: PLAIN, rows };
  throw (
    reason ??
    new LentigoError(
      'LENTIGO_DATA_NO_METADATA',
      `${folder} has no table (${[...new Set(archives().flatMap(({ tables }) => tables))].join(', ')}, or a CSV with the columns file and diagnosis), and no folder called by a diagnosis`,
    )
  );
}

/** Of the known label sets, the one that has a label for most rows. */
const widest = (rows: readonly ArchiveRow[]): LabelSet => {
  const labelled = (labels: LabelSet): number =>
    rows.filter(({ diagnosis, words }) => labelOf(diagnosis, labels, words) !== undefined).length;
  return Object.values<LabelSet>(LABEL_SETS)
    .map((labels) => ({ labels, n: labelled(labels) }))
    .reduce((best, each) => (each.n > best.n ? each : best)).labels;
};

/** Every image below a folder, by its path there, in order. */
async function findImages(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
    .map(({ name, parentPath }) => relative(folder, join(parentPath, name)).replaceAll(sep, '/'))
    .sort();
}

/**
 * Reads a folder: the table of a registered archive or of a clinic's own, or a folder for each
 * diagnosis. Images are found anywhere below it, without decoding them (loading a sample does). A
 * row whose image is missing is added to `problems`; a diagnosis without a label in the label set is
 * counted in `leftOut`, and what else the table's reading noticed stands in `notes`.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_UNKNOWN_DIAGNOSIS,
 *   LENTIGO_DATA_SPLIT_LEAK
 */
export async function readFolder(
  dir: string,
  { labels, seed = 0 }: ReadOptions = {},
): Promise<Dataset & { readonly source: Source }> {
  const folder = resolve(dir);
  const notes = new Notes();
  const paths = await findImages(folder);
  const { file, archive, rows } = await rowsOf(folder, paths, labels, notes);
  const inWords = labels ?? (archive === PLAIN ? widest(rows) : archive.labels);
  const { labels: given, leftOut } = labelRows(rows, inWords, file);
  const labelled = rows.flatMap((row, i) => {
    const label = given[i];
    return label === undefined ? [] : [{ row, label }];
  });
  const splits = splitRows(
    labelled.map(({ row: { line, patient, split }, label }) => ({ line, patient, split, label })),
    archive.unit,
    file,
    seed,
  );
  const images = new ImageIndex(paths, archive.stemKey);
  const samples: Sample[] = [];
  const problems: DataProblem[] = [];
  for (let start = 0; start < labelled.length; start += AT_ONCE) {
    const part = labelled.slice(start, start + AT_ONCE).map(({ row, label }) => {
      const [path] = images.find(row.id);
      return { row, label, path: path && join(folder, path) };
    });
    const stats = await Promise.all(
      part.map(async ({ path }) => (path === undefined ? undefined : await stat(path))),
    );
    for (const [i, { row, label, path }] of part.entries()) {
      const { id, line, image, patient, fitzpatrick, clinical } = row;
      const found = stats[i];
      if (!path || !found)
        problems.push({
          id,
          code: 'LENTIGO_DATA_IMAGE_MISSING',
          message: `row ${line}: no image ${image} (.png, .jpg or .jpeg) below ${folder}`,
        });
      else
        samples.push({
          id,
          label,
          patient,
          split: splits[start + i]!,
          fitzpatrick,
          clinical,
          revision: `${found.size}-${found.mtimeMs}`,
          origin: { file: path },
          load: () => decodePicture(path),
        });
    }
  }
  const named = new Set(rows.flatMap(({ id }) => images.find(id)));
  if (named.size < paths.length)
    notes.say(
      `${paths.length - named.size} of ${paths.length} images are in no row of the table: not used`,
    );
  return {
    name: folder,
    samples,
    problems,
    source: archive,
    notes: notes.lines(),
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
  };
}
