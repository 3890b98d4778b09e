// The interface of a benchmark: one section of BENCHMARKS.md and the code that measures it.

export interface Benchmark {
  /** The NAME in `npm run bench -- NAME`. */
  readonly name: string;
  /** The section's heading. */
  readonly title: string;
  /** The command that repeats the measurement, from the package root. */
  readonly command: string;
  /**
   * Takes minutes rather than seconds, or needs data outside the repository: it runs only when
   * named.
   */
  readonly long?: boolean;
  /**
   * Runs the measurement.
   * @param say prints one line of progress
   * @returns the section's body, in Markdown
   */
  run(say: (text: string) => void): Promise<string>;
}

/** A Markdown table; all columns but the first contain numbers, aligned right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** The smallest value that is not exceeded by a share `p` of the sample. */
export function quantile(sample: readonly number[], p: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

/** Formats bytes as megabytes. */
export const megabytes = (bytes: number): string =>
  (bytes / 1e6).toFixed(bytes < 1e6 ? 3 : bytes < 1e7 ? 2 : 1);
