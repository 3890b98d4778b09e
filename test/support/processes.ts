// The `lentigo` command as processes of their own, watched by the JSON lines that they print. What
// a test leaves running is ended with its file.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';
import { PACKAGE_ROOT } from './shared-data.js';

const LENTIGO = join(PACKAGE_ROOT, 'bin', 'lentigo.js');

/** A line of JSON, as a coordinator logs and an agent reports. */
export type Line = Readonly<Record<string, unknown>>;

export interface Running {
  readonly pid: number;
  readonly lines: readonly Line[];
  stdout(): string;
  stderr(): string;
  /** The first line, past or future, that passes. Rejects when the process ends without it. */
  until(passes: (line: Line) => boolean, seconds?: number): Promise<Line>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();
const endAll = () => {
  for (const child of running) child.kill('SIGKILL');
};
// Benchmarks start processes too, and have no test runner.
if (process.env['VITEST']) afterAll(endAll);
else process.once('exit', endAll);

export interface LaunchOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Put before the command, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** Starts `lentigo …args`. Nothing of the caller's own settings reaches it. */
export function launch(
  args: readonly string[],
  { env = {}, cwd, prefix = [] }: LaunchOptions = {},
): Running {
  const [command, ...rest] = [...prefix, process.execPath, LENTIGO, ...args] as [
    string,
    ...string[],
  ];
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(LENTIGO_|DATABASE_URL$|NODE_EXTRA_CA_CERTS$|.*_PROXY$)/i.test(name),
    ),
  );
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
    env: { ...inherited, LENTIGO_ENGINE: 'wasm', ...env },
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  const lines: Line[] = [];
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (!text.startsWith('{') || !text.endsWith('}')) return;
    lines.push(JSON.parse(text) as Line);
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal ?? 'SIGKILL');
    });
  });
  const tail = () => `${stdout.slice(-3000)}\n${stderr.slice(-3000)}`;
  return {
    pid: child.pid!,
    lines,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    until: (passes, seconds = 90) =>
      new Promise<Line>((resolve, reject) => {
        const done = (settle: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          settle();
        };
        const look = () => {
          const found = lines.find(passes);
          if (found) done(() => resolve(found));
        };
        const fail = (why: string) =>
          done(() =>
            reject(
              new Error(
                `lentigo ${args.slice(0, 2).join(' ')} ${why} without the line that was awaited:\n${tail()}`,
              ),
            ),
          );
        const timer = setTimeout(() => fail(`ran ${seconds} s`), seconds * 1000);
        listeners.add(look);
        look();
        void ended.then((how) => fail(`ended (${how})`));
      }),
    kill(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

export interface Finished {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `lentigo …args` to its end. */
export async function lentigo(
  args: readonly string[],
  options: LaunchOptions = {},
): Promise<Finished> {
  const run = launch(args, options);
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

/** The same, for a command that has to succeed. @returns what it printed on stdout */
export async function succeed(
  args: readonly string[],
  options: LaunchOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await lentigo(args, options);
  if (code !== 0)
    throw new Error(
      `lentigo ${args.slice(0, 2).join(' ')} ended with ${code}:\n${stdout}\n${stderr}`,
    );
  return stdout;
}

/** A coordinator process that listens. */
export async function launchCoordinator(
  dataDir: string,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): Promise<Running & { readonly url: string }> {
  const run = launch(['coordinator', '--port', '0', '--data-dir', dataDir, ...args], options);
  const { url } = await run.until((line) => typeof line['url'] === 'string');
  return { ...run, url: String(url) };
}
