// Reads an archive's rows from its table, each image once.
import type { ArchiveRow, RowReader } from './archive.js';
import { cleaned } from './cells.js';
import { ClinicalColumns } from './clinical-columns.js';
import type { Notes } from './notes.js';
import { invalidTable, type Table } from './table.js';

/**
 * A row that says the same of an image as one before it is noted and left out, as is a row that
 * names no image.
 * @param keep what is kept of a row
 * @throws LENTIGO_DATA_METADATA_INVALID when two rows say different things of one image, and
 *   whatever the archive's reader throws
 */
export async function readRows<T extends ArchiveRow>(
  table: Table,
  archive: RowReader<T>,
  notes: Notes,
  keep: (row: T) => T,
): Promise<T[]> {
  const rows: T[] = [];
  const seen = new Map<string, T>();
  const { columns, imageColumn, reads = columns.map((column) => [column] as const) } = archive;
  for await (const record of table.records(reads, columns)) {
    if (cleaned(record.record[imageColumn]!) === '') {
      notes.row('left out: no image named', record.line);
      continue;
    }
    const read = archive.row(record, table.name, notes);
    const before = seen.get(read.id);
    if (before !== undefined) {
      if (saidBy(before) !== saidBy(read))
        throw invalidTable(
          table.name,
          `rows ${before.line} and ${read.line}, column ${record.written(imageColumn)}: ${read.image} stands twice, with different content: remove one of them`,
        );
      notes.row('left out: the same as a row before', read.line);
      continue;
    }
    const row = keep(read);
    seen.set(row.id, row);
    rows.push(row);
  }
  return rows;
}

/** What a row says of its image, in one order. */
const saidBy = ({
  image,
  patient,
  diagnosis,
  words,
  split,
  fitzpatrick,
  clinical,
  leftOut,
  ...more
}: ArchiveRow): string =>
  JSON.stringify([
    [image, patient, diagnosis, words, split, fitzpatrick, clinical, leftOut],
    { ...more, line: undefined },
  ]);

/**
 * Keeps rows in little memory: without a hold on the piece of text that they were read from, each
 * word once, and clinical metadata by column.
 */
export function compactly(): (row: ArchiveRow) => ArchiveRow {
  const clinical = new ClinicalColumns();
  const texts = new Map<string, string>();
  const own = (text: string): string => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    const copy = copyOf(text);
    texts.set(copy, copy);
    return copy;
  };
  return (row) => {
    const id = copyOf(row.id);
    return {
      line: row.line,
      id,
      image: row.image === row.id ? id : copyOf(row.image),
      patient: row.patient === row.id ? id : own(row.patient),
      diagnosis: own(row.diagnosis),
      words: row.words,
      split: row.split,
      fitzpatrick: row.fitzpatrick,
      clinical: row.clinical && clinical.add(row.clinical, own),
      leftOut: row.leftOut,
    };
  };
}

/** A part of a string keeps the whole in memory; what JSON parses stands for itself. */
const copyOf = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
