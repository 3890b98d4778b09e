// RFC 6455 by hand: a client that can send any frame, right or wrong, from any address of this
// machine; and the reader of frames that both ends send.
import { randomBytes } from 'node:crypto';
import net from 'node:net';

export interface Frame {
  readonly fin: boolean;
  /** Reserved bits 1–3: none without an extension; permessage-deflate sets the first (4). */
  readonly reserved: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** The whole frames at the start of `bytes`, unmasked, and how many bytes they took. */
export function readFrames(bytes: Buffer): { frames: Frame[]; read: number } {
  const frames: Frame[] = [];
  let read = 0;
  for (;;) {
    const at = bytes.subarray(read);
    if (at.length < 2) break;
    const masked = (at[1]! & 0x80) !== 0;
    const short = at[1]! & 0x7f;
    let head = 2;
    let length = short;
    if (short === 126) {
      if (at.length < 4) break;
      length = at.readUInt16BE(2);
      head = 4;
    } else if (short === 127) {
      if (at.length < 10) break;
      length = Number(at.readBigUInt64BE(2));
      head = 10;
    }
    const start = head + (masked ? 4 : 0);
    if (at.length < start + length) break;
    const payload = Buffer.from(at.subarray(start, start + length));
    if (masked) for (let i = 0; i < length; i++) payload[i]! ^= at[head + (i & 3)]!;
    frames.push({
      fin: (at[0]! & 0x80) !== 0,
      reserved: (at[0]! >> 4) & 7,
      opcode: at[0]! & 15,
      masked,
      payload,
    });
    read += start + length;
  }
  return { frames, read };
}

export interface FrameChanges {
  readonly fin?: boolean;
  readonly reserved?: number;
  readonly opcode?: number;
  readonly masked?: boolean;
  /** The length that the header says, whatever the payload's is. */
  readonly length?: number | undefined;
}

/** One frame: a whole masked text message, unless changed. */
export function frameOf(
  payload: Uint8Array | string,
  { fin = true, reserved = 0, opcode = 1, masked = true, length }: FrameChanges = {},
): Buffer {
  const data = Buffer.from(payload as Uint8Array);
  const said = length ?? data.length;
  const head = Buffer.alloc(10);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (said < 126 ? said : said < 65_536 ? 126 : 127);
  if (said >= 65_536) head.writeBigUInt64BE(BigInt(said), 2);
  else if (said >= 126) head.writeUInt16BE(said, 2);
  const mask = randomBytes(4);
  if (masked) for (let i = 0; i < data.length; i++) data[i]! ^= mask[i & 3]!;
  return Buffer.concat([
    head.subarray(0, said < 126 ? 2 : said < 65_536 ? 4 : 10),
    masked ? mask : Buffer.alloc(0),
    data,
  ]);
}

/** A WebSocket whose every byte the caller decides. Answers to the pings of engine.io by itself. */
export class RawWebSocket {
  readonly #socket: net.Socket;
  #received = Buffer.alloc(0);
  #upgraded = false;
  readonly #listeners = new Set<(text: string) => void>();
  readonly closed: Promise<void>;
  isClosed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
    socket.on('error', () => undefined);
  }

  /** Connected to engine.io, nothing more. Rejects when the upgrade is refused. */
  static async open(
    url: string,
    {
      from,
      path = '/socket.io/?EIO=4&transport=websocket',
    }: { from?: string | undefined; path?: string } = {},
  ): Promise<RawWebSocket> {
    const { hostname, port } = new URL(url);
    const socket = net.connect({
      host: hostname,
      port: Number(port),
      ...(from && { localAddress: from }),
    });
    const raw = new RawWebSocket(socket);
    const opened = raw.next((text) => text.startsWith('0'));
    socket.on('data', (chunk) => raw.#read(chunk));
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    if ((await opened) === undefined) throw new Error('the upgrade was refused');
    return raw;
  }
  /** Connected to the clinics' namespace. */
  static async clinic(url: string, from?: string): Promise<RawWebSocket> {
    const raw = await RawWebSocket.open(url, { from });
    const joined = raw.next((text) => text.startsWith('40/clinic,'));
    raw.say('40/clinic,');
    if ((await joined) === undefined) throw new Error('the namespace was refused');
    return raw;
  }

  /** The next message that passes; undefined when the connection ends, or nothing comes in time. */
  next(passes: (text: string) => boolean, ms = 10_000): Promise<string | undefined> {
    return new Promise((resolve) => {
      const done = (text?: string) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        this.#socket.off('close', ended);
        resolve(text);
      };
      const ended = () => done();
      const look = (text: string) => {
        if (passes(text)) done(text);
      };
      const timer = setTimeout(() => done(), ms);
      this.#listeners.add(look);
      this.#socket.once('close', ended);
      if (this.isClosed) done();
    });
  }
  say(text: string): void {
    this.write(frameOf(text));
  }
  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }
  /**
   * An event with its argument as JSON text, and the value of its acknowledgement; undefined when
   * the connection ended first.
   */
  async ask(event: string, argument: string, id: number): Promise<unknown> {
    const prefix = `43/clinic,${id}[`;
    const answered = this.next((text) => text.startsWith(prefix));
    this.say(`42/clinic,${id}[${JSON.stringify(event)},${argument}]`);
    const text = await answered;
    return text === undefined
      ? undefined
      : (JSON.parse(text.slice(prefix.length - 1)) as unknown[])[0];
  }
  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#upgraded) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (this.#received.subarray(9, 12).toString() !== '101') return this.close();
      this.#received = this.#received.subarray(end + 4);
      this.#upgraded = true;
    }
    const { frames, read } = readFrames(this.#received);
    this.#received = this.#received.subarray(read);
    for (const { opcode, payload } of frames) {
      if (opcode === 8) this.close();
      if (opcode !== 1) continue;
      const text = payload.toString();
      if (text === '2') this.say('3');
      for (const listener of this.#listeners) listener(text);
    }
  }
}
