// A terminal in which a page's commands are typed: a shell in a folder, with what was exported.
import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { PACKAGE_ROOT } from '../support/shared-data.js';

/** `npx lentigo` as it is in a checkout after `npm ci`, from any folder. */
const NPX = `#!/bin/sh
[ "$1" = lentigo ] || { echo "npx $1 is not lentigo" >&2; exit 97; }
shift
exec "${process.execPath}" "${join(PACKAGE_ROOT, 'bin', 'lentigo.js')}" "$@"
`;

export interface Typed {
  readonly pid: number;
  /** What it printed so far, on both streams. */
  output(): string;
  readonly ended: Promise<number | null>;
}

export class Terminal {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #open = new Set<Typed>();

  private constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }
  static async open(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Terminal> {
    const tools = join(folder, '.tools');
    await mkdir(tools, { recursive: true });
    await writeFile(join(tools, 'npx'), NPX);
    await chmod(join(tools, 'npx'), 0o755);
    const own = Object.entries(process.env).filter(
      ([name, value]) =>
        value !== undefined && !/^(LENTIGO_|DATABASE_URL$|NODE_EXTRA_CA)/.test(name),
    ) as [string, string][];
    const path = `${tools}${delimiter}${process.env['PATH'] ?? ''}`;
    return new Terminal(folder, {
      ...Object.fromEntries(own),
      LENTIGO_ENGINE: 'wasm',
      ...env,
      PATH: path,
    });
  }

  /** Types a command that runs on. */
  start(command: string): Typed {
    const child = spawn('sh', ['-c', `exec ${command}`], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const typed: Typed = {
      pid: child.pid!,
      output: () => output,
      ended: new Promise((resolve) => {
        child.once('close', (code) => {
          this.#open.delete(typed);
          resolve(code);
        });
      }),
    };
    this.#open.add(typed);
    return typed;
  }

  /** Types a command and waits for it. @returns what it printed @throws unless it succeeds */
  async type(command: string): Promise<string> {
    const assignment = /^export (\w+)=(\S+)$/.exec(command);
    if (assignment) {
      this.#env[assignment[1]!] = assignment[2]!;
      return '';
    }
    const typed = this.start(command);
    const code = await typed.ended;
    if (code !== 0) throw new Error(`${command}\nended with ${code}:\n${typed.output()}`);
    return typed.output();
  }

  /** Ends what still runs, as closing the window would. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#open].map((typed) => {
        process.kill(typed.pid, 'SIGTERM');
        return typed.ended;
      }),
    );
  }
}
