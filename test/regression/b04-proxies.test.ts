// A clinic behind an HTTP proxy: enrolment, socket, models and upload go through it, with a login
// and without, by http and https; what a proxy refuses is named as the proxy's.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatInvitation, parseInvitation } from '../../common/protocol/enrolment.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { selfSigned } from '../support/clinic-app.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';
import { freePort } from '../support/free-port.js';
import { launch, lentigo, succeed } from '../support/processes.js';

const LOGIN = 'a clinic:p@ss/word#%';
const ENCODED = 'a%20clinic:p%40ss%2Fword%23%25';
const DATA = 'synthetic:site=2&images=8&seed=5&size=64&split=train';

let folder: string;
let pem: { cert: string; key: string } | undefined;
let coordinator: TestCoordinator;
beforeAll(async () => {
  folder = await temporaryFolder();
  pem = selfSigned(folder);
  const free = await freePort();
  // A name that only the proxy knows.
  coordinator = await runCoordinator(undefined, free, {
    publicUrl: `http://coordinator.test:${free}`,
  });
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true, force: true });
});
const port = () => Number(new URL(coordinator.url).port);
const admin = () => new ConsoleClient(`http://127.0.0.1:${port()}`, coordinator.token);
const invite = async (id: string) => (await admin().invite(id, 'A', 1)).invitation;

/** Enrols and takes part to the end of a study of one round. */
async function takePart(
  home: string,
  invitation: (id: string) => Promise<string>,
  how: { args?: string[]; env?: Record<string, string> },
): Promise<{ said: string }> {
  const { args = [], env = {} } = how;
  const id = await createStudy(admin(), { rounds: 1, cohort: { minimum: 1, quorum: 1 } });
  const word = await invitation(id);
  await succeed(['clinic', 'enrol', word, '--home', home, '--name', 'A', ...args], { env });
  const [clinic] = (await admin().study(id)).clinics;
  await admin().decide(id, clinic!.id, 'approve');
  const agent = launch(['clinic', 'run', '--home', home, '--data', DATA, '--json', ...args], {
    env,
  });
  await admin().act(id, 'start');
  await agent.until((line) => line['event'] === 'receipt');
  await studyUntil(admin(), id, (view) => view.status === 'completed');
  expect(await agent.ended).toBe(0);
  return { said: agent.stdout() + agent.stderr() };
}

it('a clinic enrols and takes part in a round through the proxy that the environment names', async () => {
  const proxy = await ConnectProxy.open();
  const address = `coordinator.test:${port()}`;
  await takePart(join(folder, 'plain'), invite, { env: { HTTP_PROXY: proxy.url() } });
  // Enrolment, socket, download, upload.
  expect(proxy.led.length).toBeGreaterThanOrEqual(3);
  expect(new Set(proxy.led)).toEqual(new Set([address]));
  await proxy.close();
});

it('over TLS, with a login, through a proxy that speaks TLS itself', async (context) => {
  if (!pem) return context.skip('no openssl');
  const tls = { cert: readFileSync(pem.cert, 'utf8'), key: readFileSync(pem.key, 'utf8') };
  const proxy = await ConnectProxy.open({ login: LOGIN, tls });
  const front = createServer(tls, (near) => {
    const far = connect(port(), '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const secure = `127.0.0.1:${(front.address() as AddressInfo).port}`;
  const { said } = await takePart(
    join(folder, 'secure'),
    async (id) =>
      formatInvitation({ ...parseInvitation(await invite(id)), url: `https://${secure}` }),
    { args: ['--proxy', proxy.url(ENCODED)], env: { NODE_EXTRA_CA_CERTS: pem.cert } },
  );
  expect(new Set(proxy.led)).toEqual(new Set([secure]));
  expect(said).not.toMatch(/p@ss|p%40ss/);
  front.close();
  await proxy.close();
});

it("a command names the proxy that refuses it, and keeps the proxy's password to itself", async () => {
  const proxy = await ConnectProxy.open({ login: LOGIN });
  const { code, stdout, stderr } = await lentigo(
    ['study', 'list', '--url', `http://coordinator.test:${port()}`, '--token', 'T'],
    { env: { http_proxy: proxy.url('someone:hunter2'), LENTIGO_DEBUG: '1' } },
  );
  await proxy.close();
  expect(stderr).toMatch(
    /The proxy http:\/\/127\.0\.0\.1:\d+ \(http_proxy\) does not accept the user and password/,
  );
  expect(stderr).toContain('LENTIGO_PROXY: Check --proxy, HTTPS_PROXY or HTTP_PROXY');
  expect(code).toBe(4);
  expect(stdout + stderr).not.toContain('hunter2');
  expect(stdout + stderr).not.toContain(Buffer.from('someone:hunter2').toString('base64'));
});

it('an agent whose proxy is away says so, and goes on when it is back', async () => {
  const first = await ConnectProxy.open();
  const id = await createStudy(admin(), { cohort: { minimum: 1, quorum: 1 } });
  const home = join(folder, 'away');
  const how = { env: { ALL_PROXY: first.url() } };
  await succeed(['clinic', 'enrol', await invite(id), '--home', home], how);
  await first.close();
  const agent = launch(['clinic', 'run', '--home', home, '--data', DATA, '--json'], how);
  const { code, message } = await agent.until((line) => line['event'] === 'error');
  expect(code).toBe('LENTIGO_PROXY');
  expect(message).toContain(`http://127.0.0.1:${new URL(how.env.ALL_PROXY).port} (ALL_PROXY)`);
  const second = await ConnectProxy.open({}, Number(new URL(how.env.ALL_PROXY).port));
  await agent.until((line) => line['event'] === 'waiting-approval');
  await agent.kill('SIGTERM');
  await second.close();
});
