// Who may connect: both sides prove their keys first, and each message before or after is checked.
import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enrolHome, openHome } from '../../../client/agent/home.js';
import { Participant } from '../../../client/participation/participant.js';
import { toBase64 } from '../../../common/crypto/base64.js';
import { challengeSignature, verifyChallenge } from '../../../common/crypto/challenge.js';
import { createNonce } from '../../../common/crypto/enrolment.js';
import { createIdentity } from '../../../common/crypto/identity.js';
import { parseInvitation } from '../../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  temporaryFolder,
  type TestCoordinator,
} from '../../support/coordinator.js';
import { Member } from '../../support/member.js';

let coordinator: TestCoordinator;
let study: string;
beforeAll(async () => {
  coordinator = await runCoordinator();
  study = await createStudy(coordinator.admin);
});
afterAll(() => coordinator.close());

const members: Member[] = [];
afterEach(() => members.splice(0).forEach((m) => m.close()));
const approved = async () => {
  const member = await Member.approved(coordinator.admin, study);
  members.push(member);
  return member;
};
const error = (code: string) => ({
  ok: false,
  error: { code, message: expect.any(String), remedy: expect.stringMatching(/./) },
});
const isConnected = async (member: Member) =>
  (await coordinator.admin.study(study)).clinics.find((c) => c.id === member.id)?.connected;

describe('the challenge', () => {
  it('lets an approved clinic in after the coordinator proved the pinned key', async () => {
    const member = await approved();
    await member.open();
    const { answer, terms } = await member.hello();
    if (!answer.ok) throw new Error(answer.error.code);
    expect(answer.value).toMatchObject({ protocol: PROTOCOL, study, key: member.studyKey });
    expect(() =>
      verifyChallenge({ ...terms(answer.value), role: 'coordinator' }, answer.value.signature),
    ).not.toThrow();
    expect(await isConnected(member)).toBe(false);
    expect(
      await member.ask('prove', {
        signature: challengeSignature(terms(answer.value), member.identity.secretKey),
      }),
    ).toEqual({
      ok: true,
      value: { study, name: 'Test study', status: 'draft', round: 0, rounds: 2 },
    });
    await studyUntil(coordinator.admin, study, (v) =>
      v.clinics.some((c) => c.id === member.id && c.connected),
    );
    member.close();
    await studyUntil(coordinator.admin, study, (v) =>
      v.clinics.every((c) => c.id !== member.id || !c.connected),
    );
  });
  it('signed with another key than the clinic named is refused, and ends the connection', async () => {
    const member = await approved();
    expect(await member.join(createIdentity())).toMatchObject(error('LENTIGO_CHALLENGE_FAILED'));
    await member.disconnected();
    expect(await isConnected(member)).toBe(false);
  });
  it("signed for another connection, or as the coordinator's own proof, is refused", async () => {
    const member = await approved();
    await member.open();
    const { answer, terms } = await member.hello();
    if (!answer.ok) throw new Error(answer.error.code);
    const old = challengeSignature(terms(answer.value), member.identity.secretKey);
    await member.open();
    const again = await member.hello();
    expect(await member.ask('prove', { signature: old })).toMatchObject(
      error('LENTIGO_CHALLENGE_FAILED'),
    );
    await member.open();
    const third = await member.hello();
    if (!third.answer.ok || !again.answer.ok) throw new Error('no challenge');
    expect(third.answer.value.nonce).not.toBe(again.answer.value.nonce);
    expect(await member.ask('prove', { signature: third.answer.value.signature })).toMatchObject(
      error('LENTIGO_CHALLENGE_FAILED'),
    );
  });
  it('of a coordinator without the pinned key is refused by the clinic, which proves nothing to it', async () => {
    const folder = await temporaryFolder();
    const invitation = parseInvitation(
      (await coordinator.admin.invite(study, 'Careful', 1)).invitation,
    );
    await enrolHome(invitation, folder, 'Careful');
    const { identity, enrolment, store } = await openHome(folder);
    await coordinator.admin.decide(study, enrolment.clinic, 'approve');
    const pinned = { ...enrolment, key: toBase64(createIdentity().publicKey) };
    const participant = new Participant({
      enrolment: pinned,
      identity,
      store,
      train: () => Promise.reject(new Error('not asked')),
      onEvent: () => undefined,
    });
    await expect(participant.run(AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'LENTIGO_CHALLENGE_FAILED',
    });
    expect(
      (await coordinator.admin.study(study)).clinics.find((c) => c.id === enrolment.clinic),
    ).toMatchObject({ connected: false });
    await rm(folder, { recursive: true });
  });
});

