// Results of finished long runs, summarised by the command for that. The runs take hours; a
// benchmark reads the results in their folders.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { succeed } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Benchmark } from './benchmark.js';

/** The file that a finished run of a command leaves in its folder. */
const FILES = { distill: 'distillation.json', simulate: 'simulation.json' } as const;

interface FinishedRuns<Report> extends Pick<Benchmark, 'name' | 'title'> {
  /**
   * Environment variable that gives other run folders than these. All are relative to the package.
   */
  readonly variable: string;
  readonly folders: readonly string[];
  /** The command that made them. */
  readonly by: keyof typeof FILES;
  readonly read: (json: unknown) => Report;
  /**
   * The section's text.
   * @param summary as printed by `lentigo distill summary` or `lentigo simulate summary`
   */
  readonly section: (
    reports: readonly Report[],
    folders: readonly string[],
    summary: string,
  ) => string | Promise<string>;
}

/**
 * A benchmark over these folders.
 * @throws when run, if a folder has no finished run
 */
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
