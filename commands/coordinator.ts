// `lentigo coordinator`: runs the coordinator until it is told to stop.
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { LentigoError } from '../common/errors.js';
import { type CoordinatorOptions, startCoordinator } from '../coordinator/main.js';
import { address, whole } from './options.js';

export const DEFAULT_PORT = 8460;
export const DEFAULT_DATA_DIR = 'lentigo-data';

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly publicUrl?: string;
  readonly trustProxy?: true;
  readonly insecure?: true;
  readonly logLevel: string;
}

export function coordinatorCommand(): Command {
  return new Command('coordinator')
    .summary('run the coordinator and its web console')
    .description('run the coordinator: studies, rounds, and what clinics connect to')
    .option(
      '--port <number>',
      'port to listen on; 0 takes a free one',
      whole('--port', 0, 65_535),
      DEFAULT_PORT,
    )
    .option(
      '--host <address>',
      'address to listen on; beyond this machine only with TLS or --insecure',
      '127.0.0.1',
    )
    .option(
      '--data-dir <dir>',
      'where the database, models and keys are kept',
      process.env['LENTIGO_DATA_DIR'] ?? DEFAULT_DATA_DIR,
    )
    .option(
      '--database-url <url>',
      'a PostgreSQL server instead of the embedded database (or DATABASE_URL)',
    )
    .option('--tls-cert <file>', 'TLS certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--public-url <url>',
      'the address that clinics use, if it differs from the one bound',
      address,
    )
    .option(
      '--trust-proxy',
      'a proxy in front, the only way here, says in X-Forwarded-For who is asking',
    )
    .option('--insecure', 'listen beyond this machine without TLS')
    .addOption(
      new Option('--log-level <level>', 'how much the log says')
        .choices(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined))
    throw new LentigoError(
      'LENTIGO_USAGE',
      `${flags.tlsCert === undefined ? '--tls-key' : '--tls-cert'} was given alone: the certificate (--tls-cert) and its private key (--tls-key) belong together.`,
    );
  // Plain lines on a terminal, JSON for programs otherwise.
  const log = pino({
    level: flags.logLevel,
    redact: ['*.secret', '*.token', '*.secretKey', '*.authorization', 'req.headers.authorization'],
    ...(process.stdout.isTTY
      ? {
          transport: {
            target: 'pino-pretty',
            options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss' },
          },
        }
      : {}),
  });
  const options: CoordinatorOptions = {
    dataDir: resolve(flags.dataDir),
    host: flags.host,
    port: flags.port,
    databaseUrl: flags.databaseUrl ?? process.env['DATABASE_URL'],
    tls:
      flags.tlsCert !== undefined && flags.tlsKey !== undefined
        ? { cert: flags.tlsCert, key: flags.tlsKey }
        : undefined,
    publicUrl: flags.publicUrl,
    trustProxy: flags.trustProxy,
    insecure: flags.insecure,
    log,
  };
  const coordinator = await startCoordinator(options);
  const token = join(coordinator.dataDir, 'admin-token');
  const where = `The console is at ${coordinator.url}/; the admin token that it asks for lies in ${token}`;
  if (process.stdout.isTTY)
    process.stdout.write(
      `\n${where}\nClinics take part at ${coordinator.url}/clinic/, or with lentigo clinic.\nNext: lentigo study create study.yaml\nCtrl-C stops it; studies carry on at the next start.\n\n`,
    );
  else log.info(where);
  await stopSignal();
  await coordinator.close();
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        done();
      });
    }
  });
}
