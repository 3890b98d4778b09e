// Uploads over connections that are cut, through a proxy that cuts them.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server as TusServer } from '@tus/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { upload } from '../../client/participation/upload.js';

const BYTES = new Uint8Array(randomBytes(10_000_000));
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let created: number;
let http: ReturnType<typeof createHttpServer>;
let proxy: Server;
let sent: number;
/**
 * The proxy cuts each connection that has carried this many bytes to the server, this many times.
 */
let cuts: { after: number; times: number };
let authorizations: Set<string | undefined>;

const listen = (server: Server | typeof http) =>
  new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );

let endpoint: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-upload-'));
  [created, sent, cuts, authorizations] = [0, 0, { after: Infinity, times: 0 }, new Set()];
  const tus = new TusServer({
    path: '/uploads',
    datastore: new FileStore({ directory: folder }),
    relativeLocation: true,
    namingFunction: () => `upload-${++created}`,
  });
  http = createHttpServer((request, response) => {
    authorizations.add(request.headers.authorization);
    if (request.headers.authorization === 'Bearer stale') return response.writeHead(403).end('no');
    return void tus.handle(request, response);
  });
  const port = await listen(http);
  proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    let carried = 0;
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('data', (chunk) => {
      carried += chunk.length;
      sent += chunk.length;
      if (carried > cuts.after && cuts.times > 0) {
        cuts.times--;
        client.destroy();
        server.end();
      } else server.write(chunk);
    });
    client.on('close', () => server.end());
    server.on('data', (chunk) => client.write(chunk));
    server.on('close', () => client.destroy());
  });
  endpoint = `http://127.0.0.1:${await listen(proxy)}/uploads`;
});
afterEach(async () => {
  proxy.close();
  http.closeAllConnections();
  http.close();
  await rm(folder, { recursive: true, force: true });
});

const options = (changes: Partial<Parameters<typeof upload>[1]> = {}) => ({
  endpoint,
  token: 'ticket',
  signal: new AbortController().signal,
  onAddress: () => undefined,
  onProgress: () => undefined,
  ...changes,
});

describe('an upload', () => {
  it('arrives whole, with its ticket on every request', async () => {
    await upload(BYTES, options());
    expect(sha(await readFile(join(folder, 'upload-1')))).toBe(sha(BYTES));
    expect([...authorizations]).toEqual(['Bearer ticket']);
  });

  it('that is cut in the middle resumes where it stopped', async () => {
    cuts = { after: 3_000_000, times: 2 };
    await upload(BYTES, options());
    expect(sha(await readFile(join(folder, 'upload-1')))).toBe(sha(BYTES));
    expect({ created, cuts: cuts.times }).toEqual({ created: 1, cuts: 0 });
    expect(sent).toBeLessThan(BYTES.length * 1.3);
  });

  it('that was stopped resumes from its address in another process', async () => {
    const abort = new AbortController();
    let address: string | undefined;
    const first = upload(
      BYTES,
      options({
        signal: abort.signal,
        onAddress: (url) => (address = url),
        onProgress: (fraction) => fraction > 0.5 && abort.abort(new Error('stopped')),
      }),
    );
    await expect(first).rejects.toThrow('stopped');
    const before = sent;
    await upload(BYTES, options({ resume: address }));
    expect(sha(await readFile(join(folder, 'upload-1')))).toBe(sha(BYTES));
    expect(created).toBe(1);
    expect(sent - before).toBeLessThan(BYTES.length * 0.7);
  });

  it('whose address the server forgot starts again', async () => {
    await upload(BYTES.subarray(0, 1000), options({ resume: `${endpoint}/gone` }));
    expect(sha(await readFile(join(folder, 'upload-1')))).toBe(sha(BYTES.subarray(0, 1000)));
  });

  it('whose ticket is refused says so', async () => {
    await expect(upload(BYTES, options({ token: 'stale' }))).rejects.toMatchObject({
      code: 'LENTIGO_UPLOAD_TICKET',
    });
  });

  it('never sends its ticket anywhere but to the coordinator', async () => {
    await expect(
      upload(BYTES, options({ resume: endpoint.replace('127.0.0.1', 'localhost') })),
    ).rejects.toThrow('another place');
    expect(authorizations.size).toBe(0);
  });
});
