// What reading a data set noticed and did not refuse, said in one line a kind: how many cells, and
// the first of them.

/** How many examples a line names. */
const EXAMPLES = 3;

interface Count {
  cells: number;
  readonly examples: string[];
}

export class Notes {
  readonly #once = new Set<string>();
  readonly #columns = new Map<string, Map<string, Count>>();
  readonly #rows = new Map<string, Count>();

  /** Something about the whole table. */
  say(line: string): void {
    this.#once.add(line);
  }

  /** A cell that is read as empty. @param what is wrong with it, such as "is no number" */
  cell(column: string, what: string, value: string, row: number): void {
    const ofColumn = this.#columns.get(column) ?? new Map<string, Count>();
    this.#columns.set(column, ofColumn);
    count(ofColumn, what, `"${shortened(value)}" in row ${row}`);
  }

  /** A row of which something has to be known. @param what follows "rows" */
  row(what: string, row: number): void {
    count(this.#rows, what, String(row));
  }

  /** Takes over all that others say. */
  add(others: Notes): void {
    for (const line of others.lines()) this.say(line);
  }

  lines(): string[] {
    return [
      ...this.#once,
      ...[...this.#columns].flatMap(([column, kinds]) =>
        [...kinds].map(
          ([what, { cells, examples }]) =>
            `column ${column}: ${cells} ${cells === 1 ? 'cell' : 'cells'} left empty, where it ${what} (${listed(examples, cells)})`,
        ),
      ),
      ...[...this.#rows].map(
        ([what, { cells, examples }]) =>
          `${cells} ${cells === 1 ? 'row' : 'rows'} ${what} (row ${listed(examples, cells)})`,
      ),
    ];
  }
}

function count(kinds: Map<string, Count>, what: string, example: string): void {
  const counted = kinds.get(what) ?? { cells: 0, examples: [] };
  kinds.set(what, counted);
  counted.cells++;
  if (counted.examples.length < EXAMPLES) counted.examples.push(example);
}

const listed = (examples: readonly string[], of: number): string =>
  `${examples.join(', ')}${of > examples.length ? ', …' : ''}`;

/** A cell's text as messages quote it. */
export const shortened = (value: string): string =>
  value.length > 60 ? `${value.slice(0, 60)}…` : value;
