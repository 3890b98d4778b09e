// What a benchmark is: one section of BENCHMARKS.md and the code that measures it.

export interface Benchmark {
  /** As in `npm run bench -- NAME`. */
  readonly name: string;
  /** The section's heading. */
  readonly title: string;
  /** What a reader types to measure it again, from the package root. */
  readonly command: string;
  /**
   * Minutes rather than seconds, or in need of data that is not part of the repository: it runs
   * only when it is named.
   */
  readonly long?: boolean;
  /**
   * Measures.
   * @param say one line of progress
   * @returns the section's body, Markdown
   */
  run(say: (text: string) => void): Promise<string>;
}

/** A Markdown table; all columns but the first are numbers, to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** The smallest value that a share `p` of the sample doesn't exceed. */
export function quantile(sample: readonly number[], p: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

/** Bytes as megabytes. */
export const megabytes = (bytes: number): string =>
  (bytes / 1e6).toFixed(bytes < 1e6 ? 3 : bytes < 1e7 ? 2 : 1);
