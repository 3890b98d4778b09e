// Opens a table and reads its rows, a piece at a time: finds its separator and its header, and
// matches the header's columns to those that a reader knows.
import { CsvReader } from '../csv-reader.js';
import { LentigoError } from '../errors.js';
import { type TableSource, textOf } from './encoding.js';
import { type Notes, shortened } from './notes.js';

/** A row as text, and its number in the table as a spreadsheet shows it: the header is row 1. */
export interface TableRecord {
  readonly record: Readonly<Record<string, string>>;
  readonly line: number;
  /** What the table itself calls a column that its reader knows under this name. */
  readonly written: (column: string) => string;
}

/** A column's name for its reader, and other names that tables give it, the likeliest first. */
export type Column = readonly [name: string, ...alsoCalled: string[]];

/** The rows of a table's file in pieces, the empty ones too. */
export type TableRows = AsyncIterator<string[][]>;

export interface Table {
  readonly name: string;
  /** Names of the columns, as they are written there. */
  readonly header: readonly string[];
  /**
   * The rows under the names that a reader knows its columns by. Empty rows are left out.
   * @param columns a column of the table that matches none of them keeps its own name
   * @param required those that must be there
   * @throws LENTIGO_DATA_METADATA_INVALID when one is missing or stands twice, or a row is longer
   *   than the header
   */
  records(columns: readonly Column[], required: readonly string[]): AsyncIterable<TableRecord>;
}

