// What a proxy can do other than lead on, and how it is named.
import { expect, it } from 'vitest';
import { proxyChoice } from '../../../common/network/proxy-settings.node.js';
import { tunnel } from '../../../common/network/tunnel.node.js';
import { ConnectProxy, type ProxyTerms } from '../../support/connect-proxy.js';

const target = { host: 'coordinator.test', port: 8460, secure: true };

it.each<[string, ProxyTerms, (url: string) => string, RegExp]>([
  [
    'asks for a login',
    { login: 'clinic:secret' },
    (url) => url,
    /asks for a user and password: 407/,
  ],
  [
    'refuses the login',
    { login: 'clinic:secret' },
    (url) => url.replace('//', '//someone:hunter2@'),
    /does not accept the user and password that it was given: 407/,
  ],
  [
    'knows another kind of login',
    {
      answer:
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n',
    },
    (url) => url,
    /by Negotiate or NTLM, and Lentigo knows Basic alone: 407/,
  ],
  [
    'forbids',
    { answer: 'HTTP/1.1 403 Forbidden\r\n\r\n<html>no</html>' },
    (url) => url,
    /refuses the way to coordinator\.test:8460: 403 Forbidden/,
  ],
  [
    'finds nobody',
    { answer: 'HTTP/1.1 502 Bad Gateway\r\n\r\n' },
    (url) => url,
    /can't reach coordinator\.test:8460: 502 Bad Gateway/,
  ],
  [
    'shows a page of its own',
    { answer: 'HTTP/1.1 200 OK\r\n\r\n<html>Accept our terms</html>' },
    (url) => url,
    /answered with a page of its own instead of leading to coordinator\.test:8460: 200 OK/,
  ],
  [
    'leads to a login page',
    { answer: 'HTTP/1.1 302 Found\r\nLocation: http://login.example\r\n\r\n' },
    (url) => url,
    /leads to another page \(a login\?\) instead of coordinator\.test:8460: 302 Found/,
  ],
  [
    'is not there',
    {},
    () => 'http://someone:hunter2@127.0.0.1:9',
    /The proxy http:\/\/127\.0\.0\.1:9 \(--proxy\) can't be reached: ECONNREFUSED/,
  ],
  [
    'has no address',
    {},
    () => 'http://someone:hunter2@proxy.invalid:3128',
    /The proxy http:\/\/proxy\.invalid:3128 \(--proxy\) can't be reached: (ENOTFOUND|EAI_AGAIN)/,
  ],
])('a proxy that %s is named, without its password', async (_, terms, address, says) => {
  const proxy = await ConnectProxy.open(terms);
  const led = tunnel(proxyChoice({}, address(proxy.url()))!(target)!, target);
  const error = await led.then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  await proxy.close();
  expect(error).toMatchObject({ code: 'LENTIGO_PROXY' });
  expect(error!.message).toMatch(says);
  expect(error!.message).not.toContain('hunter2');
});
