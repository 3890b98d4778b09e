// A connection through an HTTP proxy: CONNECT, for https and http alike, as WebSocket needs it.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { LentigoError } from '../errors.js';
import { isTls } from './failure.js';
import type { Proxy, Target } from './proxy-settings.node.js';

/** A proxy that says nothing for so long is given up. */
const SILENT_MS = 20_000;

/**
 * A socket to the target, as if it were direct.
 * @throws LENTIGO_PROXY naming the proxy: it can't be reached, or refuses
 */
export function tunnel(proxy: Proxy, target: Target): Promise<Socket> {
  const { secure, host, port, authorization } = proxy;
  const to = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const fail = (what: string, cause?: unknown) =>
    new LentigoError('LENTIGO_PROXY', `The proxy ${proxy.name} ${what}`, { cause });
  return new Promise((resolve, reject) => {
    // Agents of their own: the process's lead through proxies.
    const request = (secure ? https : http).request({
      agent: secure ? new https.Agent() : new http.Agent(),
      host,
      port,
      method: 'CONNECT',
      path: to,
      headers: { host: to, ...(authorization && { 'proxy-authorization': authorization }) },
      timeout: SILENT_MS,
    });
    request.once('connect', ({ statusCode = 0, statusMessage, headers }, socket, head) => {
      socket.setTimeout(0);
      // Both protocols let the client speak first: bytes before that are the proxy's own.
      if (statusCode >= 200 && statusCode < 300 && head.length === 0) return resolve(socket);
      socket.destroy();
      reject(
        fail(
          `${refusal(statusCode, to, authorization !== undefined, headers)}: ${statusCode} ${statusMessage ?? ''}`.trimEnd() +
            '.',
        ),
      );
    });
    request.once('timeout', () =>
      request.destroy(fail(`has not answered for ${SILENT_MS / 1000} s.`)),
    );
    request.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error instanceof LentigoError
          ? error
          : fail(
              isTls(error.code ?? '')
                ? `shows a certificate that is not trusted: ${error.message} (${error.code}); NODE_EXTRA_CA_CERTS names the authority.`
                : `can't be reached: ${error.code ?? error.message}.`,
              error,
            ),
      ),
    );
    request.end();
  });
}

function refusal(
  status: number,
  to: string,
  authorised: boolean,
  headers: http.IncomingHttpHeaders,
): string {
  if (status === 407) {
    const asked = [headers['proxy-authenticate']].flat().join(', ');
    const schemes = [...asked.matchAll(/(?:^|,\s*)([A-Za-z]+)(?=\s|,|$)/g)].map(([, s]) => s);
    if (schemes.length > 0 && !schemes.some((scheme) => scheme?.toLowerCase() === 'basic'))
      return `asks for a login by ${schemes.join(' or ')}, and Lentigo knows Basic alone`;
    return authorised
      ? 'does not accept the user and password that it was given'
      : 'asks for a user and password';
  }
  if (status >= 200 && status < 300)
    return `answered with a page of its own instead of leading to ${to}`;
  if (status >= 300 && status < 400) return `leads to another page (a login?) instead of ${to}`;
  if (status === 502 || status === 503 || status === 504) return `can't reach ${to}`;
  return `refuses the way to ${to}`;
}

/** The error of a handshake of TLS that broke inside a tunnel. */
export function brokenHandshake(
  proxy: Proxy,
  target: Target,
  thrown: NodeJS.ErrnoException,
): Error {
  const { code = '', message } = thrown;
  // A certificate that isn't trusted is the target's, or that of a proxy that looks inside.
  if (isTls(code) && !code.startsWith('ERR_SSL_')) return thrown;
  return new LentigoError(
    'LENTIGO_PROXY',
    `The proxy ${proxy.name} let the connection through, but ${target.host}:${target.port} does not answer by TLS: ${code || message}.`,
    { cause: thrown },
  );
}
