// The table of PAD-UFES-20 (Pacheco et al. 2020, doi:10.17632/zr7vgbcyr2.1): metadata.csv as text → checked rows, each with its split. The same for a folder on disk and for files picked in a browser.
import { parse as parseCsv } from 'csv-parse/browser/esm/sync';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { PAD_UFES_LABELS, type LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import { type Clinical, SPLITS, type Split } from './sample.js';
import { DEFAULT_FRACTIONS, splitByPatient } from './split.js';

export interface ReadOptions {
  /** The diagnoses that are known; PAD-UFES-20's by default. */
  readonly labels?: LabelSet | undefined;
  /** Decides the splits where metadata.csv has no `split` column; 0 by default. */
  readonly seed?: number | undefined;
}

export const METADATA = 'metadata.csv';
const EXTENSION = /\.(png|jpe?g)$/i;

const text = z.string().trim().max(200);
const optional = text.optional();
/** The table writes whole numbers as 3.0, and leaves unknown ones empty. */
const number = (low: number, high: number) =>
  text.transform((value) => (value === '' ? undefined : Number(value))).pipe(z.number().min(low).max(high).optional()).optional();

/** The 26 published columns, and `split`. Only the first three, and split and skin type, are needed; the others are checked so that a shifted row is seen. */
export const Row = z.object({
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
export type Row = z.infer<typeof Row>;

/** What was known of patient and lesion when it was photographed. Not `biopsed`: that is decided afterwards, by the suspicion. */
const CLINICAL = [
  'age', 'fitspatrick', 'diameter_1', 'diameter_2', 'smoke', 'drink', 'background_father', 'background_mother', 'pesticide', 'gender', 'skin_cancer_history',
  'cancer_history', 'has_piped_water', 'has_sewage_system', 'region', 'itch', 'grew', 'hurt', 'changed', 'bleed', 'elevation',
] as const satisfies readonly (keyof Row)[];

/** A row's clinical metadata, of the columns that the table has. */
export const clinicalOf = (row: Row): Clinical => Object.fromEntries(CLINICAL.filter((column) => column in row).map((column) => [column, row[column] === '' ? undefined : row[column]]));

/** A row with where it stands in the file, and the stem that names its image. */
export interface TableRow extends Row {
  readonly line: number;
  readonly id: string;
}
/** The same with the split that it belongs to. */
export interface MetadataRow extends TableRow {
  readonly split: Split;
}

export const isImageName = (name: string): boolean => EXTENSION.test(name);
/** A file's name without the ending of an image: how rows and images are matched. */
export const stemOf = (name: string): string => name.replace(EXTENSION, '');

/**
 * The rows of metadata.csv, as they stand there; in the column `split` (train, validation or heldout) either all of them have a value or none.
 * @param file what errors call the table
 * @throws LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_UNKNOWN_DIAGNOSIS, LENTIGO_DATA_SPLIT_LEAK
 */
export function parseTable(csv: string, file: string, labels: LabelSet = PAD_UFES_LABELS): TableRow[] {
  const table = parseRows(csv, file);
  const invalid = (line: number, what: string) => new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: row ${line}, ${what}`);
  const names = new Set(labels.names);
  const seen = new Set<string>();
  for (const { id, img_id, diagnostic, line } of table) {
    if (!names.has(diagnostic)) throw new LentigoError('LENTIGO_DATA_UNKNOWN_DIAGNOSIS', `${file}: row ${line}: unknown diagnosis "${diagnostic}"; known are ${labels.names.join(', ')}`);
    if (seen.has(id)) throw invalid(line, `column img_id: ${img_id} appears a second time`);
    seen.add(id);
  }
  const without = table.find((row) => row.split === undefined);
  if (without && table.some((row) => row.split !== undefined)) throw invalid(without.line, 'column split: empty, while other rows have one');
  if (!without) checkLeaks(table, file);
  return table;
}

/**
 * The rows of metadata.csv, each in a split: that of the table; without one patients are split 60/20/20, stratified on diagnosis, by the seed.
 * @throws what parseTable throws
 */
export function parseMetadata(csv: string, file: string, { labels, seed = 0 }: ReadOptions = {}): MetadataRow[] {
  const table = parseTable(csv, file, labels);
  const patients = table.map((row) => ({ patient: row.patient_id, label: row.diagnostic }));
  const drawn = table[0]!.split === undefined ? splitByPatient(patients, DEFAULT_FRACTIONS, new Random(seed).fork('split')) : undefined;
  return table.map((row) => ({ ...row, split: row.split ?? drawn!.get(row.patient_id)! }));
}

function parseRows(csv: string, file: string): TableRow[] {
  const invalid = (what: string, cause?: unknown): LentigoError => new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: ${what}`, { cause });
  let records: { record: Record<string, string>; info: { lines: number } }[];
  try {
    records = parseCsv(csv, { columns: true, bom: true, skip_empty_lines: true, trim: true, info: true, max_record_size: 100_000 }) as unknown as typeof records;
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const header = records[0]?.record;
  if (header === undefined) throw invalid('the table has no rows');
  const missing = ['patient_id', 'img_id', 'diagnostic'].filter((column) => !(column in header));
  if (missing.length > 0) throw invalid(`column ${missing.join(', ')} is missing`);
  return records.map(({ record, info }) => {
    const row = Row.safeParse(record);
    if (row.success) return { ...row.data, line: info.lines, id: stemOf(row.data.img_id) };
    const issue = row.error.issues[0]!;
    throw invalid(`row ${info.lines}, column ${issue.path.join('.')}: ${issue.message} (it is "${record[String(issue.path[0])]}")`);
  });
}

/** @throws LENTIGO_DATA_SPLIT_LEAK when a patient is in two splits */
function checkLeaks(rows: readonly TableRow[], file: string): void {
  const splits = new Map<string, Split | undefined>();
  const leaks = new Set<string>();
  for (const { patient_id, split } of rows) {
    if (splits.has(patient_id) && splits.get(patient_id) !== split) leaks.add(patient_id);
    splits.set(patient_id, split);
  }
  if (leaks.size === 0) return;
  const some = [...leaks].slice(0, 10).join(', ');
  throw new LentigoError('LENTIGO_DATA_SPLIT_LEAK', `${file}: ${leaks.size} patients are in more than one split: ${some}${leaks.size > 10 ? ', …' : ''}`);
}
