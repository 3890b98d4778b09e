// Which proxy leads to an address: the variables, --proxy, and all forms of NO_PROXY.
import { describe, expect, it } from 'vitest';
import { proxyChoice, type Target } from '../../../common/network/proxy-settings.node.js';

const https = (host: string, port = 443): Target => ({ host, port, secure: true });
const http = (host: string, port = 80): Target => ({ host, port, secure: false });
const PROXY = 'http://proxy.example:3128';

describe('variables', () => {
  it('nothing is said where none is set, or all are empty', () => {
    expect(proxyChoice({})).toBeUndefined();
    expect(proxyChoice({ HTTPS_PROXY: '', http_proxy: ' ', NO_PROXY: '*' })).toBeUndefined();
  });
  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])('%s leads to https', (name) => {
    expect(proxyChoice({ [name]: PROXY })!(https('far.example'))).toEqual({
      secure: false,
      host: 'proxy.example',
      port: 3128,
      name: `http://proxy.example:3128 (${name})`,
    });
  });
  it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])('%s leads to http', (name) => {
    expect(proxyChoice({ [name]: PROXY })!(http('far.example'))?.port).toBe(3128);
  });
  it('one for https leads no http, and the reverse', () => {
    expect(proxyChoice({ HTTPS_PROXY: PROXY })!(http('far.example'))).toBeUndefined();
    expect(proxyChoice({ HTTP_PROXY: PROXY })!(https('far.example'))).toBeUndefined();
  });
  it('small letters count first, and ALL_PROXY last', () => {
    const choice = proxyChoice({ https_proxy: 'a:1', HTTPS_PROXY: 'b:2', ALL_PROXY: 'c:3' })!;
    expect(choice(https('far.example'))?.host).toBe('a');
    expect(choice(http('far.example'))?.host).toBe('c');
  });
});

describe('addresses', () => {
  const of = (url: string) => proxyChoice({}, url)!(https('far.example'))!;
  it.each([
    ['proxy.example', 'proxy.example', 80, false],
    ['proxy.example:3128', 'proxy.example', 3128, false],
    ['http://10.1.2.3:8080/', '10.1.2.3', 8080, false],
    ['https://proxy.example', 'proxy.example', 443, true],
    ['http://[fd00::1]:3128', 'fd00::1', 3128, false],
  ])('%s', (url, host, port, secure) => {
    expect(of(url)).toMatchObject({ host, port, secure });
    expect(of(url)).not.toHaveProperty('authorization');
  });
  it.each([
    ['http://user:secret@proxy:1', 'user:secret'],
    ['user:secret@proxy:1', 'user:secret'],
    ['http://dom%5Cuser:p%40ss%3A%2F%23@proxy:1', 'dom\\user:p@ss:/#'],
    ['http://user:100%25@proxy:1', 'user:100%'],
    ['http://user:%zz@proxy:1', 'user:%zz'],
    ['http://user@proxy:1', 'user:'],
    ['http://J%C3%BCrgen:%E2%82%AC@proxy:1', 'Jürgen:€'],
  ])('user and password of %s', (url, login) => {
    const { authorization, name } = of(url);
    expect(Buffer.from(authorization!.slice('Basic '.length), 'base64').toString()).toBe(login);
    expect(name).toBe('http://proxy:1 (--proxy)');
  });
  it.each([
    'socks5://user:secret@proxy:1080',
    'ftp://proxy',
    'http://',
    'http://user:sec#ret@proxy:1',
    'http://proxy:99999',
    'http://proxy/path',
    'http://pro xy',
  ])('%s is refused, and what it may hold is not repeated', (url) => {
    expect(() => proxyChoice({}, url)).toThrow(expect.objectContaining({ code: 'LENTIGO_USAGE' }));
    const choice = proxyChoice({ HTTPS_PROXY: url })!;
    expect(() => choice(https('far.example'))).toThrow(
      expect.objectContaining({
        code: 'LENTIGO_PROXY',
        message: expect.not.stringMatching(/sec#?ret/) as string,
      }),
    );
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['far.example', https('far.example')],
    ['FAR.example', https('far.EXAMPLE.')],
    ['far.example', https('deep.far.example')],
    ['.far.example', https('deep.far.example')],
    ['.far.example', https('far.example')],
    ['*.far.example', https('deep.far.example')],
    ['other.example, far.example', https('far.example')],
    ['other.example far.example', http('far.example')],
    ['far.example:8460', https('far.example', 8460)],
    ['far.example:443', https('far.example')],
    ['*', https('far.example')],
    ['10.1.2.3', https('10.1.2.3')],
    ['10.1.2.3:8460', https('10.1.2.3', 8460)],
    ['10.0.0.0/8', https('10.200.3.4')],
    ['192.168.4.0/22', http('192.168.7.255')],
    ['::1', https('[::1]')],
    ['[::1]:8460', https('::1', 8460)],
    ['fd00::/8', https('fd12::5')],
    ['localhost,127.0.0.1', http('localhost', 8460)],
  ])('%s: without a proxy to it', (NO_PROXY, target) => {
    expect(proxyChoice({ ALL_PROXY: PROXY, NO_PROXY })!(target)).toBeUndefined();
    expect(proxyChoice({ ALL_PROXY: PROXY, no_proxy: NO_PROXY })!(target)).toBeUndefined();
    expect(proxyChoice({ NO_PROXY }, PROXY)!(target)).toBeUndefined();
  });
  it.each([
    ['', https('far.example')],
    ['near.example', https('far.example')],
    ['ar.example', https('far.example')],
    ['far.example:8460', https('far.example')],
    ['10.0.0.0/8', https('11.0.0.1')],
    ['10.0.0.0/8', https('far.example')],
    ['3.4', https('1.2.3.4')],
    ['localhost', http('127.0.0.1')],
  ])('%s: through the proxy', (NO_PROXY, target) => {
    expect(proxyChoice({ ALL_PROXY: PROXY, NO_PROXY })!(target)?.port).toBe(3128);
  });
  it('this machine is reached through the proxy too, unless NO_PROXY or --proxy none says otherwise', () => {
    expect(proxyChoice({ ALL_PROXY: PROXY })!(http('127.0.0.1', 8460))?.port).toBe(3128);
    expect(proxyChoice({ ALL_PROXY: PROXY }, 'none')!(http('127.0.0.1', 8460))).toBeUndefined();
  });
});
