// A TCP proxy in front of a coordinator that records every byte a client sends, and parses it: HTTP
// requests, and the frames of WebSockets, unmasked.
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { type Frame, readFrames } from '../support/websocket.js';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Head and body as sent, in bytes. */
  readonly size: number;
}

export interface Conversation {
  /** Everything that the client sent, as sent. */
  readonly raw: Buffer;
  readonly requests: readonly Request[];
  /** After an upgrade: the client's frames, and the number of bytes they took. */
  readonly frames: readonly Frame[];
  readonly framesSize: number;
  /** Bytes that are neither: a request that was cut off. */
  readonly rest: number;
}

export class Recorder {
  readonly #server: net.Server;
  readonly #sent: Buffer[][] = [];
  readonly #sockets = new Set<net.Socket>();
  #target: URL | undefined;
  readonly url: string;

  private constructor(server: net.Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client) => this.#relay(client));
  }
  static async listening(): Promise<Recorder> {
    const server = net.createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return new Recorder(server);
  }
  /** Sets the address to relay to; earlier connections are closed. */
  relayTo(url: string): void {
    this.#target = new URL(url);
  }
  /** Number of connections so far: a position from which to read on. */
  get connections(): number {
    return this.#sent.length;
  }
  /** All connections so far, from `first` on. */
  conversations(first = 0): Conversation[] {
    return this.#sent.slice(first).map((chunks) => parse(Buffer.concat(chunks)));
  }
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: net.Socket): void {
    const sent: Buffer[] = [];
    this.#sent.push(sent);
    client.on('data', (chunk) => sent.push(chunk));
    const server = net.connect({
      host: this.#target?.hostname,
      port: Number(this.#target?.port ?? 1),
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

function parse(raw: Buffer): Conversation {
  const requests: Request[] = [];
  let at = 0;
  for (;;) {
    const end = raw.indexOf('\r\n\r\n', at);
    if (end < 0) return { raw, requests, frames: [], framesSize: 0, rest: raw.length - at };
    const [first = '', ...lines] = raw.toString('latin1', at, end).split('\r\n');
    const [method = '', path = ''] = first.split(' ');
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    const body =
      headers.get('transfer-encoding') === 'chunked'
        ? readChunks(raw, end + 4)
        : readLength(raw, end + 4, Number(headers.get('content-length') ?? 0));
    if (!body) return { raw, requests, frames: [], framesSize: 0, rest: raw.length - at };
    requests.push({ method, path, headers, body: body.content, size: body.end - at });
    at = body.end;
    if (headers.get('upgrade') === 'websocket') {
      const { frames, read } = readFrames(raw.subarray(at));
      return { raw, requests, frames, framesSize: read, rest: raw.length - at - read };
    }
  }
}

type Body = { readonly content: Buffer; readonly end: number } | undefined;

function readLength(raw: Buffer, start: number, length: number): Body {
  return start + length <= raw.length
    ? { content: raw.subarray(start, start + length), end: start + length }
    : undefined;
}

function readChunks(raw: Buffer, start: number): Body {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const line = raw.indexOf('\r\n', at);
    const length = line < 0 ? NaN : Number.parseInt(raw.toString('latin1', at, line), 16);
    if (Number.isNaN(length) || line + 4 + length > raw.length) return undefined;
    chunks.push(raw.subarray(line + 2, line + 2 + length));
    at = line + 4 + length;
    if (length === 0) return { content: Buffer.concat(chunks), end: at };
  }
}
