// Options that several commands share, and checks of what is given to them.
import { Option } from 'commander';

/** `cli.ts` reads it before the command runs. */
export const proxyOption = (): Option =>
  new Option(
    '--proxy <url>',
    'the HTTP proxy on the way to the coordinator, http://[user:password@]host:port, or `none` (default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, except for what NO_PROXY names)',
  );
