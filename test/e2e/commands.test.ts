// The `lentigo` command's exit codes and messages for requests that it can't fulfil: 2 bad input, 3
// refused, 4 unreachable, 5 the machine.
import { existsSync, statSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toBase64 } from '../../common/crypto/base64.js';
import { createNonce } from '../../common/crypto/enrolment.js';
import { createIdentity } from '../../common/crypto/identity.js';
import { formatInvitation, type Invitation } from '../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { packagedMigrations } from '../../coordinator/storage/migrate.js';
import { dataDirectory, temporaryFolder } from '../support/coordinator.js';
import { launchCoordinator, lentigo } from '../support/processes.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

/** Expects this exit code, this text on stderr, and nothing on stdout. */
async function ends(code: number, says: RegExp, ...args: string[]): Promise<void> {
  const ended = await lentigo(args, { env: { LENTIGO_DATA_DIR: join(folder, 'data') } });
  expect({ ...ended, args }).toEqual({
    code,
    stdout: '',
    stderr: expect.stringMatching(says),
    args,
  });
}
const invitation = (changes: Partial<Invitation> = {}): Invitation => ({
  protocol: PROTOCOL,
  url: 'http://127.0.0.1:1',
  study: '0198c0de-0000-7000-8000-000000000001',
  key: toBase64(createIdentity().publicKey),
  secret: createNonce(),
  expires: '2099-01-01T00:00:00.000Z',
  clinic: 'A clinic',
  ...changes,
});

describe('lentigo', () => {
  it('lists its exit codes, and ends with 0 when only help was asked for', async () => {
    const { code, stdout } = await lentigo(['--help']);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /0 done, 1 a bug, 2 bad input, 3 refused, 4 out of reach, 5 the machine/,
      ),
    ]);
  });
  it.each([
    ['an option that does not exist', ['study', 'list', '--bogus'], /unknown option '--bogus'/],
    ['a command that does not exist', ['study', 'explode'], /unknown command 'explode'/],
    ['a port that is none', ['coordinator', '--port', '70000'], /whole number from 0 to 65535/],
    ['a required option left out', ['clinic', 'enrol', 'x'], /--home/],
    [
      'a home that is none',
      ['clinic', 'run', '--home', '/nonexistent', '--data', 'synthetic:images=4'],
      /LENTIGO_HOME_INVALID/,
    ],
    [
      'a study.yaml that is not there',
      ['study', 'create', '/nonexistent/study.yaml'],
      /LENTIGO_PATH/,
    ],
  ])('ends with 2 and says why: %s', async (_, args, says) => {
    await ends(2, says, ...args);
  });
  it('ends with 4 when nobody answers', async () => {
    await ends(
      4,
      /127\.0\.0\.1:1[^]*LENTIGO_UNREACHABLE: /,
      'study',
      'list',
      '--url',
      'http://127.0.0.1:1',
      '--token',
      'x',
    );
    const home = join(folder, 'lonely');
    await ends(
      4,
      /LENTIGO_UNREACHABLE: /,
      'clinic',
      'enrol',
      formatInvitation(invitation()),
      '--home',
      home,
    );
    await ends(
      2,
      /LENTIGO_HOME_INVALID: /,
      'clinic',
      'run',
      '--home',
      home,
      '--data',
      'synthetic:images=4',
    ); // not enrolled yet
  });
  it('ends with 3 when an invitation is damaged or of another protocol, and writes no home', async () => {
    const home = join(folder, 'never');
    const word = formatInvitation(invitation());
    await ends(
      3,
      /LENTIGO_INVITATION_INVALID: /,
      'clinic',
      'enrol',
      word.slice(0, -9),
      '--home',
      home,
    );
    await ends(
      3,
      /LENTIGO_PROTOCOL_VERSION: /,
      'clinic',
      'enrol',
      formatInvitation(invitation({ protocol: 9 })),
      '--home',
      home,
    );
    expect(existsSync(home)).toBe(false);
  });
  it('ends with 3 if there is no admin token', async () => {
    await ends(3, /No admin token[^]*LENTIGO_ADMIN_TOKEN: /, 'study', 'list');
  });
});

describe('lentigo coordinator', () => {
  it('refuses to listen beyond this machine without TLS, before it writes anything', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1'])
      await ends(
        2,
        /LENTIGO_INSECURE: .*--tls-cert/,
        'coordinator',
        '--host',
        host,
        '--data-dir',
        join(folder, 'open'),
      );
    expect(existsSync(join(folder, 'open'))).toBe(false);
  });
  it('names the certificate or key that is missing or invalid', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const args = [
      'coordinator',
      '--port',
      '0',
      '--data-dir',
      await dataDirectory(),
      '--tls-cert',
      cert,
      '--tls-key',
      key,
    ];
    await ends(2, /\(--tls-key\) belong together[^]*LENTIGO_USAGE: /, ...args.slice(0, -2));
    await ends(2, /cert\.pem.* does not exist[^]*LENTIGO_PATH: /, ...args);
    for (const file of [cert, key]) await writeFile(file, 'not PEM');
    await ends(4, /LENTIGO_TLS: /, ...args);
    await rm(args[4]!, { recursive: true });
  });
  it('names a port that is in use, and releases its data directory', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    const dataDir = await dataDirectory();
    await ends(
      5,
      new RegExp(`Port ${port} .*taken[^]*LENTIGO_PORT_TAKEN: `),
      'coordinator',
      '--port',
      String(port),
      '--data-dir',
      dataDir,
    );
    other.close();
    const coordinator = await launchCoordinator(dataDir);
    // A second one on the same directory is refused.
    await ends(
      5,
      new RegExp(`${coordinator.pid}[^]*LENTIGO_DATA_DIR_IN_USE: `),
      'coordinator',
      '--port',
      '0',
      '--data-dir',
      dataDir,
    );
    expect((await fetch(`${coordinator.url}/healthz`)).status).toBe(200);
    expect(await coordinator.kill('SIGINT')).toBe(0);
    expect(await readdir(dataDir)).not.toContain('lock');
    await rm(dataDir, { recursive: true });
  });
  it('creates its database, keys and token in an empty folder, readable by its owner only', async () => {
    const dataDir = join(folder, 'fresh');
    const coordinator = await launchCoordinator(dataDir);
    expect(coordinator.lines.find((l) => 'url' in l)).toMatchObject({
      database: 'embedded',
      migrations: packagedMigrations().map(({ name }) => name),
    });
    const { code, stdout } = await lentigo([
      'study',
      'list',
      '--url',
      coordinator.url,
      '--data-dir',
      dataDir,
    ]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('No studies yet')]);
    expect(statSync(dataDir).mode & 0o077).toBe(0);
    for (const secret of ['admin-token', join('keys', 'tickets')])
      expect(statSync(join(dataDir, secret)).mode & 0o777).toBe(0o600);
    expect(await coordinator.kill('SIGTERM')).toBe(0);
  });
});
