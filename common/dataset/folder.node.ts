// Reads a folder with an archive's table and its images as a dataset. The table shows which archive
// it is.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LentigoError } from '../errors.js';
import { decodePicture } from '../images/decode.node.js';
import {
  type Archive,
  isImageName,
  labelRows,
  refuseDuplicates,
  type Source,
  splitRows,
  stemOf,
} from './archive.js';
import type { ReadOptions } from './format.js';
import { archives } from './registry.js';
import type { DataProblem, Dataset, Sample } from './sample.js';
import { invalidTable, parseTexts, type TableRecord } from './table.js';

/** Number of files opened in parallel. */
const AT_ONCE = 128;

/** The rows of an Excel sheet, as text. */
async function parseSheet(path: string): Promise<TableRecord[]> {
  const { readSheet } = await import('read-excel-file/node');
  try {
    const [header = [], ...rows] = await readSheet(await readFile(path));
    return rows.map((cells, i) => ({
      line: i + 2,
      record: Object.fromEntries(
        header.map((name, c) => [name?.toString() ?? '', cells[c]?.toString() ?? '']),
      ),
    }));
  } catch (error) {
    throw invalidTable(path, `not a readable Excel file: ${(error as Error).message}`, error);
  }
}

/**
 * The folder's table, and the archive that matches most of its columns.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID
 */
async function readTable(
  folder: string,
): Promise<{ archive: Archive; table: TableRecord[]; file: string }> {
  const present = new Set(await readdir(folder).catch(() => []));
  const tables = [...new Set(archives().flatMap((archive) => archive.tables))];
  const name = tables.find((table) => present.has(table));
  if (name === undefined)
    throw new LentigoError(
      'LENTIGO_DATA_NO_METADATA',
      `${folder} has no readable ${tables.slice(0, -1).join(', ')} or ${tables.at(-1)}`,
    );
  const file = join(folder, name);
  const table = name.endsWith('.xlsx')
    ? await parseSheet(file)
    : parseTexts(await readFile(file, 'utf8'), file);
  const header = table[0]?.record ?? {};
  const fit = ({ columns }: Archive): number => columns.filter((column) => column in header).length;
  const [archive] = archives()
    .filter((each) => each.tables.includes(name))
    .sort((a, b) => fit(b) - fit(a));
  return { archive: archive!, table, file };
}

/**
 * Stem → path of every image below a folder; if two have the same stem, the first by path counts.
 */
async function findImages(
  folder: string,
  key: (stem: string) => string,
): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
    .map(({ name, parentPath }) => ({ stem: key(stemOf(name)), path: join(parentPath, name) }));
  const images = new Map<string, string>();
  for (const { stem, path } of files.sort((a, b) => (a.path < b.path ? -1 : 1)))
    if (!images.has(stem)) images.set(stem, path);
  return images;
}

/**
 * Reads the table of a registered archive and finds the images anywhere below the folder, without
 * decoding them (loading a sample does). A row whose image is missing is added to `problems`; a
 * diagnosis of another archive without a label in the label set is counted in `leftOut`.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_UNKNOWN_DIAGNOSIS,
 *   LENTIGO_DATA_SPLIT_LEAK
 */
export async function readFolder(
  dir: string,
  { labels, seed = 0 }: ReadOptions = {},
): Promise<Dataset & { readonly source: Source }> {
  const folder = resolve(dir);
  const { archive, table, file } = await readTable(folder);
  const rows = archive.rows(table, file);
  refuseDuplicates(rows, archive.imageColumn, file);
  const { labelled, leftOut } = labelRows(rows, archive, labels ?? archive.labels, file);
  const splits = splitRows(labelled, archive.unit, file, seed);
  const key = archive.stemKey ?? ((stem: string) => stem);
  const images = await findImages(folder, key);
  const samples: Sample[] = [];
  const problems: DataProblem[] = [];
  for (let start = 0; start < labelled.length; start += AT_ONCE) {
    const part = labelled
      .slice(start, start + AT_ONCE)
      .map((row) => ({ ...row, path: images.get(key(row.id)) }));
    const stats = await Promise.all(
      part.map(async ({ path }) => (path === undefined ? undefined : await stat(path))),
    );
    for (const [
      i,
      { id, line, image, label, patient, fitzpatrick, clinical, path },
    ] of part.entries()) {
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
  return {
    name: folder,
    samples,
    problems,
    source: archive,
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
  };
}
