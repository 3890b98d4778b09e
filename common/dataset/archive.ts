// The description of an archive by its reader, and the rules for all archives: labels from a label
// set, and splits that no patient crosses.
import type { z } from 'zod';
import { LentigoError } from '../errors.js';
import type { LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import { labelOf, type Words, wordsOf } from './diagnoses.js';
import { type Notes, shortened } from './notes.js';
import type { Clinical, Split } from './sample.js';
import { DEFAULT_FRACTIONS, splitByPatient } from './split.js';
import { type Column, invalidTable, type TableRecord } from './table.js';

/** One image of an archive's table. */
export interface ArchiveRow {
  /** The row's number, as a spreadsheet shows it. */
  readonly line: number;
  /** The image's name without its extension, with its folder if the table gives one. */
  readonly id: string;
  /** The image's name in the table. */
  readonly image: string;
  readonly patient: string;
  /** The diagnosis as the archive names it; '' if the row has none. */
  readonly diagnosis: string;
  /** The labels in our label sets; undefined if the archive has no such diagnosis. */
  readonly words: Words | undefined;
  readonly split?: Split | 'test' | undefined;
  readonly fitzpatrick?: number | undefined;
  readonly clinical?: Clinical | undefined;
  /** Why this image is left out, whatever the label set. */
  readonly leftOut?: string | undefined;
}

/** Source and licence of the photographs, for a model card. */
export interface Source {
  readonly name: string;
  /** Authors, year, DOI. */
  readonly citation: string;
  readonly licence: string;
  /**
   * Generated, not photographed: a result on it says nothing about people, and the dataset's name
   * is enough to generate it again.
   */
  readonly synthetic?: true;
}

/** How an archive's table is read. */
export interface RowReader<T extends ArchiveRow = ArchiveRow> {
  /** The columns that its reader requires; they identify the archive. */
  readonly columns: readonly string[];
  /**
   * All columns that it reads, by default the required ones: the table may write them with other
   * capitals, spaces and marks.
   */
  readonly reads?: readonly Column[];
  /** The column with the image's name. A row without one is left out and counted. */
  readonly imageColumn: string;
  /**
   * Reads a row. What isn't needed and can't be read is noted, and left empty.
   * @throws LENTIGO_DATA_METADATA_INVALID naming row and column
   */
  row(record: TableRecord, file: string, notes: Notes): T;
}

export interface Archive extends Source, RowReader {
  /** The names that its table may have. */
  readonly tables: readonly string[];
  /** The unit that splits keep together. */
  readonly unit: 'patient' | 'lesion';
  /** The label set used if none is asked for. */
  readonly labels: LabelSet;
  /**
   * For archives whose files are named a little differently than in the table: maps both stems to
   * one form.
   */
  readonly stemKey?: (stem: string) => string;
}

/**
 * A reader by a schema of columns. A cell of a required column that the schema refuses is an error;
 * one of another column is noted and read as empty.
 * @param columns those required
 */
export function rowsBy<S extends z.ZodObject, T extends Omit<ArchiveRow, 'line'>>(
  schema: S,
  columns: readonly (keyof z.infer<S> & string)[],
  imageColumn: keyof z.infer<S> & string,
  read: (row: z.infer<S>, record: TableRecord, notes: Notes) => T,
): RowReader<T & { readonly line: number }> {
  return {
    columns,
    reads: Object.keys(schema.shape).map((name) => [name]),
    imageColumn,
    row: (record, file, notes) => ({
      line: record.line,
      ...read(checkRow(schema, columns, record, file, notes), record, notes),
    }),
  };
}

/**
 * A row parsed by a schema.
 * @param columns those that must be right; a wrong cell of another one is noted and left empty
 * @throws LENTIGO_DATA_METADATA_INVALID naming row and column
 */
function checkRow<S extends z.ZodObject>(
  schema: S,
  columns: readonly string[],
  { record, line, written }: TableRecord,
  file: string,
  notes: Notes,
): z.infer<S> {
  const row = schema.safeParse(record);
  if (row.success) return row.data;
  // A split that can't be read must not become no split.
  const needed = [...columns, 'split'];
  const emptied: Record<string, string> = { ...record };
  for (const { path, message } of row.error.issues) {
    const column = String(path[0]);
    const value = record[column] ?? '';
    if (needed.includes(column) || value === '')
      throw invalidTable(
        file,
        `row ${line}, column ${written(column)} ${message}${value === '' ? '' : ` (it is "${shortened(value)}")`}`,
      );
    notes.cell(written(column), message, value, line);
    emptied[column] = '';
  }
  return schema.parse(emptied);
}

/**
 * Each row's label in a label set; undefined where it has none, which is counted by its reason.
 * @throws LENTIGO_DATA_UNKNOWN_DIAGNOSIS when no row has one
 */
export function labelRows(
  rows: readonly ArchiveRow[],
  labels: LabelSet,
  file: string,
): { labels: (string | undefined)[]; leftOut: Record<string, number> } {
  const leftOut: Record<string, number> = {};
  const unlabelled = new Map<string, number>();
  const given = rows.map(({ leftOut: reason, diagnosis, words }) => {
    const label = reason === undefined ? labelOf(diagnosis, labels, words) : undefined;
    if (label !== undefined) return label;
    const why =
      reason ??
      (diagnosis === ''
        ? 'no diagnosis'
        : (words ?? wordsOf(diagnosis)) === undefined
          ? `unknown diagnosis "${shortened(diagnosis)}"`
          : diagnosis);
    leftOut[why] = (leftOut[why] ?? 0) + 1;
    if (reason === undefined) unlabelled.set(diagnosis, (unlabelled.get(diagnosis) ?? 0) + 1);
    return undefined;
  });
  if (unlabelled.size > 0 && given.every((label) => label === undefined)) {
    const found = [...unlabelled].sort(([, a], [, b]) => b - a);
    throw new LentigoError(
      'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      `${file}: no diagnosis of it is known. It has ${found
        .slice(0, 10)
        .map(([word, n]) => `${word === '' ? 'empty cells' : `"${shortened(word)}"`} (${n})`)
        .join(', ')}${found.length > 10 ? ', …' : ''}; known are ${labels.names.join(', ')}`,
    );
  }
  return { labels: given, leftOut };
}

/** What splits are made of. */
type SplitRow = Pick<ArchiveRow, 'patient' | 'line' | 'split'>;

/**
 * Checks a table's splits.
 * @throws LENTIGO_DATA_METADATA_INVALID when some rows have a split and others none;
 *   LENTIGO_DATA_SPLIT_LEAK when a patient (or lesion) is in two
 */
export function checkSplits(rows: readonly SplitRow[], unit: Archive['unit'], file: string): void {
  const without = rows.find((row) => row.split === undefined);
  if (without) {
    if (rows.some((row) => row.split !== undefined))
      throw invalidTable(file, `row ${without.line} names no split, while other rows name one`);
    return;
  }
  const first = new Map<string, SplitRow>();
  const leaks = new Map<string, string>();
  const said = ({ line, split }: SplitRow): string => `row ${line}: ${split}`;
  for (const row of rows) {
    const before = first.get(row.patient);
    if (before === undefined) first.set(row.patient, row);
    else if (before.split !== row.split && !leaks.has(row.patient))
      leaks.set(row.patient, `${row.patient} (${said(before)}, ${said(row)})`);
  }
  if (leaks.size === 0) return;
  const some = [...leaks.values()].slice(0, 10).join(', ');
  throw new LentigoError(
    'LENTIGO_DATA_SPLIT_LEAK',
    `${file}: ${leaks.size} ${leaks.size === 1 ? `${unit} is` : `${unit}s are`} in more than one split: ${some}${leaks.size > 10 ? ', …' : ''}`,
  );
}

/**
 * Each row's split: the table's own. If the table knows only train and test, test is held out and a
 * fifth of the training patients becomes validation. Without any, patients are split by
 * `fractions`. Both are seeded, and stratified on diagnosis.
 * @throws what checkSplits throws
 */
export function splitRows(
  rows: readonly (SplitRow & { readonly label: string })[],
  unit: Archive['unit'],
  file: string,
  seed: number,
  fractions: Readonly<Record<Split, number>> = DEFAULT_FRACTIONS,
): Split[] {
  checkSplits(rows, unit, file);
  const random = new Random(seed).fork('split');
  if (rows[0]?.split === undefined) {
    const drawn = splitByPatient(rows, fractions, random);
    return rows.map(({ patient }) => drawn.get(patient)!);
  }
  const twofold =
    rows.some(({ split }) => split === 'test') && !rows.some(({ split }) => split === 'validation');
  const drawn = twofold
    ? splitByPatient(
        rows.filter(({ split }) => split === 'train'),
        { train: 0.8, validation: 0.2, heldout: 0 },
        random,
      )
    : undefined;
  return rows.map(({ patient, split }) =>
    split === 'test' ? 'heldout' : (drawn?.get(patient) ?? (split as Split)),
  );
}
