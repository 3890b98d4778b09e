// A PAD-UFES-20 folder as published (Pacheco et al. 2020, doi:10.17632/zr7vgbcyr2.1): metadata.csv, and the images anywhere below, matched by stem.
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, parse as parsePath, resolve } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { decodePicture } from '../images/decode.node.js';
import { PAD_UFES_LABELS, type LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import { SPLITS, type DataProblem, type Dataset, type Sample, type Split } from './sample.js';
import { DEFAULT_FRACTIONS, splitByPatient } from './split.js';

export interface ReadOptions {
  /** The diagnoses that are known; PAD-UFES-20's by default. */
  readonly labels?: LabelSet | undefined;
  /** Decides the splits where metadata.csv has no `split` column; 0 by default. */
  readonly seed?: number | undefined;
}

const METADATA = 'metadata.csv';
const EXTENSIONS: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg']);

const text = z.string().trim().max(200);
const optional = text.optional();
/** The table writes whole numbers as 3.0, and leaves unknown ones empty. */
const number = (low: number, high: number) =>
  text.transform((value) => (value === '' ? undefined : Number(value))).pipe(z.number().min(low).max(high).optional()).optional();

/** The 26 published columns, and `split`. Only the first three, and split and skin type, are used; the others are checked so that a shifted row is seen. */
const Row = z.object({
  patient_id: text.min(1),
  img_id: text.min(1).regex(/^[^/\\]+$/, 'must be a file name'),
  diagnostic: text.min(1),
  fitspatrick: number(1, 6).pipe(z.number().int().optional()),
  split: text.toLowerCase().transform((value) => (value === '' ? undefined : value)).pipe(z.enum(SPLITS).optional()).optional(),
  lesion_id: optional, smoke: optional, drink: optional, background_father: optional, background_mother: optional,
  age: number(0, 130), pesticide: optional, gender: optional, skin_cancer_history: optional, cancer_history: optional,
  has_piped_water: optional, has_sewage_system: optional, region: optional,
  diameter_1: number(0, 1000), diameter_2: number(0, 1000),
  itch: optional, grew: optional, hurt: optional, changed: optional, bleed: optional, elevation: optional, biopsed: optional,
});
type Row = z.infer<typeof Row>;

const stemOf = (file: string): string => (EXTENSIONS.has(extname(file).toLowerCase()) ? parsePath(file).name : file);

async function readMetadata(dir: string): Promise<{ row: Row; line: number }[]> {
  const file = join(dir, METADATA);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new LentigoError('LENTIGO_DATA_NO_METADATA', `${dir} has no readable ${METADATA}`, { cause: error });
  });
  const invalid = (what: string, cause?: unknown): LentigoError => new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: ${what}`, { cause });
  let records: { record: Record<string, string>; info: { lines: number } }[];
  try {
    records = parseCsv(bytes, { columns: true, bom: true, skip_empty_lines: true, trim: true, info: true, max_record_size: 100_000 });
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const header = records[0]?.record;
  if (header === undefined) throw invalid('the table has no rows');
  const missing = ['patient_id', 'img_id', 'diagnostic'].filter((column) => !(column in header));
  if (missing.length > 0) throw invalid(`column ${missing.join(', ')} is missing`);
  return records.map(({ record, info }) => {
    const row = Row.safeParse(record);
    if (row.success) return { row: row.data, line: info.lines };
    const issue = row.error.issues[0]!;
    throw invalid(`row ${info.lines}, column ${issue.path.join('.')}: ${issue.message} (it is "${record[String(issue.path[0])]}")`);
  });
}

/** Stem → path of every image below a folder; of two with one stem, the first by path counts. */
async function findImages(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase())).map((entry) => join(entry.parentPath, entry.name));
  const images = new Map<string, string>();
  for (const path of paths.sort()) if (!images.has(stemOf(parsePath(path).base))) images.set(stemOf(parsePath(path).base), path);
  return images;
}

/** The splits of a `split` column, by patient. @throws LENTIGO_DATA_SPLIT_LEAK */
function givenSplits(rows: readonly Row[], file: string): Map<string, Split> {
  const splits = new Map<string, Split>();
  const leaks = new Set<string>();
  for (const { patient_id, split } of rows) {
    const before = splits.get(patient_id);
    if (before !== undefined && before !== split) leaks.add(patient_id);
    splits.set(patient_id, split!);
  }
  if (leaks.size > 0) {
    const some = [...leaks].slice(0, 10).join(', ');
    throw new LentigoError('LENTIGO_DATA_SPLIT_LEAK', `${file}: ${leaks.size} patients are in more than one split: ${some}${leaks.size > 10 ? ', …' : ''}`);
  }
  return splits;
}

/**
 * Reads metadata.csv and finds the images, without decoding them (loading a sample does). A row whose image is missing is among `problems`.
 * The column `split` (train, validation or heldout) is followed; without it patients are split 60/20/20, stratified on diagnosis, by the seed.
 * @throws LENTIGO_DATA_NO_METADATA, LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_UNKNOWN_DIAGNOSIS, LENTIGO_DATA_SPLIT_LEAK
 */
export async function readPadUfes(dir: string, { labels = PAD_UFES_LABELS, seed = 0 }: ReadOptions = {}): Promise<Dataset> {
  const folder = resolve(dir);
  const file = join(folder, METADATA);
  const table = await readMetadata(folder);
  const names = new Set(labels.names);
  const seen = new Set<string>();
  for (const { row, line } of table) {
    if (!names.has(row.diagnostic)) throw new LentigoError('LENTIGO_DATA_UNKNOWN_DIAGNOSIS', `${file}: row ${line}: unknown diagnosis "${row.diagnostic}"; known are ${labels.names.join(', ')}`);
    const id = stemOf(row.img_id);
    if (seen.has(id)) throw new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: row ${line}, column img_id: ${row.img_id} appears a second time`);
    seen.add(id);
  }
  const rows = table.map(({ row }) => row);
  const withSplit = rows.filter((row) => row.split !== undefined).length;
  if (withSplit > 0 && withSplit < rows.length) throw new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: row ${table.find(({ row }) => row.split === undefined)!.line}, column split: empty, while other rows have one`);
  const splits = withSplit > 0
    ? givenSplits(rows, file)
    : splitByPatient(rows.map((row) => ({ patient: row.patient_id, label: row.diagnostic })), DEFAULT_FRACTIONS, new Random(seed).fork('split'));

  const images = await findImages(folder);
  const samples: Sample[] = [];
  const problems: DataProblem[] = [];
  for (const { row, line } of table) {
    const id = stemOf(row.img_id);
    const path = images.get(id);
    if (path === undefined) {
      problems.push({ id, code: 'LENTIGO_DATA_IMAGE_MISSING', message: `row ${line}: no image ${row.img_id} (.png, .jpg or .jpeg) below ${folder}` });
      continue;
    }
    const { size, mtimeMs } = await stat(path);
    samples.push({ id, revision: `${size}-${mtimeMs}`, label: row.diagnostic, patient: row.patient_id, split: splits.get(row.patient_id)!, fitzpatrick: row.fitspatrick, load: () => decodePicture(path) });
  }
  return { name: folder, samples, problems };
}
