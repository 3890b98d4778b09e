// Which HTTP proxy leads to an address: what --proxy names, or HTTPS_PROXY, HTTP_PROXY and
// ALL_PROXY, each in capitals or not; NO_PROXY names what is reached without one.
import { BlockList, isIP } from 'node:net';
import { LentigoError } from '../errors.js';

export interface Proxy {
  /** The proxy itself is spoken to over TLS. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization; never to be shown. */
  readonly authorization?: string;
  /** For people: its address without user and password, and what named it. */
  readonly name: string;
}

/** An address to be reached. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Whether by https (or wss) rather than http (or ws). */
  readonly secure: boolean;
}

/**
 * The proxy on the way to a target; undefined where there is none.
 * @throws LENTIGO_PROXY what names it is no http or https address
 */
export type ProxyChoice = (target: Target) => Proxy | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param option --proxy: an address, or `none`
 * @returns undefined where neither the option nor a variable says anything
 * @throws LENTIGO_USAGE the option is no address of a proxy
 */
export function proxyChoice(env: Environment, option?: string): ProxyChoice | undefined {
  if (option === 'none') return () => undefined;
  const excepted = exceptions(variable(env, 'NO_PROXY')?.value ?? '');
  if (option !== undefined) {
    const proxy = parseProxy(option, '--proxy', 'LENTIGO_USAGE');
    return (target) => (excepted(target) ? undefined : proxy);
  }
  const of = {
    http: variable(env, 'HTTP_PROXY') ?? variable(env, 'ALL_PROXY'),
    https: variable(env, 'HTTPS_PROXY') ?? variable(env, 'ALL_PROXY'),
  };
  if (!of.http && !of.https) return undefined;
  return (target) => {
    const set = target.secure ? of.https : of.http;
    return set && !excepted(target) ? parseProxy(set.value, set.name, 'LENTIGO_PROXY') : undefined;
  };
}

/** Small letters first, as curl has it; an empty value counts as none. */
function variable(env: Environment, name: string): { name: string; value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = env[spelling]?.trim();
    if (value) return { name: spelling, value };
  }
  return undefined;
}

function parseProxy(text: string, from: string, code: 'LENTIGO_USAGE' | 'LENTIGO_PROXY'): Proxy {
  // The text may hold a password: it is not repeated.
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    throw new LentigoError(
      code,
      `${from} names a ${scheme} proxy; Lentigo goes through proxies of http:// and https://.`,
    );
  let url: URL;
  try {
    url = new URL(scheme === undefined ? `http://${text}` : text);
    if (url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search || url.hash)
      throw new Error('more than an address');
  } catch {
    throw new LentigoError(
      code,
      `${from} is not the address of a proxy, such as http://proxy.example:3128 or http://user:password@proxy.example:3128; in user and password @ is written %40, : %3A, / %2F and # %23.`,
    );
  }
  const secure = url.protocol === 'https:';
  const host = unbracketed(url.hostname);
  const port = Number(url.port) || (secure ? 443 : 80);
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  return {
    secure,
    host,
    port,
    ...(credentials !== ':' && {
      authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`,
    }),
    name: `${url.protocol}//${url.hostname}:${port} (${from})`,
  };
}

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that is meant as it stands
  }
}

/**
 * NO_PROXY: names (with all below them; a leading . or *. changes nothing), IP addresses, subnets
 * such as 10.0.0.0/8, each with a port or without, separated by commas or spaces; `*` for all.
 */
function exceptions(list: string): (target: Target) => boolean {
  const tests = list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(exception);
  return ({ host, port }) => {
    const name = unbracketed(host).toLowerCase().replace(/\.$/, '');
    return tests.some((test) => test(name, port));
  };
}

function exception(entry: string): (host: string, port: number) => boolean {
  if (entry === '*') return () => true;
  const [, address, bits] = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/i.exec(entry) ?? [];
  if (address !== undefined && isIP(address) && Number(bits) <= (isIP(address) === 4 ? 32 : 128)) {
    const subnet = new BlockList();
    subnet.addSubnet(address, Number(bits), family(address));
    return (host) => isIP(host) > 0 && subnet.check(host, family(host));
  }
  const [, name, port] = isIP(entry)
    ? [entry, entry, undefined]
    : (/^(.*?)(?::(\d{1,5}))?$/.exec(entry) ?? [entry, entry, undefined]);
  const bare = unbracketed(name)
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  return (host, at) =>
    (port === undefined || Number(port) === at) &&
    (host === bare || (!isIP(host) && host.endsWith(`.${bare}`)));
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
