// Lets everything that this process sends over HTTP go through the proxies of its settings: fetch,
// and through the process's agents uploads (tus) and WebSockets.
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { type ProxyChoice, proxyChoice, type Target } from './proxy-settings.node.js';
import { brokenHandshake, tunnel } from './tunnel.node.js';

/**
 * @param option --proxy: an address, `none`, or undefined for what the environment says
 * @throws LENTIGO_USAGE the option is no address of a proxy
 */
export async function useProxy(option: string | undefined): Promise<void> {
  const choice = proxyChoice(process.env, option);
  if (!choice) return;
  http.globalAgent = new Agent(choice);
  https.globalAgent = new SecureAgent(choice);
  globalThis.fetch = await fetchBy(choice);
}

/** The process's agent for an address, which leads through its proxy where it has one. */
export const processAgent = (url: string): http.Agent =>
  url.startsWith('https:') ? https.globalAgent : http.globalAgent;

interface Address {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
}
const targetOf = ({ host, port }: Address, secure: boolean): Target => ({
  host: host ?? 'localhost',
  port: Number(port) || (secure ? 443 : 80),
  secure,
});

class Agent extends http.Agent {
  readonly #choice: ProxyChoice;
  constructor(choice: ProxyChoice) {
    super({ keepAlive: true });
    this.#choice = choice;
  }
  override createConnection(options: http.ClientRequestArgs, opened?: Opened): undefined {
    const target = targetOf(options, false);
    const open = async () => {
      const proxy = this.#choice(target);
      return proxy ? await tunnel(proxy, target) : super.createConnection(options);
    };
    answer(open(), opened!);
  }
}

class SecureAgent extends https.Agent {
  readonly #choice: ProxyChoice;
  constructor(choice: ProxyChoice) {
    super({ keepAlive: true });
    this.#choice = choice;
  }
  override createConnection(options: https.RequestOptions, opened?: Opened): undefined {
    const target = targetOf(options, true);
    const open = async () => {
      const proxy = this.#choice(target);
      if (!proxy) return super.createConnection(options);
      const socket = await tunnel(proxy, target);
      return await new Promise<Duplex>((resolve, reject) => {
        const inner = tls.connect({ ...(options as tls.ConnectionOptions), socket });
        const failed = (error: Error) => reject(brokenHandshake(proxy, target, error));
        inner.once('error', failed);
        inner.once('secureConnect', () => {
          inner.off('error', failed);
          resolve(inner);
        });
      });
    };
    answer(open(), opened!);
  }
}

type Opened = (error: Error | null, stream: Duplex) => void;

/** An agent hands over what it opened by callback. */
const answer = (opening: Promise<Duplex | null | undefined>, opened: Opened): void => {
  opening.then(
    (stream) => opened(null, stream!),
    (error: Error) => opened(error, undefined!),
  );
};

/** The fetch of undici, which Node's is made from, over connections of ours. */
async function fetchBy(choice: ProxyChoice): Promise<typeof globalThis.fetch> {
  const { Agent: Dispatcher, buildConnector, fetch } = await import('undici');
  const connect = buildConnector({});
  const dispatcher = new Dispatcher({
    connect(options, opened) {
      const { protocol, hostname: host, port } = options;
      const secure = protocol === 'https:';
      const target = targetOf({ host, port }, secure);
      let proxy: ReturnType<ProxyChoice>;
      try {
        proxy = choice(target);
      } catch (error) {
        opened(error as Error, null);
        return;
      }
      if (!proxy) return connect(options, opened);
      const led = proxy;
      tunnel(led, target).then(
        (socket) =>
          secure
            ? connect({ ...options, httpSocket: socket }, (error, inner) =>
                error ? opened(brokenHandshake(led, target, error), null) : opened(null, inner),
              )
            : opened(null, socket),
        (error: Error) => opened(error, null),
      );
    },
  });
  return ((input: never, init?: object) =>
    fetch(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch;
}
