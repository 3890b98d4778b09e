// Long runs that are finished, summed up by the command that sums them up. They take hours; a
// benchmark reads what they left in their folders.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { succeed } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Benchmark } from './benchmark.js';

/** What a finished run of a command leaves in its folder. */
const FILES = { distill: 'distillation.json', simulate: 'simulation.json' } as const;

interface FinishedRuns<Report> extends Pick<Benchmark, 'name' | 'title'> {
  /**
   * Of the environment: names the runs' folders instead of these. All are relative to the package.
   */
  readonly variable: string;
  readonly folders: readonly string[];
  /** What made them. */
  readonly by: keyof typeof FILES;
  readonly read: (json: unknown) => Report;
  /**
   * The section's text.
   * @param summary as `lentigo distill summary` or `lentigo simulate summary` prints it
   */
  readonly section: (
    reports: readonly Report[],
    folders: readonly string[],
    summary: string,
  ) => string | Promise<string>;
}

/** @throws when run, where a folder holds no finished run */
export function benchmarkOfFinished<Report>({
  name,
  title,
  variable,
  folders: usual,
  by,
  read,
  section,
}: FinishedRuns<Report>): Benchmark {
  const folders = process.env[variable]?.split(' ') ?? usual;
  return {
    name,
    title,
    command: `npx lentigo ${by} summary ${folders.join(' ')}`,
    long: true,
    async run(say) {
      const paths = folders.map((folder) => resolve(PACKAGE_ROOT, folder, FILES[by]));
      const missing = folders.find((_, i) => !existsSync(paths[i]!));
      if (missing)
        throw new Error(
          `${join(PACKAGE_ROOT, missing)} holds no ${FILES[by]}; ${variable} names the folders, relative to the package, separated by spaces`,
        );
      const reports = await Promise.all(
        paths.map(async (path) => read(JSON.parse(await readFile(path, 'utf8')))),
      );
      say('summing up');
      return section(
        reports,
        folders,
        (await succeed([by, 'summary', ...folders], { cwd: PACKAGE_ROOT })).trim(),
      );
    },
  };
}
