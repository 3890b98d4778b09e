// Addresses that fail too often have to wait: refused enrolments, failed challenges and wrong admin
// tokens. Successful requests never have to wait, however frequent.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { enrolRequest } from '../../common/crypto/enrolment.js';
import { createIdentity } from '../../common/crypto/identity.js';
import { LentigoError } from '../../common/errors.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { FailureLimit, keyOf } from '../../coordinator/access/failure-limit.js';
import { countingTrainer, TestClinic } from '../client/clinic.js';
import { Peer } from '../client/peer.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../support/coordinator.js';
import { HAS_MANY_ADDRESSES, rawRequest } from '../support/http-from.js';
import { Member } from '../support/member.js';

const LIMIT = 30;
const limited = (seconds = expect.any(String) as string) => ({
  status: 429,
  code: 'LENTIGO_RATE_LIMITED',
  headers: { 'retry-after': seconds },
});

let coordinator: TestCoordinator;
let proxied: TestCoordinator;
let study: string;
beforeAll(async () => {
  [coordinator, proxied] = await Promise.all([
    runCoordinator(),
    runCoordinator(undefined, 0, { trustProxy: true }),
  ]);
  study = await createStudy(coordinator.admin, { rounds: 1 });
});
afterAll(() => Promise.all([coordinator.close(), proxied.close()]));

const members: Member[] = [];
afterEach(() => members.splice(0).forEach((m) => m.close()));
const approved = async (from: string) => {
  const member = await Member.approved(coordinator.admin, study);
  member.from = from;
  members.push(member);
  return member;
};

