// The agent's home and commands: which files are written, who can read them, and the errors for a
// second agent, a damaged file or wrong data.
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AgentEvent, textDisplay } from '../../client/agent/display.js';
import { FileStore } from '../../client/agent/files.js';
import { enrolHome, openHome } from '../../client/agent/home.js';
import { runAgent } from '../../client/agent/run.js';
import { prepareIdentity } from '../../client/participation/home.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { toBase64 } from '../../common/crypto/base64.js';
import { createIdentity } from '../../common/crypto/identity.js';
import { Peer } from './peer.js';

const DATA = 'synthetic:site=2&images=8&seed=5&size=64&split=train';
let peer: Peer;
let home: string;
beforeEach(async () => {
  peer = await Peer.open();
  home = join(await mkdtemp(join(tmpdir(), 'lentigo-agent-')), 'home');
});
afterEach(async () => {
  await peer.close();
  await rm(join(home, '..'), { recursive: true, force: true });
});
const mode = async (path: string) => (await stat(path)).mode & 0o777;

it("only its owner can read a home, and the invitation's secret is not kept", async () => {
  const invitation = peer.invitation();
  await enrolHome(invitation, home, 'A clinic');
  expect(await mode(home)).toBe(0o700);
  expect(await mode(join(home, 'identity.json'))).toBe(0o600);
  expect(await mode(join(home, 'enrolment.json'))).toBe(0o600);
  expect(await readFile(join(home, 'enrolment.json'), 'utf8')).not.toContain(invitation.secret);
});

it('a warning is given about an identity that others can read', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  expect((await openHome(home)).warnings).toEqual([]);
  await chmod(join(home, 'identity.json'), 0o644);
  expect((await openHome(home)).warnings[0]).toContain('chmod 600');
});

it('enrolling twice with the same invitation keeps the same identity', async () => {
  const invitation = peer.invitation();
  const first = await enrolHome(invitation, home, 'A clinic');
  const second = await enrolHome(invitation, home, 'A clinic');
  expect(second.enrolment).toEqual(first.enrolment);
  expect(new Set(peer.enrolled.map((e) => e.key)).size).toBe(1);
});

it('an enrolment whose answer was lost is repeated with the same identity', async () => {
  const invitation = peer.invitation();
  await expect(
    enrolHome({ ...invitation, url: 'http://127.0.0.1:9' }, home, 'A clinic'),
  ).rejects.toMatchObject({ code: 'LENTIGO_UNREACHABLE' });
  const identity = await prepareIdentity(new FileStore(home), invitation.study, home);
  await enrolHome(invitation, home, 'A clinic');
  expect(peer.enrolled.map((e) => e.key)).toEqual([toBase64(identity.publicKey)]);
});

it('a used invitation is refused to another clinic', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  await expect(
    enrolHome(peer.invitation(), join(home, '../other'), 'Another'),
  ).rejects.toMatchObject({ code: 'LENTIGO_INVITATION_USED' });
});

it('a home refuses an invitation to another study, or to its study with another key', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  const other = await Peer.open();
  await expect(enrolHome(other.invitation(), home, 'A clinic')).rejects.toMatchObject({
    code: 'LENTIGO_INVITATION_OTHER_STUDY',
  });
  await other.close();
  const forged = { ...peer.invitation(), key: toBase64(createIdentity().publicKey) };
  await expect(enrolHome(forged, home, 'A clinic')).rejects.toMatchObject({
    code: 'LENTIGO_INVITATION_OTHER_STUDY',
  });
});

it('an error names a home that is missing or damaged', async () => {
  await expect(openHome(home)).rejects.toMatchObject({ code: 'LENTIGO_HOME_INVALID' });
  await enrolHome(peer.invitation(), home, 'A clinic');
  await writeFile(join(home, 'enrolment.json'), '{');
  await expect(openHome(home)).rejects.toMatchObject({
    code: 'LENTIGO_HOME_INVALID',
    message: expect.stringContaining('enrolment.json') as string,
  });
});

const agent = async (data: string, until: (event: AgentEvent) => boolean) => {
  const events: AgentEvent[] = [];
  const abort = new AbortController();
  const onEvent = (event: AgentEvent) => {
    events.push(event);
    if (until(event)) abort.abort();
  };
  await runAgent({ home, data, signal: abort.signal, onEvent });
  return events;
};

it('an agent takes part in a round and stops when asked, leaving its home free', async () => {
  const { enrolment } = await enrolHome(peer.invitation(), home, 'A clinic');
  peer.announce(enrolment.clinic, {
    training: { ...peer.announce(enrolment.clinic).training, trainFrom: 'classifier' },
  });
  const events = await agent(DATA, (e) => e.event === 'receipt');
  expect(events[0]).toMatchObject({ event: 'ready', images: 8 });
  expect(events.at(-1)).toEqual({ event: 'done', status: 'interrupted' });
  expect(peer.accepted[0]!.header.samples).toBe(8);
  lockDirectory(home)();
});

it('two agents do not share a home', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  const unlock = lockDirectory(home);
  await expect(agent(DATA, () => true)).rejects.toMatchObject({ code: 'LENTIGO_DATA_DIR_IN_USE' });
  unlock();
});

it('wrong data is reported before the coordinator is called', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  await expect(agent(join(home, 'nowhere'), () => true)).rejects.toMatchObject({
    code: 'LENTIGO_PATH',
  });
  await expect(agent('synthetic:images=8&split=heldout', () => true)).rejects.toMatchObject({
    code: 'LENTIGO_DATA_EMPTY',
  });
  expect(peer.proofs).toBe(0);
});

it('an agent that cannot reach its coordinator names the address, and keeps trying', async () => {
  const { enrolment } = await enrolHome(peer.invitation(), home, 'A clinic');
  await writeFile(
    join(home, 'enrolment.json'),
    JSON.stringify({ ...enrolment, url: 'http://127.0.0.1:9' }),
  );
  let failures = 0;
  const events = await agent(DATA, (e) => e.event === 'error' && ++failures === 2);
  expect(events.find((e) => e.event === 'error')).toMatchObject({
    code: 'LENTIGO_UNREACHABLE',
    message: expect.stringContaining('http://127.0.0.1:9') as string,
  });
});

it('a log gets one line for each tenth of a phase, a terminal one moving line', () => {
  const show = (moving: boolean) => {
    let text = '';
    const display = textDisplay((part) => (text += part), moving);
    for (let i = 0; i <= 100; i++)
      display.show({
        event: 'training',
        round: 2,
        fraction: i / 100,
        epoch: 1,
        loss: 0.5,
        secondsLeft: 3,
      });
    display.show({ event: 'uploaded', round: 2, bytes: 2_000_000, sha256: 'ab', seconds: 1 });
    return text;
  };
  expect(
    show(false)
      .split('\n')
      .filter((line) => line.includes('training')),
  ).toHaveLength(11);
  expect(show(false)).toContain('Round 2: sent 2.0 MB');
  expect(show(true).split('\n')).toHaveLength(2);
});
