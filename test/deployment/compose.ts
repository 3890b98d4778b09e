// Reads docker-compose.yml as a container engine does, merged and with its variables filled in, and
// what the Dockerfile adds to its services.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PACKAGE_ROOT } from '../support/shared-data.js';

export interface Bind {
  readonly type: 'bind';
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly (string | Bind)[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly restart?: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?:
    | readonly string[]
    | Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, null>>;
}

export const readText = (name: string): string => readFileSync(join(PACKAGE_ROOT, name), 'utf8');

/** The file before its variables are filled in. */
export const rawCompose = (): Compose =>
  parse(readText('docker-compose.yml'), { merge: true }) as Compose;

/**
 * Reads the file with these variables.
 * @throws the file's own message if a variable that it requires is missing
 */
export const readCompose = (variables: Readonly<Record<string, string>>): Compose =>
  fill(rawCompose(), variables);

function fill<T>(value: T, variables: Readonly<Record<string, string>>): T {
  const filled: unknown =
    typeof value === 'string'
      ? fillText(value, variables)
      : Array.isArray(value)
        ? value.map((v: unknown) => fill(v, variables))
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value).map(([k, v]) => [k, fill<unknown>(v, variables)]),
            )
          : value;
  return filled as T;
}

/**
 * Fills in $$, ${NAME}, ${NAME:-default} and ${NAME:?what to do}, of the Compose specification's
 * interpolation.
 */
const fillText = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(
    /\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})/g,
    (whole, name?: string, kind?: string, rest = '') => {
      if (name === undefined) return '$';
      const value = variables[name] ?? '';
      if (value !== '') return value;
      if (kind === '?') throw new Error(`${name}: ${String(rest)}`);
      if (kind === undefined) throw new Error(`${whole} has no default`);
      return String(rest);
    },
  );

export interface Volume {
  /** A named volume, or a path (absolute, or relative to docker-compose.yml). */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly bind: boolean;
}

export const volumesOf = ({ volumes = [] }: Service): Volume[] =>
  volumes.map((volume) => {
    if (typeof volume !== 'string')
      return {
        source: volume.source,
        target: volume.target,
        readOnly: volume.read_only ?? false,
        bind: true,
      };
    const [source = '', target = '', mode] = volume.split(':');
    return { source, target, readOnly: mode === 'ro', bind: /^[./]/.test(source) };
  });

export interface Image {
  /** The variables set by the second stage's ENV lines. */
  readonly environment: Readonly<Record<string, string>>;
  /** What its RUN line creates: links as [target, name], and folders owned by the user. */
  readonly links: readonly (readonly [string, string])[];
  readonly folders: readonly string[];
  readonly user: string;
  /** The commands that the first stage runs once the sources are there. */
  readonly build: readonly string[];
  /** The paths that the second stage copies from the first, below /app. */
  readonly copied: readonly string[];
}

export function readDockerfile(): Image {
  const [, first = '', second = ''] = readText('Dockerfile')
    .replaceAll(/^#.*\n/gm, '')
    .split(/^FROM .*$/m);
  const after = (stage: string, instruction: string) =>
    [...stage.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map((m) => m[1]!);
  const run = after(second, 'RUN').join(' && ');
  return {
    environment: Object.fromEntries(
      after(second, 'ENV')
        .flatMap((line) => line.split(' '))
        .map((pair) => pair.split('=') as [string, string]),
    ),
    links: [...run.matchAll(/ln -s (\S+) (\S+)/g)].map((m) => [m[1]!, m[2]!] as const),
    folders: [...run.matchAll(/install -d -o (\w+) .*?((?: \/\w+)+)/g)].flatMap((m) =>
      m[2]!.trim().split(' '),
    ),
    user: after(second, 'USER')[0]!,
    build: after(first.slice(first.indexOf('COPY . .')), 'RUN'),
    copied: after(second, 'COPY --from=build')
      .flatMap((line) => line.split(' ').slice(0, -1))
      .map((path) => path.replace('/app/', '')),
  };
}
