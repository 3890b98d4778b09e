// Clinical metadata of many rows, a column at a time: eight bytes a number, each word once. An
// archive of 400,000 rows and 45 columns takes 150 MB so, and several times that as objects.
import type { Clinical } from './sample.js';

/** NaN where there is no number, and the text where there is one. */
interface Column {
  numbers: Float64Array;
  texts: (string | undefined)[] | undefined;
}

export class ClinicalColumns {
  readonly #columns = new Map<string, Column>();
  #rows = 0;

  /** Adds a row; every row has the same columns. @param own makes a text that may be kept */
  add(clinical: Clinical, own: (text: string) => string): Clinical {
    const row = this.#rows++;
    for (const name in clinical) {
      const value = clinical[name];
      const column = this.#column(name);
      if (row >= column.numbers.length) {
        const longer = new Float64Array(2 * column.numbers.length).fill(Number.NaN, row);
        longer.set(column.numbers);
        column.numbers = longer;
      }
      column.numbers[row] = typeof value === 'number' ? value : Number.NaN;
      if (typeof value === 'string') (column.texts ??= [])[row] = own(value);
    }
    return new Proxy<Clinical>({}, new RowHandler(this, row));
  }

  has(name: PropertyKey): name is string {
    return typeof name === 'string' && this.#columns.has(name);
  }
  names(): string[] {
    return [...this.#columns.keys()];
  }
  value(name: string, row: number): Clinical[string] {
    const { numbers, texts } = this.#columns.get(name)!;
    const number = numbers[row]!;
    return texts?.[row] ?? (Number.isNaN(number) ? undefined : number);
  }

  #column(name: string): Column {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = { numbers: new Float64Array(64).fill(Number.NaN), texts: undefined };
      this.#columns.set(name, column);
    }
    return column;
  }
}

/** A row of the columns looks like an object with its values. */
class RowHandler implements ProxyHandler<Clinical> {
  readonly #columns: ClinicalColumns;
  readonly #row: number;
  constructor(columns: ClinicalColumns, row: number) {
    this.#columns = columns;
    this.#row = row;
  }
  has(target: Clinical, name: PropertyKey): boolean {
    return this.#columns.has(name) || Reflect.has(target, name);
  }
  get(target: Clinical, name: PropertyKey): unknown {
    return this.#columns.has(name)
      ? this.#columns.value(name, this.#row)
      : Reflect.get(target, name);
  }
  ownKeys(): string[] {
    return this.#columns.names();
  }
  getOwnPropertyDescriptor(_: Clinical, name: PropertyKey): PropertyDescriptor | undefined {
    return this.#columns.has(name)
      ? {
          value: this.#columns.value(name, this.#row),
          enumerable: true,
          configurable: true,
        }
      : undefined;
  }
}
