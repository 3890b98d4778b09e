// Progress and remaining time of a long piece of work, on stderr: one moving line on a terminal, a
// line every half minute elsewhere.

const EVERY_MS = 30_000;

/** 75 → "1 min 15 s". */
function durationText(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** A terminal's last line, rewritten in place. */
export class MovingLine {
  readonly #write: (text: string) => unknown;
  #shown = false;

  constructor(write: (text: string) => unknown) {
    this.#write = write;
  }
  show(text: string): void {
    this.#write(`\r\u001b[2K${text}`);
    this.#shown = true;
  }
  /** Clears the line, before something else is printed. */
  clear(): void {
    if (this.#shown) this.#write('\r\u001b[2K');
    this.#shown = false;
  }
}

interface Out {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * @example const progress = new Progress(images.length);
 *   const done = progress.piece('evaluating', images.length); … done(0.5); … progress.clear();
 */
export class Progress {
  readonly #out: Out;
  readonly #line: MovingLine;
  readonly #began = performance.now();
  /** Units of work that were to do when it began, and those that are done. */
  readonly #total: number;
  #done = 0;
  #printedAt = performance.now();

  constructor(total: number, out: Out = process.stderr) {
    this.#total = total;
    this.#out = out;
    this.#line = new MovingLine((text) => out.write(text));
  }
  /**
   * A piece of work of this many units.
   * @returns a function that takes the share done; at 1 the piece is over
   */
  piece(what: string, units: number): (fraction: number) => void {
    let own = 0;
    return (fraction) => {
      this.#done += (fraction - own) * units;
      own = fraction;
      this.#tell(`${what} ${Math.round(fraction * 100)}%`);
    };
  }
  /** Clears the moving line, before something else is printed. */
  clear(): void {
    this.#line.clear();
  }
  #tell(what: string): void {
    const now = performance.now();
    const share = this.#done / this.#total;
    const left =
      share > 0.002
        ? `, about ${durationText(((now - this.#began) / 1000) * (1 / share - 1))} left`
        : '';
    if (this.#out.isTTY) this.#line.show(`${what}${left}`);
    else if (now - this.#printedAt > EVERY_MS) {
      this.#printedAt = now;
      this.#out.write(`${what}${left}\n`);
    }
  }
}