describe('a clinic', () => {
  it('that is not approved is told so, and let in once it is', async () => {
    const member = await Member.enrolled(coordinator.admin, study);
    members.push(member);
    expect(await member.join()).toMatchObject(error('LENTIGO_CLINIC_NOT_APPROVED'));
    await coordinator.admin.decide(study, member.id, 'approve');
    expect(await member.join()).toMatchObject({ ok: true });
  });
  it('that was revoked is disconnected at once, and refused from then on', async () => {
    const member = await approved();
    expect(await member.join()).toMatchObject({ ok: true });
    await studyUntil(coordinator.admin, study, (v) =>
      v.clinics.some((c) => c.id === member.id && c.connected),
    );
    await coordinator.admin.decide(study, member.id, 'revoke');
    await member.disconnected();
    expect(await isConnected(member)).toBe(false);
    expect(await member.join()).toMatchObject(error('LENTIGO_CLINIC_REVOKED'));
  });
  it('that never enrolled is refused, though it proves its key', async () => {
    const stranger = await Member.stranger(await approved());
    members.push(stranger);
    expect(await stranger.join()).toMatchObject(error('LENTIGO_CLINIC_UNKNOWN'));
  });
  it('that waits for approval is shown as connected, takes no part, and is let in on the same connection', async () => {
    const member = await Member.enrolled(coordinator.admin, study);
    members.push(member);
    await member.open();
    const { answer, terms } = await member.hello();
    if (!answer.ok) throw new Error(answer.error.code);
    const signature = challengeSignature(terms(answer.value), member.identity.secretKey);
    const prove = () => member.ask('prove', { signature });
    expect(await prove()).toMatchObject(error('LENTIGO_CLINIC_NOT_APPROVED'));
    expect(await prove()).toMatchObject(error('LENTIGO_CLINIC_NOT_APPROVED'));
    expect(await isConnected(member)).toBe(true);
    expect(await member.ask('ticket', {})).toMatchObject(error('LENTIGO_CHALLENGE_FAILED'));
    await member.disconnected(); // for asking before it was let in
    expect(await isConnected(member)).toBe(false);

    await member.open();
    const again = await member.hello();
    if (!again.answer.ok) throw new Error(again.answer.error.code);
    const proof = {
      signature: challengeSignature(again.terms(again.answer.value), member.identity.secretKey),
    };
    expect(await member.ask('prove', proof)).toMatchObject(error('LENTIGO_CLINIC_NOT_APPROVED'));
    await coordinator.admin.decide(study, member.id, 'approve');
    expect(await member.ask('prove', proof)).toMatchObject({ ok: true });
    expect(member.connected).toBe(true);
  });

  const twice = async (member: Member) =>
    (await coordinator.admin.audit(study)).entries.filter(
      (e) => e.action === 'clinic-twice' && e.actor === member.id,
    );
  const displacedAt = async (member: Member) =>
    (await coordinator.admin.study(study)).clinics.find((c) => c.id === member.id)!.displacedAt;
  const twinOf = (member: Member, instance?: string) => {
    const twin = member.twin();
    members.push(twin);
    if (instance) twin.instance = instance;
    return twin;
  };

  it('that reconnects, as after a change of networks, takes the place of its first connection without a word', async () => {
    const member = await approved();
    expect(await member.join()).toMatchObject({ ok: true });
    await expect.poll(() => isConnected(member)).toBe(true);
    const again = twinOf(member, member.instance);
    expect(await again.join()).toMatchObject({ ok: true });
    await member.disconnected();
    expect(member.heard).toEqual([]);
    expect([await isConnected(member), await displacedAt(member)]).toEqual([true, null]);
  });

  it('that connects from a second machine sends the first away, by name on both sides', async () => {
    const member = await approved();
    expect(await member.join()).toMatchObject({ ok: true });
    await expect.poll(() => isConnected(member)).toBe(true);
    const dismissed = () =>
      member.until(() => member.heard.find(([event]) => event === 'dismissed')?.[1]);
    for (const turn of [1, 2]) {
      const other = twinOf(member);
      expect(await other.join()).toMatchObject({ ok: true });
      expect(await dismissed()).toEqual({ code: 'LENTIGO_CLINIC_ELSEWHERE' });
      member.close(); // as a clinic does
      await expect.poll(() => displacedAt(member)).toEqual(expect.any(Number));
      await expect.poll(() => twice(member)).toHaveLength(1); // the second time within the hour too
      expect(await isConnected(member)).toBe(true);
      if (turn === 1) {
        other.close();
        await expect.poll(() => isConnected(member)).toBe(false);
        member.heard.length = 0;
        expect(await member.join()).toMatchObject({ ok: true });
        await expect.poll(() => isConnected(member)).toBe(true);
      }
    }
    expect((await twice(member))[0]).toMatchObject({
      actor: member.id,
      detail: { clinic: member.id, name: 'Test clinic' },
    });
  });

  it('that was started again before its dead connection was noticed is no second machine', async () => {
    const member = await approved();
    expect(await member.join()).toMatchObject({ ok: true });
    await expect.poll(() => isConnected(member)).toBe(true);
    expect(await twinOf(member).join()).toMatchObject({ ok: true });
    await member.disconnected(); // it never answered
    expect([await isConnected(member), await displacedAt(member), await twice(member)]).toEqual([
      true,
      null,
      [],
    ]);
  });
});

