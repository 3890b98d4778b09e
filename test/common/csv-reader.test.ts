// The reader of CSV in pieces: it reads what the writer writes, however the text is cut, as another
// parser does.
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvOf } from '../../common/csv.js';
import { CsvReader } from '../../common/csv-reader.js';

const read = (text: string, separator: string, size: number): string[][] => {
  const reader = new CsvReader(separator);
  const rows: string[][] = [];
  for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size), rows);
  return reader.end(rows);
};
const cell = fc
  .string({ unit: fc.constantFrom('a', ' ', ',', ';', '"', '\n', '\r', '\t', 'é') })
  .map((text) => text.trim());

it('reads back what was written, whatever a cell holds and wherever the text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constant('id'), cell, cell), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom('\n' as const, '\r\n' as const),
      (rows, size, newline) => {
        expect(read(csvOf(rows, newline), ',', size)).toEqual(rows);
      },
    ),
  );
});

/** Rows that hold something: the two differ in a last line of spaces. */
const full = (rows: readonly string[][]): string[][] => rows.filter((cells) => cells.some(Boolean));

it('agrees with csv-parse on any text that it takes', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', '"', '\n'), maxLength: 40 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 9 }), (written, size) => {
      let expected: string[][];
      try {
        const rows: string[][] = parse(written, {
          trim: true,
          relax_column_count: true,
          record_delimiter: '\n',
        });
        // The reader takes away spaces within quotes, too.
        expected = rows.map((cells) => cells.map((text) => text.trim()));
      } catch {
        return;
      }
      expect(full(read(written, ',', size))).toEqual(full(expected));
    }),
    { numRuns: 2000 },
  );
});
