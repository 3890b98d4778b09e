// Reads a table's text into checked rows. Errors name the row and the column.
import { parse as parseCsv } from 'csv-parse/browser/esm/sync';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { SPLITS } from './sample.js';

/** A row as text, and its line in the file. */
export interface TableRecord {
  readonly record: Readonly<Record<string, string>>;
  readonly line: number;
}

export const text = z.string().trim().max(200);
export const optionalText = text.optional();
/** Tables write whole numbers as 3.0, and leave unknown ones empty. */
export const number = (low: number, high: number) =>
  text
    .transform((value) => (value === '' || value === 'NA' ? undefined : Number(value)))
    .pipe(z.number().min(low).max(high).optional())
    .optional();
/** The name of a file, never a path. */
export const fileName = text.min(1).regex(/^[^/\\]+$/, 'must be a file name');
/** The split that a table itself gives: ours, or `test` in tables that have only train and test. */
export const splitWord = text
  .toLowerCase()
  .transform((value) => (value === '' ? undefined : value))
  .pipe(z.enum([...SPLITS, 'test']).optional())
  .optional();

export const invalidTable = (file: string, what: string, cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: ${what}`, { cause });

/**
 * The rows of a comma- or tab-separated text.
 * @throws LENTIGO_DATA_METADATA_INVALID
 */
export function parseTexts(csv: string, file: string): TableRecord[] {
  const end = csv.indexOf('\n');
  const delimiter = csv.slice(0, end < 0 ? undefined : end).includes('\t') ? '\t' : ',';
  let records: { record: Record<string, string>; info: { lines: number } }[];
  try {
    records = parseCsv(csv, {
      columns: true,
      bom: true,
      skip_empty_lines: true,
      trim: true,
      info: true,
      delimiter,
      max_record_size: 100_000,
    }) as unknown as typeof records;
  } catch (error) {
    throw invalidTable(file, (error as Error).message, error);
  }
  return records.map(({ record, info }) => ({ record, line: info.lines }));
}

/**
 * The rows parsed by a schema, each with its line.
 * @throws LENTIGO_DATA_METADATA_INVALID
 */
export function checkRows<T extends object>(
  table: readonly TableRecord[],
  schema: z.ZodType<T>,
  columns: readonly string[],
  file: string,
): (T & { readonly line: number })[] {
  const header = table[0]?.record;
  if (header === undefined) throw invalidTable(file, 'the table has no rows');
  const missing = columns.filter((column) => !(column in header));
  if (missing.length > 0) throw invalidTable(file, `column ${missing.join(', ')} is missing`);
  return table.map(({ record, line }) => {
    const row = schema.safeParse(record);
    if (row.success) return { ...row.data, line };
    const issue = row.error.issues[0]!;
    throw invalidTable(
      file,
      `row ${line}, column ${issue.path.join('.')}: ${issue.message} (it is "${record[String(issue.path[0])]}")`,
    );
  });
}
