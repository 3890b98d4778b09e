// Options that several commands share, and checks of what is given to them.
import { type Command, Option } from 'commander';
import { LentigoError } from '../common/errors.js';

/** `cli.ts` reads it before the command runs. */
export const proxyOption = (): Option =>
  new Option(
    '--proxy <url>',
    'the HTTP proxy on the way to the coordinator, http://[user:password@]host:port, or `none` (default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, except for what NO_PROXY names)',
  );

/** The largest seed that commands take. */
const MOST_SEEDS = 999_999_999;

/**
 * Reads an option that counts.
 * @throws LENTIGO_USAGE it is no whole number in the bounds
 */
export const whole =
  (option: string, low: number, high: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= low && value <= high))
      throw new LentigoError(
        'LENTIGO_USAGE',
        `${option} ${text}: must be a whole number from ${low} to ${high}`,
      );
    return value;
  };

export const seed = whole('--seed', 0, MOST_SEEDS);

/** Kinds of values that say nothing when they are empty: a path would be the working folder. */
const NEVER_EMPTY = /<(dir|file|path|url|address|n|number|rate|a)>/;

/**
 * Before a command runs: what a shell's empty variable leaves of an option is no value of it.
 * @throws LENTIGO_USAGE
 */
export function refuseEmpty(command: Command): void {
  for (const { flags, long } of command.options)
    if (NEVER_EMPTY.test(flags) && command.opts()[camelCase(long!)] === '')
      throw new LentigoError('LENTIGO_USAGE', `${long} was given nothing`);
}

const camelCase = (long: string): string =>
  long.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/**
 * Reads the coordinator's address.
 * @throws LENTIGO_USAGE it is no http or https address
 */
export function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    !url ||
    !/^https?:\/\/[^/]/i.test(text) ||
    url.username ||
    url.password ||
    url.search ||
    url.hash
  )
    throw new LentigoError(
      'LENTIGO_USAGE',
      `${text || 'nothing'} is no http or https address, such as https://coordinator.example:8460`,
    );
  return text;
}
