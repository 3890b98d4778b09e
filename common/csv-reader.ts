// Reads the rows of a CSV text that arrives in pieces, so that a table of any size is read in little
// memory. Separator and line ends are those of the file: RFC 4180, and what spreadsheets make of it.

/** Longer ones come from a quote that isn't closed. */
const LONGEST_ROW = 100_000;
const QUOTE = '"';
const SPACE = /[ \t\u00a0]/;

export class CsvReader {
  readonly #separator: string;
  /** Begins with the row that isn't complete yet. */
  #rest = '';
  #rows = 0;
  #last = false;
  constructor(separator: string) {
    this.#separator = separator;
  }

  /**
   * The rows that this piece completes, an empty line as one empty cell. Cells are without the
   * spaces around them; quotes may stand for themselves within a cell that doesn't begin with one.
   * @param rows takes them; where it throws, they are those before the row that is wrong
   * @throws Error naming the row, counted from 1, with a quote that isn't closed
   */
  push(piece: string, rows: string[][] = []): string[][] {
    this.#rest += piece;
    let from = 0;
    for (;;) {
      const cells: string[] = [];
      const next = from < this.#rest.length ? this.#row(from, cells) : undefined;
      if (next === undefined) break;
      rows.push(cells);
      this.#rows++;
      from = next;
    }
    this.#rest = this.#rest.slice(from);
    if (this.#rest.length > LONGEST_ROW)
      throw new Error(
        `row ${this.#rows + 1} is longer than ${LONGEST_ROW.toLocaleString('en')} characters: is a quote (") not closed?`,
      );
    return rows;
  }

  /** The row that no line end closes, if there is one. */
  end(rows: string[][] = []): string[][] {
    this.#last = true;
    return this.push('', rows);
  }

  #unclosed(): Error {
    return new Error(
      `row ${this.#rows + 1}: a quote (") is not closed, or not doubled in its cell`,
    );
  }

  /** Reads one row into `cells`; returns where the next one begins, undefined if it isn't complete. */
  #row(from: number, cells: string[]): number | undefined {
    const text = this.#rest;
    const separator = this.#separator;
    for (let at = from; ; at++) {
      let begin = at;
      while (begin < text.length && text[begin] !== separator && SPACE.test(text[begin]!)) begin++;
      if (text[begin] === QUOTE) {
        const end = this.#quoteEnd(begin + 1);
        if (end === undefined) return undefined;
        cells.push(
          text
            .slice(begin + 1, end)
            .replaceAll('""', QUOTE)
            .trim(),
        );
        at = end + 1;
        while (at < text.length && text[at] !== separator && SPACE.test(text[at]!)) at++;
        if (at < text.length && !this.#ends(text[at]!)) throw this.#unclosed();
      } else {
        at = begin;
        while (at < text.length && !this.#ends(text[at]!)) at++;
        cells.push(text.slice(begin, at).trim());
      }
      if (at >= text.length) return this.#last ? at : undefined;
      if (text[at] === separator) continue;
      // A \r at the end of a piece may be the first half of a \r\n.
      if (text[at] === '\r' && at + 1 >= text.length && !this.#last) return undefined;
      return text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1;
    }
  }

  #ends(char: string): boolean {
    return char === this.#separator || char === '\n' || char === '\r';
  }

  /** Where the quote is that closes a cell. */
  #quoteEnd(from: number): number | undefined {
    for (let at = from; ; at += 2) {
      at = this.#rest.indexOf(QUOTE, at);
      if (at < 0 || (at + 1 >= this.#rest.length && !this.#last)) {
        if (this.#last) throw this.#unclosed();
        return undefined;
      }
      if (this.#rest[at + 1] !== QUOTE) return at;
    }
  }
}
