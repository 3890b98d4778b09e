// An HTTP proxy as hospitals have them: CONNECT leads every host to this machine; it may ask for a
// user and password, or refuse in one of the ways that proxies have.
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxyTerms {
  /** `user:password`, asked for by Basic. */
  readonly login?: string;
  /** What it says to every CONNECT instead of leading on: a whole answer. */
  readonly answer?: string;
  /** PEM, for a proxy that is itself spoken to over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class ConnectProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;
  /** host:port of each CONNECT that it let through. */
  readonly led: string[] = [];

  private constructor({ login, answer, tls }: ProxyTerms) {
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createSecureServer(tls) : createServer();
    this.#server.on('connect', (request, near: Socket) => {
      this.#sockets.add(near);
      near.on('error', () => undefined);
      const given = request.headers['proxy-authorization'];
      if (login !== undefined && given !== `Basic ${Buffer.from(login).toString('base64')}`)
        return void near.end(
          'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="clinic"\r\n\r\n',
        );
      if (answer !== undefined) return void near.end(answer);
      this.led.push(request.url!);
      const far = connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Connection established\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      this.#sockets.add(far);
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
      near.on('close', () => far.destroy());
    });
  }
  static async open(terms: ProxyTerms = {}, port = 0): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(terms);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  /** @param login percent-encoded, as it stands in an address */
  url(login?: string): string {
    return `${this.#scheme}://${login === undefined ? '' : `${login}@`}127.0.0.1:${this.port}`;
  }
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
