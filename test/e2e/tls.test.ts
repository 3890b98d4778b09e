// A study over TLS between two network addresses of this machine, with a certificate made by
// openssl; and what happens if its authority is not trusted.
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StudyView } from '../../common/protocol/console.js';
import { dataDirectory, temporaryFolder } from '../support/coordinator.js';
import { launch, launchCoordinator, lentigo, type Running, succeed } from '../support/processes.js';
import { writeStudy } from '../support/study-files.js';

const run = (command: string, ...args: string[]): void =>
  void execFileSync(command, args, { stdio: 'pipe' });
const works = (command: string, ...args: string[]): boolean => {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
};

/**
 * Two network namespaces joined by a cable if this machine allows it: as close to two machines as
 * one machine gets. Otherwise two loopback addresses.
 */
function network() {
  const name = `lentigo-${process.pid}`;
  const [near, far] = [`lg${process.pid}a`.slice(0, 15), `lg${process.pid}b`.slice(0, 15)];
  const [here, there] = ['10.213.7.1', '10.213.7.2'];
  const made = works('ip', 'netns', 'add', name);
  const joined =
    made &&
    works('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far) &&
    works('ip', 'link', 'set', far, 'netns', name) &&
    works('ip', 'addr', 'add', `${here}/24`, 'dev', near) &&
    works('ip', 'link', 'set', near, 'up') &&
    works('ip', 'netns', 'exec', name, 'ip', 'addr', 'add', `${there}/24`, 'dev', far) &&
    works('ip', 'netns', 'exec', name, 'ip', 'link', 'set', far, 'up');
  const remove = () => {
    works('ip', 'link', 'del', near);
    if (made) works('ip', 'netns', 'del', name);
  };
  if (joined)
    return {
      what: `network namespaces, ${here} and ${there}`,
      host: here,
      prefix: ['ip', 'netns', 'exec', name],
      remove,
    };
  remove();
  return {
    what: 'loopback, 127.0.0.1 and 127.0.0.2',
    host: '127.0.0.2',
    prefix: [],
    remove: () => undefined,
  };
}

const hasOpenssl = works('openssl', 'version');
const net = network();
afterAll(() => net.remove());

describe.skipIf(!hasOpenssl)(
  `over TLS (${net.what}${hasOpenssl ? '' : '; skipped: no openssl'})`,
  () => {
    let folder: string;
    let dataDir: string;
    let coordinator: Running & { readonly url: string };
    const at = (name: string) => join(folder, name);
    beforeAll(async () => {
      [folder, dataDir] = [await temporaryFolder(), await dataDirectory()];
      const openssl = (...args: string[]) => run('openssl', ...args);
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=Test authority',
        '-keyout',
        at('ca.key'),
        '-out',
        at('ca.pem'),
      );
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-subj',
        '/CN=Coordinator',
        '-keyout',
        at('server.key'),
        '-out',
        at('server.csr'),
      );
      await writeFile(at('san'), `subjectAltName=IP:${net.host}\n`);
      openssl(
        'x509',
        '-req',
        '-in',
        at('server.csr'),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        at('san'),
        '-out',
        at('server.pem'),
      );
      coordinator = await launchCoordinator(dataDir, [
        '--host',
        net.host,
        '--tls-cert',
        at('server.pem'),
        '--tls-key',
        at('server.key'),
      ]);
    });
    afterAll(async () => {
      await coordinator.kill('SIGTERM');
      await Promise.all([folder, dataDir].map((f) => rm(f, { recursive: true })));
    });
    const trusting = () => ({ NODE_EXTRA_CA_CERTS: at('ca.pem') });
    const admin = () => ({
      env: { ...trusting(), LENTIGO_URL: coordinator.url, LENTIGO_DATA_DIR: dataDir },
    });
    const json = async <T>(args: readonly string[]): Promise<T> =>
      JSON.parse(await succeed([...args, '--json'], admin())) as T;

    it('a study runs; a clinic that does not trust the authority stops at LENTIGO_TLS and sends nothing', async () => {
      expect(coordinator.url).toMatch(new RegExp(`^https://${net.host}:\\d+$`));
      const { id } = await json<{ id: string }>([
        'study',
        'create',
        await writeStudy(at('study'), { rounds: 1, cohort: { minimum: 1, quorum: 1 } }),
      ]);
      const { invitation } = await json<{ invitation: string }>([
        'study',
        'invite',
        id,
        '--clinic',
        'Far',
      ]);
      const clinic = { prefix: net.prefix };

      const untrusted = await lentigo(
        ['clinic', 'enrol', invitation, '--home', at('home')],
        clinic,
      );
      expect([untrusted.code, untrusted.stderr]).toEqual([
        4,
        expect.stringMatching(/certificate[^]*LENTIGO_TLS: .*NODE_EXTRA_CA_CERTS/),
      ]);
      expect(StudyView.parse(await json(['study', 'show', id])).clinics).toEqual([]);

      await succeed(['clinic', 'enrol', invitation, '--home', at('home'), '--name', 'Far'], {
        ...clinic,
        env: trusting(),
      });
      const [enrolled] = StudyView.parse(await json(['study', 'show', id])).clinics;
      await succeed(['study', 'approve', id, enrolled!.id], admin());

      const args = [
        'clinic',
        'run',
        '--home',
        at('home'),
        '--data',
        'synthetic:site=1&images=8&seed=1&size=64&split=train',
        '--json',
      ];
      const deaf = launch(args, clinic);
      await deaf.until((line) => line['event'] === 'error' && line['code'] === 'LENTIGO_TLS');
      expect(deaf.lines.some((line) => line['event'] === 'connected')).toBe(false);
      expect(await deaf.kill('SIGTERM')).toBe(0);

      const agent = launch(args, { ...clinic, env: trusting() });
      await succeed(['study', 'start', id], admin());
      expect(await agent.ended).toBe(0);
      const view = StudyView.parse(await json(['study', 'show', id]));
      expect(view).toMatchObject({ status: 'completed', completed: 1 });
      expect(view.rounds.at(-1)!.updates).toMatchObject([{ clinic: enrolled!.id, samples: 8 }]);
    });

    it('the console, too, is refused where the authority is not trusted', async () => {
      const { code, stderr } = await lentigo(['study', 'list'], {
        env: { LENTIGO_URL: coordinator.url, LENTIGO_DATA_DIR: dataDir },
      });
      expect([code, stderr]).toEqual([4, expect.stringContaining('LENTIGO_TLS: ')]);
    });

    it('the coordinator speaks TLS 1.2 or later with the certificate it was given, and no plain HTTP', async () => {
      const { hostname, port } = new URL(coordinator.url);
      const ca = await readFile(at('ca.pem'));
      const protocol = await new Promise((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port), ca }, () => {
          resolve(socket.getProtocol());
          socket.end();
        });
        socket.once('error', reject);
      });
      expect(protocol).toMatch(/^TLSv1\.[23]$/);
      await expect(fetch(coordinator.url.replace('https', 'http'))).rejects.toThrow();
    });
  },
);
