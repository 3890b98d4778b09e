// Finds the table of a folder, or of the files that somebody picked, and how it is read.
import { LentigoError } from '../errors.js';
import type { Archive, RowReader } from './archive.js';
import { wordsOf } from './diagnoses.js';
import { Notes, shortened } from './notes.js';
import { type Column, invalidTable, type Known, matching, type Table } from './table.js';

/** The files that may be tables; Excel's own are read by Node only. */
const TABLE = /\.(csv|tsv|tab|txt|xlsx)$/i;
export const isTableName = (name: string): boolean => TABLE.test(name);
/** The files that nobody puts beside images for anything else. */
const SURE = /\.(csv|tsv|xlsx)$/i;

const required = ({ columns, reads = [] }: RowReader): Column[] =>
  columns.map((column) => reads.find(([name]) => name === column) ?? [column]);
const found = (header: readonly string[], reader: RowReader): number =>
  matching(header, required(reader)).length;
const isWhole = (header: readonly string[], reader: RowReader): boolean =>
  found(header, reader) === reader.columns.length;

/** How well a header suits the best of some readers. */
export const knownBy =
  (readers: readonly RowReader[]): Known =>
  (header) =>
    Math.max(
      ...readers.map(
        (reader) => found(header, reader) * 100 + matching(header, reader.reads ?? []).length,
      ),
    );

/** The reader that has all its columns in a table; else the one that lacks fewest. */
const readerOf = <T extends RowReader>(table: Table, readers: readonly T[]): T =>
  readers.find((reader) => isWhole(table.header, reader)) ??
  readers.toSorted((a, b) => found(table.header, b) - found(table.header, a))[0]!;

/** Why a table is none of images and diagnoses: the columns that it lacks, in the plainest words. */
function lacking({ name, header }: Table, readers: readonly RowReader[]): LentigoError {
  const known = header.filter(Boolean);
  const diagnoses = known.filter((column) => wordsOf(column) !== undefined);
  if (diagnoses.length > 1)
    return invalidTable(
      name,
      `it has a column for each diagnosis (${listed(diagnoses)}), which is not read: write one column diagnosis instead, with the name of its diagnosis in each row`,
    );
  const [fewest] = readers
    .map((reader) => {
      const there = new Set(matching(header, required(reader)));
      return required(reader).filter((column) => !there.has(column));
    })
    .sort((a, b) => a.length - b.length);
  const names = fewest!.map(([own, called = own]) => called);
  return invalidTable(
    name,
    `no ${names.length === 1 ? 'column' : 'columns'} for ${names.join(' and ')}: it has ${listed(known)}`,
  );
}

/** So many columns of a table are named. */
const NAMED = 20;
const listed = (columns: readonly string[]): string =>
  `${columns.slice(0, NAMED).map(shortened).join(', ')}${columns.length > NAMED ? ', …' : ''}`;

/** A table, how it is read, and what opening it noticed. */
interface Chosen<T> {
  readonly table: Table;
  readonly reader: T;
  readonly own: Notes;
  readonly reason?: undefined;
}
/** Why the only file that could be a table is none; undefined if there is no such file. */
interface None {
  readonly table?: undefined;
  readonly reader?: undefined;
  readonly own?: undefined;
  readonly reason: LentigoError | undefined;
}

/**
 * The table among some files: one with a name that archives give theirs, else the only one with all
 * columns of a reader.
 * @param files names, or paths with /
 * @throws LENTIGO_DATA_METADATA_INVALID when several could be, or the one named like an archive's
 *   lacks a column
 */
export async function chooseTable<T extends RowReader & Pick<Archive, 'tables'>>(
  files: readonly string[],
  readers: readonly T[],
  open: (file: string, notes: Notes) => Promise<Table>,
): Promise<Chosen<T> | None> {
  const opened = async (file: string): Promise<Chosen<T>> => {
    const own = new Notes();
    const table = await open(file, own);
    return { table, reader: readerOf(table, readers), own };
  };
  const named = readers
    .flatMap(({ tables }) => tables)
    .flatMap((name) => files.filter((file) => nameOf(file) === name));
  const first = named[0] === undefined ? undefined : await opened(named[0]);
  if (first && isWhole(first.table.header, first.reader)) return first;
  const fitting: Chosen<T>[] = [];
  let reason: LentigoError | undefined;
  for (const file of files.filter((each) => isTableName(each) && each !== named[0])) {
    try {
      const chosen = await opened(file);
      const { table, reader } = chosen;
      if (isWhole(table.header, reader)) fitting.push(chosen);
      else if (SURE.test(file)) reason ??= lacking(table, readers);
    } catch (error) {
      if (!(error instanceof LentigoError)) throw error;
      if (SURE.test(file)) reason ??= error;
    }
  }
  if (fitting.length > 1)
    throw invalidTable(
      fitting[0]!.table.name,
      `there are several tables of images and diagnoses: ${fitting.map(({ table }) => table.name).join(', ')}. Keep one of them`,
    );
  if (fitting[0]) return fitting[0];
  if (first && found(first.table.header, first.reader) < 2) throw lacking(first.table, readers);
  return first ?? { reason };
}

const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
