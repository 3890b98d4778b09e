// Turns network failures on the way to the coordinator into errors that name the address:
// unreachable, or not trusted (TLS).
import { LentigoError } from '../../common/errors.js';

const TLS =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)|CERT_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/**
 * Platform errors nest the informative one (fetch: cause; engine.io: description.error): searches
 * down to the first with a `code`.
 */
function systemCode(thrown: unknown, depth = 0): { code: string; message: string } | undefined {
  if (typeof thrown !== 'object' || thrown === null || depth > 5) return undefined;
  const at = thrown as Record<string, unknown>;
  const { code, message } = at;
  if (typeof code === 'string' && code !== '')
    return { code, message: typeof message === 'string' ? message : code };
  for (const inner of [
    at['cause'],
    at['description'],
    at['error'],
    at['causingError'],
    Array.isArray(at['errors']) ? at['errors'][0] : undefined,
  ]) {
    const found = systemCode(inner, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/**
 * LENTIGO_TLS when the certificate was not accepted, else LENTIGO_UNREACHABLE; both name the
 * address.
 */
export function networkError(url: string, thrown: unknown): LentigoError {
  const system = systemCode(thrown);
  if (system && TLS.test(system.code)) {
    return new LentigoError(
      'LENTIGO_TLS',
      `The certificate of ${url} is not trusted: ${system.message} (${system.code}).`,
      { cause: thrown },
    );
  }
  const why = system?.code ?? (thrown instanceof Error ? thrown.message : String(thrown));
  return new LentigoError(
    'LENTIGO_UNREACHABLE',
    `The coordinator at ${url} can't be reached: ${why}.`,
    { cause: thrown },
  );
}

/** A path of the coordinator's API: `url` may itself have a path (a proxy's prefix). */
export const endpoint = (url: string, path: string): string => url.replace(/\/+$/, '') + path;

/**
 * Calls `stalled` once `ms` have passed without `alive` or `stop`. Every transfer needs it, Node's
 * fetch for one more reason: where the connection closes before the process's first request is
 * written, it never settles (undici 6).
 */
export function watchStalls(ms: number, stalled: () => void): { alive(): void; stop(): void } {
  const start = () => setTimeout(stalled, ms);
  let timer = start();
  return {
    alive: () => {
      clearTimeout(timer);
      timer = start();
    },
    stop: () => clearTimeout(timer),
  };
}
