// Downloads over connections that go silent, as when the network disappears without an error.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileStore } from '../../client/agent/files.js';
import { download } from '../../client/participation/download.js';

const BYTES = new Uint8Array(randomBytes(100_000));
const HALF = BYTES.length / 2;
const blob = { sha256: createHash('sha256').update(BYTES).digest('hex'), bytes: BYTES.length };

let folder: string;
let store: FileStore;
let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-download-'));
  store = new FileStore(folder);
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const options = (changes: Partial<Parameters<typeof download>[3]> = {}) => ({
  attempt: '0198c0de-0000-7000-8000-000000000003',
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...changes,
});

describe('a download on a silent connection', () => {
  it('that is silent from the start is given up after 20 seconds, not before', async () => {
    const asked = new Promise<void>((resolve) => (answer = () => resolve()));
    let over: unknown;
    const given = download(url, blob, store, options()).catch((error: unknown) => (over = error));
    await asked;
    await vi.advanceTimersByTimeAsync(19_000);
    expect(over).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await given).toMatchObject({
      code: 'LENTIGO_UNREACHABLE',
      message: expect.stringContaining('stalled') as string,
    });
  });

  it('that goes silent midway is given up, and resumes where it stopped', async () => {
    answer = (_, response) =>
      void response
        .writeHead(200, { 'content-length': BYTES.length })
        .write(BYTES.subarray(0, HALF));
    let come!: () => void;
    const half = new Promise<void>((resolve) => (come = resolve));
    const given = download(
      url,
      blob,
      store,
      options({ onProgress: (fraction) => fraction === 0.5 && come() }),
    ).catch((error: unknown) => error);
    await half;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await given).toMatchObject({ code: 'LENTIGO_UNREACHABLE' });

    const ranges: (string | undefined)[] = [];
    answer = ({ headers }, response) => {
      ranges.push(headers.range);
      response.writeHead(206).end(BYTES.subarray(HALF));
    };
    const { bytes, fetched } = await download(url, blob, store, options());
    expect([ranges, fetched, Buffer.from(bytes).equals(BYTES)]).toEqual([
      [`bytes=${HALF}-`],
      HALF,
      true,
    ]);
  });

  it('ends at once when the round is over', async () => {
    const round = new AbortController();
    answer = () => round.abort(new Error('the round is over'));
    await expect(download(url, blob, store, options({ signal: round.signal }))).rejects.toThrow(
      'the round is over',
    );
    expect(vi.getTimerCount()).toBe(0);
  });
});
