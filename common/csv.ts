// Tables as CSV (RFC 4180), quoted so that csv-parse reads the same cells again.
import { stringify } from 'csv-stringify/browser/esm/sync';

/** null and undefined become empty cells. */
type Cell = string | number | null | undefined;

/** One line a row, each ended by `newline`; cells are quoted only where they have to be. */
export const csvOf = (rows: readonly (readonly Cell[])[], newline: '\n' | '\r\n' = '\n'): string =>
  // Its types want a mutable array. By itself it leaves a lone \r unquoted, which ends a line.
  stringify(rows as Cell[][], { record_delimiter: newline, quoted_match: /[\r\n]/ });
