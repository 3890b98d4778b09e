// The composition root: the only place that wires the coordinator's parts together, starts them,
// and stops them in order.
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Server as SocketServer } from 'socket.io';
import { LentigoError } from '../common/errors.js';
import { pathError } from '../common/files/path-error.node.js';
import { clinicEvents, consoleEvents } from '../common/protocol/socket-events.js';
import { Aggregator } from './aggregation/aggregator.js';
import { Evaluator } from './evaluation/evaluator.js';
import { Presence } from './gateway/presence.js';
import { serveClinics } from './gateway/clinics.js';
import { serveConsole } from './gateway/console.js';
import { Tickets, uploadIdOf } from './access/tickets.js';
import { createApp } from './http/app.js';
import { FailureLimit, remoteAddress } from './access/failure-limit.js';
import { Uploads } from './http/uploads.js';
import { Studies } from './rounds/studies.js';
import { Blobs } from './storage/blobs.js';
import { openDatabase } from './storage/database.js';
import { Keys } from './storage/keys.js';
import { SealedUpdates } from './storage/sealed.js';
import { Store } from './storage/store.js';

export interface CoordinatorOptions {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly databaseUrl?: string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** The address that clinics use, where it differs from the one bound (a proxy, a DNS name). */
  readonly publicUrl?: string | undefined;
  /**
   * A proxy stands in front, and nobody can reach the coordinator but through it: who is at the
   * other end is told by X-Forwarded-For.
   */
  readonly trustProxy?: boolean | undefined;
  /** Bind beyond loopback without TLS. */
  readonly insecure?: boolean | undefined;
  readonly log: Logger;
}

export interface Coordinator {
  /** Where clinics reach it. */
  readonly url: string;
  readonly dataDir: string;
  /**
   * Answers what is in hand, ends connections, and closes the database; what is under way carries
   * on at the next start.
   */
  close(): Promise<void>;
}

/** The largest socket.io message from a clinic, bytes: control messages only. */
const MESSAGE_LIMIT = 64 * 1024;

/**
 * How long answers in hand may take when the coordinator stops; downloads and uploads that are cut
 * go on where they were after the next start.
 */
const PATIENCE_MS = 3_000;

/** @throws LENTIGO_INSECURE, LENTIGO_PATH, LENTIGO_TLS, LENTIGO_PORT_TAKEN, and the errors of the storage. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { dataDir, log } = options;
  const now = Date.now;
  if (!options.tls && !options.insecure && !isLoopback(options.host)) {
    throw new LentigoError(
      'LENTIGO_INSECURE',
      `Without TLS the coordinator listens on this machine only, not on ${options.host}.`,
    );
  }
  const tls = options.tls && (await readTls(options.tls));
  const database = await openDatabase({ url: options.databaseUrl, dataDir });
  try {
    const store = new Store(database, now);
    const keys = new Keys(dataDir);
    const blobs = await Blobs.in(dataDir);
    const sealed = new SealedUpdates(dataDir);
    const adminToken = await keys.adminToken();
    const tickets = new Tickets(await keys.ticketKey(), now);
    const uploads = new Uploads(join(dataDir, 'uploads'), tickets, log);
    const presence = new Presence(now);
    const aggregator = new Aggregator();
    const evaluator = new Evaluator();
    const studies = new Studies(
      {
        store,
        blobs,
        files: sealed,
        inbox: {
          finished: (sent) => uploads.finished(uploadIdOf(sent)),
          forget: (attempt) => uploads.forget(attempt),
        },
        aggregator,
        evaluator,
        presence,
        now,
        log,
      },
      keys,
    );

    const addressOf = remoteAddress(options.trustProxy ?? false);
    let url = '';
    const tokens = new FailureLimit();
    const app = createApp({
      store,
      blobs,
      studies,
      presence,
      adminToken,
      publicUrl: () => url,
      now,
      database,
      uploads,
      enrolments: new FailureLimit(),
      tokens,
      addressOf,
      log,
    });
    const server = tls ? createTlsServer(tls, app) : http.createServer(app);
    const sockets = new SocketServer(server, {
      transports: ['websocket'],
      maxHttpBufferSize: MESSAGE_LIMIT,
      serveClient: false,
      pingInterval: 10_000,
      pingTimeout: 20_000,
    });
    sockets.use((_socket, next) =>
      next(
        new Error(
          `Clinics connect to ${clinicEvents.namespace}, consoles to ${consoleEvents.namespace}.`,
        ),
      ),
    ); // socket.io's own root namespace, where nothing is served
    serveClinics(sockets.of(clinicEvents.namespace), {
      store,
      keys,
      studies,
      presence,
      tickets,
      challenges: new FailureLimit(),
      addressOf,
      log,
    });
    serveConsole(sockets.of(consoleEvents.namespace), {
      store,
      studies,
      presence,
      adminToken,
      tokens,
      addressOf,
      now,
      log,
    });
    const stop = async () => {
      await studies.close();
      const patience = setTimeout(() => server.closeAllConnections(), PATIENCE_MS);
      await sockets.close(); // ends the sockets, then the HTTP server
      clearTimeout(patience);
      await studies.traffic.flush(); // with what was served until now
      await Promise.all([aggregator.close(), evaluator.close()]);
    };
    try {
      await studies.load();
      const port = await listen(server, options.host, options.port);
      url =
        options.publicUrl?.replace(/\/+$/, '') ??
        `${tls ? 'https' : 'http'}://${hostInUrl(options.host)}:${port}`;
      studies.begin();
    } catch (thrown) {
      await stop();
      throw thrown;
    }
    log.info(
      { url, dataDir, database: database.kind, migrations: database.applied },
      `coordinator listens on ${url}`,
    );
    return {
      url,
      dataDir,
      async close() {
        await stop();
        await database.close();
        log.info('coordinator stopped');
      },
    };
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');
const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

async function readTls({
  cert,
  key,
}: {
  cert: string;
  key: string;
}): Promise<{ cert: Buffer; key: Buffer }> {
  const read = (path: string) =>
    readFile(path).catch((thrown: unknown) => {
      throw pathError(path, thrown);
    });
  return { cert: await read(cert), key: await read(key) };
}

function createTlsServer(
  tls: { cert: Buffer; key: Buffer },
  app: http.RequestListener,
): https.Server {
  try {
    return https.createServer(tls, app);
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_TLS',
      `Certificate and key can't be used together: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function listen(server: http.Server | https.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const named =
        cause.code === 'EADDRINUSE'
          ? new LentigoError(
              'LENTIGO_PORT_TAKEN',
              `Port ${port} on ${host} is taken by another program.`,
              { cause },
            )
          : cause.code === 'EADDRNOTAVAIL' || cause.code === 'EACCES' || cause.code === 'ENOTFOUND'
            ? new LentigoError(
                'LENTIGO_USAGE',
                `Can't listen on ${host}:${port}: ${cause.message}`,
                { cause },
              )
            : cause;
      reject(named);
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
