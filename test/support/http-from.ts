// HTTP requests from another address of this machine, and with any bytes as path, headers and body,
// which fetch would not send.
import http from 'node:http';
import type { ErrorCode } from '../../common/errors.js';

/**
 * On Linux the whole of 127.0.0.0/8 is this machine; elsewhere only 127.0.0.1 is there from the
 * start.
 */
export const HAS_MANY_ADDRESSES = process.platform === 'linux';

export interface RawRequest {
  readonly method?: string;
  /** As it travels: neither resolved nor escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | undefined;
  /** Address to connect from. */
  readonly from?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The code of Lentigo's error in the body, if there is one. */
  readonly code: ErrorCode | undefined;
}

/** On a connection of its own. Rejects when the server ends the connection without an answer. */
export function rawRequest(
  url: string,
  { method = 'GET', path, headers = {}, body, from }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: hostname,
        port,
        method,
        path,
        headers,
        ...(from && { localAddress: from }),
        agent: false,
        timeout: 20_000,
      },
      (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            code: text.match(/"code":"(LENTIGO_[A-Z_]+)"/)?.[1] as ErrorCode | undefined,
          }),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
    request.on('error', reject);
    request.end(body);
  });
}