interface Sender {
  readonly from?: string;
  readonly forwarded?: string;
  readonly to?: TestCoordinator;
}
const enrol = (body: unknown, { from = '127.0.0.1', forwarded, to = coordinator }: Sender) =>
  rawRequest(to.url, {
    method: 'POST',
    path: '/api/enrol',
    from,
    headers: {
      'content-type': 'application/json',
      ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const goodRequest = async () => {
  const { secret } = parseInvitation(
    (await coordinator.admin.invite(study, 'A clinic', 1)).invitation,
  );
  return enrolRequest({ study, secret, name: 'A clinic' }, createIdentity());
};
const failThirtyTimes = async (
  sender: (i: number) => Sender,
  body: (i: number) => unknown = () => ({ wrong: true }),
) => {
  for (let i = 0; i < LIMIT; i++)
    expect((await enrol(body(i), sender(i))).status, String(i)).toBeOneOf([400, 401, 409]);
};

describe.skipIf(!HAS_MANY_ADDRESSES)(
  `enrolment (${HAS_MANY_ADDRESSES ? 'from several addresses' : 'skipped: needs Linux, where 127.0.0.0/8 is this machine'})`,
  () => {
    it('that was refused 30 times in a minute is blocked for this address until the minute is over, and for no other', async () => {
      const good = await goodRequest();
      const { secret } = good;
      const forged = { ...good, secret: (secret.startsWith('A') ? 'B' : 'A') + secret.slice(1) };
      const wrong = [{}, '{"protocol":', { ...good, name: 'Another' }, forged];
      await failThirtyTimes(
        () => ({ from: '127.0.0.9' }),
        (i) => wrong[i % wrong.length],
      );
      const refused = await enrol(good, { from: '127.0.0.9' });
      expect(refused).toMatchObject(limited());
      const seconds = Number(refused.headers['retry-after']);
      expect(seconds).toBeGreaterThan(30);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(refused.text).toContain(`try again in ${seconds} s`);
      expect(await enrol('{"protocol":', { from: '127.0.0.9' })).toMatchObject(limited());
      expect((await enrol(good, { from: '127.0.0.8' })).status).toBe(200);
    });

    it('that succeeds is never limited', async () => {
      for (let i = 0; i < LIMIT + 10; i++)
        expect((await enrol(await goodRequest(), { from: '127.0.0.7' })).status).toBe(200);
    });

    it('is counted by the address that the proxy names, if one is trusted; what the client itself wrote there is ignored', async () => {
      await failThirtyTimes((i) => ({ to: proxied, forwarded: `${i}.1.1.1, 203.0.113.7` }));
      expect(await enrol({}, { to: proxied, forwarded: '203.0.113.9, 203.0.113.7' })).toMatchObject(
        limited(),
      );
      expect(await enrol({}, { to: proxied, forwarded: '203.0.113.7, 203.0.113.9' })).toMatchObject(
        { status: 400 },
      );
      expect(await enrol({}, { to: proxied })).toMatchObject({ status: 400 });
    });

    it('is counted by the connection if no proxy is trusted: a forged X-Forwarded-For changes nothing', async () => {
      await failThirtyTimes((i) => ({ from: '127.0.0.6', forwarded: `198.51.100.${i}` }));
      expect(await enrol({}, { from: '127.0.0.6', forwarded: '198.51.100.200' })).toMatchObject(
        limited(),
      );
      expect(await enrol({}, { from: '127.0.0.5', forwarded: '198.51.100.1' })).toMatchObject({
        status: 400,
      });
    });
  },
);

describe.skipIf(!HAS_MANY_ADDRESSES)(
  `the admin token (${HAS_MANY_ADDRESSES ? 'from several addresses' : 'skipped: needs Linux'})`,
  () => {
    it('that was wrong 30 times in a minute is not checked from this address until the minute is over, while enrolment still is', async () => {
      const studies = (token: string | undefined, from: string) =>
        rawRequest(coordinator.url, {
          method: 'GET',
          path: '/api/studies',
          from,
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        });
      const { token } = coordinator;
      const wrong = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
      for (let i = 0; i < LIMIT; i++) {
        expect(await studies(i % 3 === 0 ? undefined : wrong, '127.0.2.1')).toMatchObject({
          status: 401,
          code: 'LENTIGO_ADMIN_TOKEN',
        });
        expect((await studies(token, '127.0.2.2')).status).toBe(200);
      }
      expect(await studies(token, '127.0.2.1')).toMatchObject(limited());
      expect((await studies(token, '127.0.2.2')).status).toBe(200);
      expect((await enrol(await goodRequest(), { from: '127.0.2.1' })).status).toBe(200);
    });

    it('that is right is never limited, whatever else is wrong with a request', async () => {
      for (let i = 0; i < LIMIT + 10; i++) {
        const { status } = await rawRequest(coordinator.url, {
          method: 'GET',
          path: '/api/studies/none',
          from: '127.0.2.3',
          headers: { authorization: `Bearer ${coordinator.token}` },
        });
        expect(status).toBe(404);
      }
    });
  },
);

describe.skipIf(!HAS_MANY_ADDRESSES)(
  `a challenge (${HAS_MANY_ADDRESSES ? 'from several addresses' : 'skipped: needs Linux'})`,
  () => {
    it('that failed 30 times in a minute is blocked for this address; clinics connected from it stay, and take part in the round', async () => {
      const [one, two] = [await approved('127.0.1.1'), await approved('127.0.1.1')];
      for (const member of [one, two]) expect(await member.join()).toMatchObject({ ok: true });
      const stranger = await Member.stranger(one);
      stranger.from = '127.0.1.1';
      members.push(stranger);
      for (let i = 0; i < LIMIT; i++) {
        // A wrong key, a clinic that never enrolled, a request before the proof.
        if (i % 3 === 0)
          expect(await stranger.join(createIdentity())).toMatchObject({
            error: { code: 'LENTIGO_CHALLENGE_FAILED' },
          });
        else if (i % 3 === 1)
          expect(await stranger.join()).toMatchObject({
            error: { code: 'LENTIGO_CLINIC_UNKNOWN' },
          });
        else {
          await stranger.open();
          expect(await stranger.ask('submit', {})).toMatchObject({
            error: { code: 'LENTIGO_CHALLENGE_FAILED' },
          });
        }
      }
      const disconnects = stranger.disconnects.length;
      expect(await stranger.join()).toMatchObject({
        ok: false,
        error: {
          code: 'LENTIGO_RATE_LIMITED',
          message: expect.stringMatching(/try again in \d+ s/) as string,
          remedy: expect.stringContaining('try again') as string,
        },
      });
      await stranger.until(() => stranger.disconnects.length > disconnects);

      expect([one.connected, two.connected]).toEqual([true, true]);
      await coordinator.admin.act(study, 'start');
      for (const member of [one, two]) {
        const round = await member.round(1);
        expect(await member.send(round, await member.seal(round))).toMatchObject({ ok: true });
      }
      await studyUntil(coordinator.admin, study, (v) => v.status === 'completed');
      one.close();
      expect(await one.join()).toMatchObject({ error: { code: 'LENTIGO_RATE_LIMITED' } });
      one.from = '127.0.1.2';
      expect(await one.join()).toMatchObject({ ok: true });
    });

    it('that succeeds is never limited: a flapping network, and a clinic that waits for its approval, may ask as often as they like', async () => {
      const flapping = await approved('127.0.1.3');
      for (let i = 0; i < LIMIT + 10; i++) {
        expect(await flapping.join()).toMatchObject({ ok: true });
        if (i % 2) await flapping.open(); // cut before it said anything
      }
      const waiting = await Member.enrolled(coordinator.admin, study);
      waiting.from = '127.0.1.3';
      members.push(waiting);
      for (let i = 0; i < LIMIT + 10; i++)
        expect(await waiting.join()).toMatchObject({
          error: { code: 'LENTIGO_CLINIC_NOT_APPROVED' },
        });
      await coordinator.admin.decide(study, waiting.id, 'approve');
      expect(await waiting.join()).toMatchObject({ ok: true });
    });
  },
);

it('an agent that is told to wait says so, waits, and tries again', async () => {
  const peer = await Peer.open();
  const clinic = await TestClinic.enrolled(peer);
  peer.refuse = new LentigoError(
    'LENTIGO_RATE_LIMITED',
    '30 attempts from 192.0.2.1 were refused within a minute: try again in 20 s.',
  );
  const run = await clinic.start(countingTrainer());
  expect(await run.until('error')).toMatchObject({ code: 'LENTIGO_RATE_LIMITED' });
  const refusedAt = Date.now();
  peer.refuse = undefined;
  await run.until('connected');
  expect(Date.now() - refusedAt).toBeGreaterThan(10_000);
  expect(run.events.filter((e) => e.event === 'error')).toHaveLength(1);
  await run.stop();
  await clinic.close();
  await peer.close();
});

describe('the minute', () => {
  afterEach(() => void vi.useRealTimers());
  it('begins with the first failure, and forgets all when it is over', async () => {
    vi.useFakeTimers();
    const limit = new FailureLimit();
    for (let i = 0; i < LIMIT; i++) {
      await expect(limit.check('192.0.2.1')).resolves.toBeUndefined();
      await limit.failed('192.0.2.1');
      vi.advanceTimersByTime(1000);
    }
    expect(await limit.secondsToWait('192.0.2.1')).toBe(30);
    await expect(limit.check('192.0.2.1')).rejects.toMatchObject({
      code: 'LENTIGO_RATE_LIMITED',
      message: expect.stringContaining('192.0.2.1') as string,
    });
    vi.advanceTimersByTime(29_000);
    expect(await limit.secondsToWait('192.0.2.1')).toBe(1);
    vi.advanceTimersByTime(1_001);
    expect(await limit.secondsToWait('192.0.2.1')).toBe(0);
    await limit.failed('192.0.2.1');
    await expect(limit.check('192.0.2.1')).resolves.toBeUndefined();
  });

  it('is kept for an IPv4 address in either notation, and for the whole /64 of an IPv6 subscriber', () => {
    expect(keyOf('::ffff:192.0.2.1')).toBe(keyOf('192.0.2.1'));
    expect(keyOf('2001:db8:0:1::5')).toBe(keyOf('2001:DB8:0:1:abcd:ef01:2345:6789'));
    expect(keyOf('2001:db8:0:1::5')).not.toBe(keyOf('2001:db8:0:2::5'));
    expect(keyOf('::1')).toBe(keyOf('0:0:0:0:0:0:0:1'));
    expect(keyOf('fe80::1%eth0')).toBe(keyOf('fe80:0:0:0::2'));
  });
});