export const invalidTable = (file: string, what: string, cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_DATA_METADATA_INVALID', `${file}: ${what}`, { cause });

/** One form for `Patient_ID`, `patient id` and `patient.id`, and for names with accents. */
const columnKey = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

const SEPARATORS = [',', ';', '\t', '|'];
/** Characters read to find the separator. */
const SAMPLE = 64 * 1024;
/** Rows among which the header is looked for: some programs write a title above it. */
const TITLES = 10;

/** How well a header suits the readers: the number of columns that one of them knows. */
export type Known = (header: readonly string[]) => number;

/** @throws LENTIGO_DATA_METADATA_INVALID */
export const openCsv = (source: TableSource, known: Known, notes: Notes): Promise<Table> =>
  openRows(source.name, csvRows(source, known, notes), known, notes);

/**
 * A table of which the rows are given.
 * @throws LENTIGO_DATA_METADATA_INVALID when there is none
 */
export async function openRows(
  name: string,
  rows: TableRows,
  known: Known,
  notes: Notes,
): Promise<Table> {
  const first: string[][] = [];
  let done = false;
  while (!done && first.length <= TITLES) {
    const next = await rows.next();
    done = next.done === true;
    if (!next.done) first.push(...next.value);
  }
  const top = headerRow(first, known);
  if (top === undefined) throw invalidTable(name, 'the table has no rows');
  const header = first[top]!;
  const above = first.slice(0, top).filter((cells) => cells.some(Boolean)).length;
  if (above > 0) notes.say(`${above} ${above === 1 ? 'row' : 'rows'} above the header left out`);
  const below = first.slice(top + 1).filter((cells) => cells.some(Boolean));
  if (below.length === 0 && done) throw invalidTable(name, 'the table has no rows');
  // R writes row names without a name above them.
  const named =
    below.length > 1 &&
    below.every((cells) => cells.length === header.length + 1 && cells.at(-1) !== '');
  const columns = named ? ['', ...header] : header;

  async function* all(): AsyncGenerator<string[][]> {
    yield first.slice(top! + 1);
    for (let next = await rows.next(); !next.done; next = await rows.next()) yield next.value;
  }
  return {
    name,
    header: columns,
    async *records(wanted, required) {
      const names = matchColumns(columns, wanted, name, notes);
      const missing = required.filter((column) => !names.includes(column));
      if (missing.length > 0)
        throw invalidTable(
          name,
          `column ${missing.join(', ')} is missing; the table has ${columns.filter(Boolean).map(shortened).join(', ')}`,
        );
      const written = (column: string): string => columns[names.indexOf(column)] ?? column;
      let line = top + 1;
      for await (const batch of all())
        for (const cells of batch) {
          line++;
          if (!cells.some(Boolean)) continue;
          if (cells.length > columns.length && cells.slice(columns.length).some(Boolean))
            throw invalidTable(
              name,
              `row ${line} has ${cells.length} cells, and the header ${columns.length}: is there a separator in a cell that is not in quotes?`,
            );
          if (columns.every((column, c) => cells[c] === column)) {
            notes.row('left out: the header again', line);
            continue;
          }
          const record: Record<string, string> = {};
          for (const [c, column] of names.entries())
            if (column !== '') record[column] = cells[c] ?? '';
          yield { record, line, written };
        }
    },
  };
}

/** Index of the row that the readers know most columns of; the first that isn't empty, if none. */
function headerRow(rows: readonly string[][], known: Known): number | undefined {
  let best: { readonly at: number; readonly fit: number } | undefined;
  for (const [at, cells] of rows.slice(0, TITLES).entries()) {
    if (!cells.some(Boolean)) continue;
    const fit = known(cells);
    if (best === undefined || fit > best.fit) best = { at, fit };
  }
  return best?.at;
}

/** The columns that a header has, under any of their names. */
export function matching(header: readonly string[], columns: readonly Column[]): Column[] {
  const keys = new Set(header.map(columnKey));
  return columns.filter((names) => names.some((name) => keys.has(columnKey(name))));
}

/** The names of the columns for a reader: its own for those that it wants. */
function matchColumns(
  header: readonly string[],
  wanted: readonly Column[],
  file: string,
  notes: Notes,
): string[] {
  const keys = header.map(columnKey);
  const names = [...header];
  const taken = new Set<number>();
  for (const [own, ...others] of wanted) {
    let at: number | undefined;
    for (const key of [own, ...others].map(columnKey)) {
      const places = [...keys.keys()].filter((c) => keys[c] === key && !taken.has(c));
      if (places.length > 1)
        throw invalidTable(
          file,
          `column "${header[places[0]!]}" stands twice (${places.map((c) => `column ${c + 1}: "${header[c]}"`).join(', ')}): remove one of them`,
        );
      const [place] = places;
      if (place === undefined) continue;
      if (at !== undefined)
        notes.say(`column "${header[place]}" is not read: "${header[at]}" has the same meaning`);
      else {
        at = place;
        names[place] = own;
      }
      taken.add(place);
    }
  }
  for (const [c, name] of header.entries())
    if (name !== '' && !taken.has(c) && header.indexOf(name) !== c)
      notes.say(`column "${name}" stands twice; it is not read`);
  return names;
}

async function* csvRows(
  source: TableSource,
  known: Known,
  notes: Notes,
): AsyncGenerator<string[][]> {
  let sample = '';
  let reader: CsvReader | undefined;
  const read = (rows: () => string[][]): string[][] => {
    try {
      return rows();
    } catch (error) {
      throw invalidTable(source.name, (error as Error).message, error);
    }
  };
  const begin = (): string[][] => {
    const [separator, start] = separatorOf(sample, known);
    reader = new CsvReader(separator);
    return read(() => reader!.push(sample.slice(start)));
  };
  for await (const piece of textOf(source, notes)) {
    if (reader === undefined) {
      sample += piece;
      if (sample.length >= SAMPLE) yield begin();
    } else yield read(() => reader!.push(piece));
  }
  if (reader === undefined) yield begin();
  yield read(() => reader!.end());
}

/**
 * The separator of a table that begins so, and where the table begins: the one that Excel's first
 * line `sep=;` names; else the one that makes columns which the readers know; else the one by which
 * most rows have as many cells as the header.
 */
function separatorOf(sample: string, known: Known): [separator: string, start: number] {
  const named = /^"?sep=(.)"?[ \t]*(\r\n|\r|\n)/i.exec(sample);
  if (named) return [named[1]!, named[0].length];
  let best: { readonly separator: string; readonly score: readonly number[] } | undefined;
  for (const separator of SEPARATORS) {
    const score = scoreOf(sample.slice(0, SAMPLE), separator, known);
    const better = score.findIndex((value, i) => value !== (best?.score[i] ?? -1));
    if (best === undefined || (better >= 0 && score[better]! > best.score[better]!))
      best = { separator, score };
  }
  return [best!.separator, 0];
}

/** Columns known, share of rows that fit the header, and columns: each higher is better. */
function scoreOf(sample: string, separator: string, known: Known): readonly number[] {
  const reader = new CsvReader(separator);
  const rows: string[][] = [];
  try {
    reader.push(sample, rows);
    if (sample.length < SAMPLE) reader.end(rows);
  } catch {
    // A quote that isn't closed: the rows before it tell enough, and it is refused when it is read.
  }
  const at = headerRow(rows, known);
  if (at === undefined) return [0, 0, 0];
  const width = rows[at]!.length;
  const below = rows.slice(at + 1).filter((cells) => cells.some(Boolean));
  const fit = below.filter((cells) => cells.length > 1 && cells.length <= width + 1).length;
  return [known(rows[at]!), below.length > 0 ? fit / below.length : 0, width];
}
