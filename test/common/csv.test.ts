import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvOf } from '../../common/csv.js';

describe('a table as CSV', () => {
  it('quotes only what has to be quoted', () => {
    const table = [
      ['id', 'value'],
      ['a b', 0.1],
      ['a,b', null],
      ['say "a"', undefined],
    ];
    expect(csvOf(table)).toBe('id,value\na b,0.1\n"a,b",\n"say ""a""",\n');
    expect(csvOf([[1, -2.5e-9]], '\r\n')).toBe('1,-2.5e-9\r\n');
  });

  it('is read back cell by cell, whatever a cell holds', () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', ' ', ',', ';', '"', '\n', '\r', '\t', 'é'),
    });
    const table = fc.array(fc.tuple(fc.constant('id'), cell, cell), { minLength: 1 });
    fc.assert(
      fc.property(table, (rows) => {
        expect(parse(csvOf(rows))).toEqual(rows);
      }),
    );
  });
});
