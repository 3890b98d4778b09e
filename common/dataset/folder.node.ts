// Reads a folder with an archive's table and its images as a dataset. The table shows which archive
// it is.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LentigoError } from '../errors.js';
import { systemCode } from '../files/durable.node.js';
import { decodePicture } from '../images/decode.node.js';
import { isImageName } from '../images/file-type.js';
import { LABEL_SETS, type LabelSet } from '../model/labels.js';
import { type Archive, type ArchiveRow, labelRows, type Source, splitRows } from './archive.js';
import { chooseTable, isTableName, knownBy } from './choose-table.js';
import { labelOf } from './diagnoses.js';
import { FolderImages } from './folder-images.node.js';
import type { ReadOptions } from './format.js';
import { Notes } from './notes.js';
import { PLAIN, rowsOfFolders } from './plain.js';
import { archives } from './registry.js';
import { compactly, readRows } from './rows.js';
import type { DataProblem, Dataset, Sample } from './sample.js';
import { keeping } from './split.js';
import { invalidTable, openCsv, openRows, type Table } from './table.js';
import { findFiles, type FoundFiles } from './walk.node.js';

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
 * The files below a folder.
 * @throws LENTIGO_PATH when there is no such folder, or it can't be read
 */
async function filesOf(folder: string): Promise<FoundFiles> {
  const there = await stat(folder).catch((thrown: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) throw thrown;
    throw new LentigoError('LENTIGO_PATH', `${folder} does not exist.`, { cause: thrown });
  });
  if (!there.isDirectory())
    throw new LentigoError('LENTIGO_PATH', `${folder} is a file, not a folder.`);
  const found = await findFiles(folder);
  const closed = found.closed.get(folder);
  if (closed !== undefined)
    throw new LentigoError('LENTIGO_PATH', `${folder} was not read: ${closed}.`);
  return found;
}

/**
 * The rows of the folder's table; without one, of its folders.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID
 */
async function rowsOf(
  folder: string,
  found: FoundFiles,
  labels: LabelSet | undefined,
  notes: Notes,
): Promise<Rows> {
  const beside = (paths: Iterable<string>): string[] =>
    [...paths].filter((path) => !path.includes('/')).sort();
  const { table, reader, own, reason } = await chooseTable(
    beside(found.files),
    archives(),
    (file, noticed) => openTable(join(folder, file), noticed),
  );
  if (table) {
    const rows = await readRows(table, reader, own, compactly());
    notes.add(own);
    return { file: table.name, archive: reader, rows };
  }
  const rows = rowsOfFolders(found.files.filter(isImageName), labels, notes);
  if (rows) {
    if (reason) notes.say(`no table of photographs: ${reason.message}`);
    return { file: folder, archive: PLAIN, rows };
  }
  if (reason) throw reason;
  const unusable = beside(found.unusable.keys()).find(isTableName);
  throw new LentigoError(
    'LENTIGO_DATA_NO_METADATA',
    `${folder} has no table (${[...new Set(archives().flatMap(({ tables }) => tables))].join(', ')}, or a CSV with the columns file and diagnosis), and no folder called by a diagnosis${unusable === undefined ? '' : `; ${unusable} ${found.unusable.get(unusable)}`}`,
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

/**
 * Reads a folder: the table of a registered archive or of a clinic's own, or a folder for each
 * diagnosis. Images are found anywhere below it, without decoding them (loading a sample does). A
 * row whose image is missing or ambiguous is added to `problems`; a diagnosis without a label in the
 * label set is counted in `leftOut`, and what else the reading noticed stands in `notes`.
 * @throws LENTIGO_PATH, LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID,
 *   LENTIGO_DATA_UNKNOWN_DIAGNOSIS, LENTIGO_DATA_SPLIT_LEAK
 */
export async function readFolder(
  dir: string,
  { labels, seed = 0, evaluationShare }: ReadOptions = {},
): Promise<Dataset & { readonly source: Source }> {
  const folder = resolve(dir);
  const notes = new Notes();
  const found = await filesOf(folder);
  const { file, archive, rows } = await rowsOf(folder, found, labels, notes);
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
    evaluationShare === undefined ? undefined : keeping(evaluationShare),
  );
  const images = new FolderImages(folder, found, archive.stemKey);
  const samples: Sample[] = [];
  const problems: DataProblem[] = [];
  const rowOf = new Map<string, number>();
  for (let start = 0; start < labelled.length; start += AT_ONCE) {
    const part = labelled.slice(start, start + AT_ONCE);
    const files = await Promise.all(part.map(({ row }) => images.find(row.image)));
    for (const [i, { row, label }] of part.entries()) {
      const { id, line, image, patient, fitzpatrick, clinical } = row;
      const found = files[i]!;
      if (found.path === undefined) {
        problems.push({ id, code: found.code, message: `row ${line}: ${found.message}` });
        continue;
      }
      const { path, revision } = found;
      const before = rowOf.get(path);
      rowOf.set(path, line);
      if (before !== undefined)
        problems.push({
          id,
          code: 'LENTIGO_DATA_IMAGE_AMBIGUOUS',
          message: `row ${line}: ${image} means the same file as row ${before}: ${path}`,
        });
      else
        samples.push({
          id,
          label,
          patient,
          split: splits[start + i]!,
          fitzpatrick,
          clinical,
          revision,
          origin: { file: path },
          load: () => decodePicture(path),
        });
    }
  }
  for (const note of images.notes(rows.map(({ image }) => image))) notes.say(note);
  return {
    name: folder,
    samples,
    problems,
    source: archive,
    splits: labelled[0]?.row.split === undefined ? 'drawn' : 'table',
    notes: notes.lines(),
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
  };
}
