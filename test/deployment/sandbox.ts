// Runs the services of docker-compose.yml without a container engine: each in a sandbox
// (bubblewrap) with the root, volumes, user, rights and variables from the file, all on one
// separate network, where every service's name resolves to 127.0.0.1.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { binaries } from '../coordinator/storage/databases.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { type Compose, type Image, readText, type Service, volumesOf } from './compose.js';

/** The user `node` of the base image. */
const NODE_USER = 1000;

/** Why no sandbox is possible here; undefined if one is. */
export function whyNoSandbox(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can give each service its own root and network';
  if (!/^\/(usr|opt)\//.test(process.execPath))
    return `Node in ${process.execPath} is not in the part of the root that services see`;
  const missing = ['bwrap', 'caddy', 'ip', 'setpriv', 'wget'].filter(
    (program) => spawnSync('which', [program]).status !== 0,
  );
  if (binaries() === undefined) missing.push('PostgreSQL');
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  // Tried for real: in a container without the right to make sandboxes, both programs are installed
  // but fail.
  const probe = `lentigo-probe-${process.pid}`;
  const works =
    spawnSync('bwrap', ['--ro-bind', '/', '/', '--unshare-pid', 'true']).status === 0 &&
    spawnSync('ip', ['netns', 'add', probe]).status === 0;
  spawnSync('ip', ['netns', 'delete', probe]);
  return works ? undefined : 'this machine allows no namespaces';
}

/**
 * Builds what the Dockerfile makes of the sources that .dockerignore lets through, with its own
 * commands and this machine's node_modules from `npm ci`.
 * @returns the folder that is /app
 */
export function buildImage(folder: string, image: Image): string {
  const [stage, app] = [join(folder, 'build'), join(folder, 'app')];
  for (const line of readText('.dockerignore').split('\n')) {
    if (line.startsWith('!'))
      cpSync(join(PACKAGE_ROOT, line.slice(1)), join(stage, line.slice(1)), { recursive: true });
    else if (line !== '*' && !line.startsWith('#') && line !== '')
      rmSync(join(stage, line), { recursive: true, force: true });
  }
  // As hard links, which take no time; but npm overwrites its own list in place, so that one is
  // copied.
  const modules = join(stage, 'node_modules');
  const linked = spawnSync('cp', ['-al', join(PACKAGE_ROOT, 'node_modules'), modules]).status === 0;
  if (!linked) execFileSync('cp', ['-a', join(PACKAGE_ROOT, 'node_modules'), modules]);
  execFileSync('cp', [
    '--remove-destination',
    join(PACKAGE_ROOT, 'node_modules', '.package-lock.json'),
    modules,
  ]);
  for (const command of image.build)
    execFileSync('sh', ['-c', command], { cwd: stage, stdio: 'pipe' });
  for (const path of image.copied) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    renameSync(join(stage, path), join(app, path));
  }
  rmSync(stage, { recursive: true });
  chmodSync(app, 0o755);
  return app;
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

export interface Ran {
  readonly code: number | NodeJS.Signals;
  readonly output: string;
}

export interface Container {
  output(): string;
  readonly ended: Promise<Ran>;
  kill(): Promise<Ran>;
  /**
   * Sends SIGTERM to the service's own first process, as an engine with an init process does to
   * stop a container.
   */
  stop(): Promise<Ran>;
  /**
   * Resolves when the service has printed this; rejects if it ends first, or after this many
   * seconds.
   */
  prints(text: string | RegExp, seconds?: number): Promise<void>;
}

export class Sandboxes {
  readonly #folder: string;
  readonly #compose: Compose;
  readonly #image: Image;
  readonly #app: string;
  readonly #network: string;
  readonly #running = new Set<ChildProcess>();

  constructor(folder: string, compose: Compose, image: Image, app: string) {
    [this.#folder, this.#compose, this.#image, this.#app, this.#network] = [
      folder,
      compose,
      image,
      app,
      `lentigo-compose-${process.pid}`,
    ];
    const names = Object.entries(compose.services).flatMap(([name, { networks = [] }]) => [
      name,
      ...Object.values(networks).flatMap((n: string | { aliases?: readonly string[] }) =>
        typeof n === 'string' ? [] : (n.aliases ?? []),
      ),
    ]);
    writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost ${names.join(' ')}\n`);
    execFileSync('ip', ['netns', 'add', this.#network]);
    execFileSync('ip', ['netns', 'exec', this.#network, 'ip', 'link', 'set', 'lo', 'up']);
  }

  /** Starts a service with its own command. `changed`: variables that the test overrides. */
  up(name: string, changed: Readonly<Record<string, string>> = {}): Container {
    const service = this.#service(name);
    const command =
      service.command ??
      (name === 'proxy'
        ? ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile']
        : []);
    return this.#spawn(
      name === 'postgres' ? this.#postgres(service) : this.#sandbox(service, command, changed),
    );
  }

  /** Runs another command beside a service, like `docker compose exec`. */
  exec(name: string, ...command: string[]): Promise<Ran> {
    const service = this.#service(name);
    return this.#spawn(
      name === 'postgres'
        ? this.#here(join(binaries()!, command[0]!), ...command.slice(1))
        : this.#sandbox(service, command),
    ).ended;
  }

  /** Runs the service's health check once. */
  check(name: string): Promise<Ran> {
    return this.exec(name, ...this.#service(name).healthcheck!.test.slice(1));
  }

  /** Resolves when the health check passes. */
  async healthy(name: string, seconds = 60): Promise<void> {
    for (const end = Date.now() + seconds * 1000; ; await sleep(200)) {
      const { code, output } = await this.check(name);
      if (code === 0) return;
      if (Date.now() > end) throw new Error(`${name} is not healthy after ${seconds} s: ${output}`);
    }
  }

  /** The folder of a named volume. */
  volume(name: string): string {
    return join(this.#folder, 'volumes', name);
  }

  async down(): Promise<void> {
    const ends = [...this.#running].map(
      (child) => new Promise((done) => child.once('close', done)),
    );
    // PostgreSQL ends at once; a sandbox ends too, with everything in it.
    for (const child of this.#running) child.kill('SIGINT');
    await Promise.all(ends);
    spawnSync('ip', ['netns', 'del', this.#network]);
  }

  #service(name: string): Service {
    const service = this.#compose.services[name];
    if (!service) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  #here(...command: string[]): string[] {
    return ['ip', 'netns', 'exec', this.#network, ...command];
  }

  /** Caddy's image: root, and its folders from the environment. Ours: as the Dockerfile says. */
  #sandbox(
    service: Service,
    command: readonly string[],
    changed: Readonly<Record<string, string>> = {},
  ): string[] {
    const ours = service.image === 'lentigo';
    const environment = {
      ...(ours ? this.#image.environment : { XDG_CONFIG_HOME: '/config', XDG_DATA_HOME: '/data' }),
      ...service.environment,
      ...changed,
    };
    const path = [
      '/image/bin',
      dirname(process.execPath),
      '/usr/local/sbin',
      '/usr/local/bin',
      '/usr/sbin',
      '/usr/bin',
      '/sbin',
      '/bin',
    ].join(':');
    const rights = service.cap_add ?? [];
    // Dropped again before the command runs as its user.
    const toBecomeUser = ours ? ['SETUID', 'SETGID', 'SETPCAP'] : [];
    const asUser = ours
      ? [
          'setpriv',
          `--reuid=${NODE_USER}`,
          `--regid=${NODE_USER}`,
          '--clear-groups',
          '--inh-caps=-all',
          '--bounding-set=-all',
          '--no-new-privs',
        ]
      : [];
    return this.#here(
      'bwrap',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--die-with-parent',
      '--clearenv',
      ...Object.entries({ PATH: path, HOME: '/', ...environment }).flatMap(([name, value]) => [
        '--setenv',
        name,
        value,
      ]),
      '--ro-bind',
      '/usr',
      '/usr',
      ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => [
        '--symlink',
        `usr/${name}`,
        `/${name}`,
      ]),
      '--ro-bind-try',
      '/opt',
      '/opt',
      '--ro-bind',
      '/etc',
      '/etc',
      '--ro-bind',
      join(this.#folder, 'hosts'),
      '/etc/hosts',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      ...(ours
        ? [
            '--ro-bind',
            this.#app,
            '/app',
            '--perms',
            '0755',
            '--dir',
            '/image',
            '--perms',
            '0755',
            '--dir',
            '/image/bin',
            '--chdir',
            '/app',
          ]
        : []),
      ...(ours
        ? this.#image.links.flatMap(([target, name]) => [
            '--symlink',
            target,
            name.replace('/usr/local/bin', '/image/bin'),
          ])
        : []),
      ...volumesOf(service).flatMap(({ source, target, readOnly, bind }) => [
        readOnly ? '--ro-bind' : '--bind',
        bind
          ? join(source.startsWith('/') ? '/' : PACKAGE_ROOT, source)
          : this.#mounted(source, ours && !readOnly),
        target,
      ]),
      ...(service.tmpfs ?? []).flatMap((target) => ['--perms', '1777', '--tmpfs', target]),
      ...(service.read_only ? ['--remount-ro', '/'] : []),
      '--cap-drop',
      'ALL',
      ...[...rights, ...toBecomeUser].flatMap((name) => ['--cap-add', `CAP_${name}`]),
      '--',
      ...asUser,
      ...command,
    );
  }

  /** A named volume, created at its first use with the owner of the image's folder. */
  #mounted(name: string, ours: boolean): string {
    const folder = this.volume(name);
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      if (ours) chownSync(folder, NODE_USER, NODE_USER);
      if (ours) chmodSync(folder, 0o700);
    }
    return folder;
  }

  /**
   * This machine's PostgreSQL in place of the image, with the user, password and database from the
   * variables.
   */
  #postgres({ environment = {} }: Service): string[] {
    const {
      POSTGRES_USER: user = '',
      POSTGRES_PASSWORD: password = '',
      POSTGRES_DB: database = '',
    } = environment;
    const data = this.#mounted('postgres', false);
    const file = join(data, 'password');
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'])));
    writeFileSync(file, password);
    for (const path of [data, file]) chownSync(path, uid!, gid!);
    const [bin, cluster] = [binaries()!, join(data, 'cluster')];
    chmodSync(this.#folder, 0o755);
    chmodSync(join(this.#folder, 'volumes'), 0o755);
    const postgres = (...args: string[]) => [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      '--',
      ...args,
    ];
    const once = (args: string[], input = '') =>
      execFileSync(args[0]!, args.slice(1), {
        input,
        cwd: data,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    once(
      postgres(
        join(bin, 'initdb'),
        '-D',
        cluster,
        '-U',
        user,
        `--pwfile=${file}`,
        '-A',
        'scram-sha-256',
        '--no-sync',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
      ),
    );
    once(
      postgres(join(bin, 'postgres'), '--single', '-D', cluster, 'postgres'),
      `CREATE DATABASE ${database};\n`,
    );
    return this.#here(
      ...postgres(
        join(bin, 'postgres'),
        '-D',
        cluster,
        '-c',
        'listen_addresses=*',
        '-c',
        `unix_socket_directories=${data}`,
      ),
    );
  }

  #spawn([program, ...args]: string[]): Container {
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    let output = '';
    const listeners = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        for (const listener of listeners) listener();
      });
    }
    const ended = new Promise<Ran>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#running.delete(child);
        resolve({ code: code ?? signal ?? 'SIGKILL', output });
      });
    });
    return {
      output: () => output,
      ended,
      kill: () => {
        child.kill('SIGKILL');
        return ended;
      },
      stop: () => {
        // Below bwrap is its init process, and below that the service.
        process.kill(childOf(childOf(child.pid!)), 'SIGTERM');
        return ended;
      },
      prints: (text, seconds = 45) =>
        new Promise((resolve, reject) => {
          const fail = (why: string) => {
            clearTimeout(timer);
            reject(new Error(`${why} without printing ${String(text)}:\n${output.slice(-3000)}`));
          };
          const timer = setTimeout(() => fail(`ran ${seconds} s`), seconds * 1000);
          const look = () => {
            if (typeof text === 'string' ? !output.includes(text) : !text.test(output)) return;
            clearTimeout(timer);
            listeners.delete(look);
            resolve();
          };
          listeners.add(look);
          look();
          void ended.then(({ code }) => fail(`ended (${code})`));
        }),
    };
  }
}