describe('a message', () => {
  it('of another protocol version is answered with the versions of both sides', async () => {
    const member = await approved();
    await member.open();
    const answer = await member.ask('hello', { protocol: 7, study, something: 'new' });
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_PROTOCOL_VERSION', message: expect.stringMatching(`7.*${PROTOCOL}`) },
    });
  });
  it('for a study that is not here is refused', async () => {
    const member = await approved();
    await member.open();
    const hello = {
      protocol: PROTOCOL,
      study: '0198c0de-0000-7000-8000-000000000001',
      key: toBase64(member.identity.publicKey),
      nonce: createNonce(),
      instance: createNonce(),
    };
    expect(await member.ask('hello', hello)).toMatchObject(error('LENTIGO_STUDY_UNKNOWN'));
  });
  it.each(['ticket', 'submit', 'anything'])(
    '%s before the proof is refused, and ends the connection',
    async (event) => {
      const member = await approved();
      await member.open();
      expect(
        await member.ask(event, { round: 1, attempt: study, sha256: '0'.repeat(64), bytes: 10 }),
      ).toMatchObject(error('LENTIGO_CHALLENGE_FAILED'));
      await member.disconnected();
    },
  );
  it('prove before hello is refused', async () => {
    const member = await approved();
    await member.open();
    expect(await member.ask('prove', { signature: toBase64(new Uint8Array(64)) })).toMatchObject(
      error('LENTIGO_CHALLENGE_FAILED'),
    );
  });
  it('that is malformed is refused, each event by its own schema, and the connection stays', async () => {
    const member = await approved();
    await member.open();
    const good = {
      protocol: PROTOCOL,
      study,
      key: toBase64(member.identity.publicKey),
      nonce: createNonce(),
      instance: createNonce(),
    };
    for (const bad of [
      null,
      'hello',
      [],
      {},
      { ...good, key: 'short' },
      { ...good, nonce: undefined },
      { ...good, more: 1 },
    ]) {
      expect(await member.ask('hello', bad), JSON.stringify(bad)).toMatchObject(
        error('LENTIGO_MESSAGE_INVALID'),
      );
    }
    for (const bad of [null, {}, { signature: 'x' }, { signature: 7 }])
      expect(await member.ask('prove', bad)).toMatchObject(error('LENTIGO_MESSAGE_INVALID'));

    expect(await member.join()).toMatchObject({ ok: true });
    const ticket = { round: 1, attempt: study, sha256: '0'.repeat(64), bytes: 10 };
    for (const bad of [
      undefined,
      {},
      { ...ticket, bytes: -1 },
      { ...ticket, bytes: 1e12 },
      { ...ticket, sha256: '../../etc/passwd' },
      { ...ticket, attempt: '../x' },
      { ...ticket, round: 1.5 },
    ]) {
      expect(await member.ask('ticket', bad), JSON.stringify(bad)).toMatchObject(
        error('LENTIGO_MESSAGE_INVALID'),
      );
    }
    const { bytes: _, ...submission } = ticket;
    for (const bad of [
      {},
      { ...submission, sha256: submission.sha256.slice(1) },
      { ...submission, bytes: 3 },
    ])
      expect(await member.ask('submit', bad)).toMatchObject(error('LENTIGO_MESSAGE_INVALID'));
    member.tell('progress', { fraction: 'much' }); // nobody waits for an answer to this one
    member.tell('ticket', ticket); // nor to a request without an acknowledgement
    expect(await member.ask('anything', {})).toMatchObject(error('LENTIGO_MESSAGE_INVALID'));
    expect(member.connected).toBe(true);
    expect(await member.ask('ticket', ticket)).toMatchObject(error('LENTIGO_ROUND_UNKNOWN'));
  });
  it('far larger than any message of the protocol ends the connection', async () => {
    const member = await approved();
    expect(await member.join()).toMatchObject({ ok: true });
    member.tell('progress', { huge: 'x'.repeat(200_000) });
    await member.disconnected();
  });
});
