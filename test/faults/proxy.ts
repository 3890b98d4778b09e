// A TCP proxy that stands for the network between a clinic and its coordinator: it can be cut, at
// once or after some bytes, and can swallow what passes.
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #refusing = false;
  #limit: { way: 'up' | 'down'; left: number } | undefined;
  /** Connections that were cut. */
  cuts = 0;
  private constructor(target: number) {
    this.#server = createServer((near) => {
      if (this.#refusing) return void near.destroy();
      const far = createConnection(target, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      const end = () => {
        near.destroy();
        far.destroy();
        this.#pairs.delete(pair);
      };
      for (const [from, to, way] of [
        [near, far, 'up'],
        [far, near, 'down'],
      ] as const) {
        from.on('data', (bytes) => {
          to.write(bytes);
          if (this.#limit?.way === way && (this.#limit.left -= bytes.length) <= 0) this.cut();
        });
        from.on('error', end).on('close', end);
      }
    });
  }
  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  /** Ends every connection and lets none be made. */
  cut(): void {
    this.#limit = undefined;
    this.#refusing = true;
    this.cuts += this.#pairs.size;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }
  /** Cuts when so many more bytes have passed. */
  cutAfter(way: 'up' | 'down', bytes: number): void {
    this.#limit = { way, left: bytes };
  }
  /** Nothing passes; nobody is told. */
  stall(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }
  restore(): void {
    this.#limit = undefined;
    this.#refusing = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }
  close(): void {
    this.cut();
    this.#server.close();
  }
}
