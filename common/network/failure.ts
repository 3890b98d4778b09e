// Turns failures on the way to the coordinator into errors that name the address: unreachable, not
// trusted (TLS), or stopped by a proxy.
import { LentigoError } from '../errors.js';

const TLS =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)|CERT_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** Whether a failure with this code is about a certificate or the protocol of TLS. */
export const isTls = (code: string): boolean => TLS.test(code);

/**
 * Platform errors nest the informative one (fetch: cause; engine.io: description.error): searches
 * down to the first with a `code`.
 */
function systemCode(thrown: unknown, depth = 0): { code: string; message: string } | undefined {
  if (typeof thrown !== 'object' || thrown === null || depth > 5) return undefined;
  if (thrown instanceof LentigoError) return thrown;
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
 * LENTIGO_PROXY when a proxy did not let it through, LENTIGO_TLS when the certificate was not
 * accepted, else LENTIGO_UNREACHABLE; all name the address.
 */
export function networkError(url: string, thrown: unknown): LentigoError {
  const system = systemCode(thrown);
  if (system instanceof LentigoError) return system;
  if (system && isTls(system.code)) {
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

/**
 * The error for an answer that is none of a coordinator's, such as the page on which a network asks
 * for a login.
 */
export const strangeAnswer = (url: string, what: string, status: number, text: string) =>
  new LentigoError(
    'LENTIGO_UNREACHABLE',
    /^\s*<(!doctype|html|\?xml)/i.test(text)
      ? `${url} answered ${what} with ${status} and a web page: it is no Lentigo coordinator, or a proxy or a network's login page answered in its place.`
      : `${url} answered ${what} with ${status}: is this a Lentigo coordinator?`,
  );
