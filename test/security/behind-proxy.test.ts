// A coordinator behind a proxy that gives it a path prefix: an agent takes part through
// https://host/prefix as it would without.
import { rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrolHome } from '../../client/agent/home.js';
import type { AgentEvent } from '../../client/agent/display.js';
import { runAgent } from '../../client/agent/run.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { freePort } from '../support/free-port.js';
import {
  createStudy,
  runCoordinator,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';

const PREFIX = '/research/lentigo';

let coordinator: TestCoordinator;
/** The coordinator's own address, known only to the proxy. */
let port: number;
let proxy: http.Server;
let publicUrl: string;
let folder: string;
const asked: string[] = [];

/**
 * Strips the prefix and names the client in X-Forwarded-For, as nginx, Caddy and Traefik do; it
 * answers requests without the prefix itself.
 */
function startProxy(): http.Server {
  const inner = (request: http.IncomingMessage): string | undefined => {
    asked.push(`${request.method} ${request.url}`);
    return request.url!.startsWith(`${PREFIX}/`) ? request.url!.slice(PREFIX.length) : undefined;
  };
  const headersOf = (request: http.IncomingMessage) => ({
    ...request.headers,
    'x-forwarded-for': request.socket.remoteAddress,
  });
  const server = http.createServer((request, response) => {
    const path = inner(request);
    if (path === undefined) return void response.writeHead(404).end('another site');
    request.pipe(
      http.request(
        { host: '127.0.0.1', port, method: request.method, path, headers: headersOf(request) },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        },
      ),
    );
  });
  server.on('upgrade', (request: http.IncomingMessage, client: net.Socket, head: Buffer) => {
    const path = inner(request);
    if (path === undefined) return void client.destroy();
    const upstream = net.connect(port, '127.0.0.1', () => {
      upstream.write(
        `GET ${path} HTTP/1.1\r\n${Object.entries(headersOf(request))
          .map(([name, value]) => `${name}: ${String(value)}\r\n`)
          .join('')}\r\n`,
      );
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream])
      socket.on('error', () => [client, upstream].forEach((s) => s.destroy()));
  });
  return server;
}

beforeAll(async () => {
  proxy = startProxy();
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  publicUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${PREFIX}`;
  port = await freePort();
  coordinator = await runCoordinator(undefined, port, {
    publicUrl: `${publicUrl}/`,
    trustProxy: true,
  });
  folder = await temporaryFolder();
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await coordinator.close();
  await rm(folder, { recursive: true });
});

it('an agent enrols, downloads, uploads and connects under the prefix, and nowhere else', async () => {
  expect(coordinator.url).toBe(publicUrl);
  const admin = new ConsoleClient(publicUrl, coordinator.token);
  const study = await createStudy(admin, { rounds: 2, cohort: { minimum: 1, quorum: 1 } });
  const invitation = parseInvitation((await admin.invite(study, 'Behind', 1)).invitation);
  expect(invitation.url).toBe(publicUrl);
  const home = join(folder, 'home');
  const { enrolment } = await enrolHome(invitation, home, 'Behind');
  await admin.decide(study, enrolment.clinic, 'approve');
  await admin.act(study, 'start');
  const events: AgentEvent[] = [];
  await runAgent({
    home,
    data: 'synthetic:site=1&images=8&size=64&split=train',
    engine: 'wasm',
    signal: AbortSignal.timeout(60_000),
    onEvent: (e) => events.push(e),
  });
  expect(events.at(-1)).toEqual({ event: 'done', status: 'completed' });
  expect(events.filter((e) => e.event === 'receipt')).toHaveLength(2);
  expect(events.filter((e) => e.event === 'error')).toEqual([]);
  expect(asked.filter((line) => !line.split(' ')[1]!.startsWith(`${PREFIX}/`))).toEqual([]);
  for (const what of [
    'POST .*/api/enrol',
    'GET .*/blobs/',
    'GET .*/socket\\.io/',
    'POST .*/uploads',
    'PATCH .*/uploads/',
  ])
    expect(
      asked.some((line) => new RegExp(what).test(line)),
      what,
    ).toBe(true);
});
