// Slows down addresses that fail too often: refused enrolments, failed challenges and wrong admin
// tokens are counted by remote address for a minute. Successful requests don't count.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { LentigoError } from '../../common/errors.js';

/**
 * Failures allowed per address in a window: more than people mistype, fewer than a program needs to
 * guess.
 */
const FAILURES = 30;
const WINDOW_SECONDS = 60;

export class FailureLimit {
  readonly #limiter = new RateLimiterMemory({ points: FAILURES, duration: WINDOW_SECONDS });

  /** Seconds until this address may try again; 0 when it may now. */
  async secondsToWait(address: string): Promise<number> {
    const counted = await this.#limiter.get(keyOf(address));
    return counted && counted.consumedPoints >= FAILURES
      ? Math.max(0, Math.ceil(counted.msBeforeNext / 1000))
      : 0;
  }
  /**
   * Refuses an address with too many failures.
   * @throws LENTIGO_RATE_LIMITED naming the seconds to wait
   */
  async check(address: string): Promise<void> {
    const seconds = await this.secondsToWait(address);
    if (seconds > 0) throw rateLimited(address, seconds);
  }
  async failed(address: string): Promise<void> {
    await this.#limiter.penalty(keyOf(address));
  }
}

const rateLimited = (address: string, seconds: number) =>
  new LentigoError(
    'LENTIGO_RATE_LIMITED',
    `${FAILURES} attempts from ${address} were refused within a minute: try again in ${seconds} s.`,
  );

/**
 * Refuses a request from an address that failed too often (with Retry-After), and counts each
 * request answered with 4xx, or only those with one given status.
 */
export function limitFailures(
  limit: FailureLimit,
  addressOf: AddressOf,
  only?: number,
): RequestHandler {
  return async (request, response, next) => {
    const address = addressOf(request);
    const seconds = await limit.secondsToWait(address);
    if (seconds > 0) {
      response.set('Retry-After', String(seconds));
      throw rateLimited(address, seconds);
    }
    response.on('close', () => {
      const { statusCode } = response;
      if (only === undefined ? statusCode >= 400 && statusCode < 500 : statusCode === only)
        void limit.failed(address);
    });
    next();
  };
}

export type AddressOf = (request: IncomingMessage) => string;

/**
 * The remote address. Behind a proxy it is the last address of X-Forwarded-For, which the proxy
 * itself wrote. Without a proxy anybody could write that header, so it is not read.
 */
export const remoteAddress =
  (behindProxy: boolean): AddressOf =>
  (request) => {
    const forwarded = behindProxy
      ? String(request.headers['x-forwarded-for'] ?? '')
          .split(',')
          .at(-1)!
          .trim()
      : '';
    return isIP(forwarded) ? forwarded : (request.socket.remoteAddress ?? '');
  };

/**
 * The key under which failures are counted together: an IPv4 address (also if written as IPv6), or
 * the /64 network that one IPv6 subscriber owns.
 */
export function keyOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head.split(':').filter(Boolean);
  const rest = tail?.split(':').filter(Boolean) ?? [];
  return [
    ...groups,
    ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0'),
    ...rest,
  ]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
