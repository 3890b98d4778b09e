// Enrolment over HTTP: an invitation works once, for one key, in one study, in time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNonce, enrolRequest } from '../../../common/crypto/enrolment.js';
import { createIdentity, type Identity } from '../../../common/crypto/identity.js';
import { type Invitation, parseInvitation } from '../../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import { routes } from '../../../common/protocol/routes.js';
import {
  createStudy,
  nano,
  runCoordinator,
  type TestCoordinator,
} from '../../support/coordinator.js';
import { httpAnswer, Member, postEnrolment } from '../../support/member.js';

let coordinator: TestCoordinator;
let study: string;
let other: string;
beforeAll(async () => {
  coordinator = await runCoordinator();
  study = await createStudy(coordinator.admin);
  other = await createStudy(coordinator.admin);
});
afterAll(() => coordinator.close());

const invite = async (of = study, hours = 1): Promise<Invitation> =>
  parseInvitation((await coordinator.admin.invite(of, 'A clinic', hours)).invitation);
const request = (invitation: Pick<Invitation, 'study' | 'secret'>, identity: Identity) =>
  enrolRequest({ study: invitation.study, secret: invitation.secret, name: 'A clinic' }, identity);
const enrol = (body: unknown) => postEnrolment(coordinator.url, body);
/** Who is enrolled, and how long the audit chain is: what a refusal must not change. */
const stateOf = async (id: string) => {
  const { clinics, auditHead } = await coordinator.admin.study(id);
  return { clinics: clinics.map((c) => `${c.id} ${c.state}`), auditHead };
};

/** Refused with this code, and nothing is written in either study. */
async function refused(code: string, status: number, body: unknown): Promise<void> {
  const before = [await stateOf(study), await stateOf(other)];
  const answer = await enrol(body);
  expect(answer).toMatchObject({
    status,
    code,
    body: { error: { message: expect.any(String), remedy: expect.stringMatching(/./) } },
  });
  expect([await stateOf(study), await stateOf(other)]).toEqual(before);
}

describe('an invitation', () => {
  it('enrols a clinic, which then waits for approval', async () => {
    const identity = createIdentity();
    const answer = await enrol(request(await invite(), identity));
    expect(answer).toMatchObject({
      status: 200,
      body: { study, studyName: 'Test study', labels: nano().labels, state: 'pending' },
    });
    const { clinic } = answer.body as { clinic: string };
    expect((await coordinator.admin.study(study)).clinics).toContainEqual(
      expect.objectContaining({ id: clinic, state: 'pending', connected: false }),
    );
  });
  it('that was used is refused to another key, and answers the same key again with its present state', async () => {
    const invitation = await invite();
    const identity = createIdentity();
    const first = await enrol(request(invitation, identity));
    await refused('LENTIGO_INVITATION_USED', 409, request(invitation, createIdentity()));
    const { auditHead } = await stateOf(study);
    expect(await enrol(request(invitation, identity))).toEqual(first);
    expect((await stateOf(study)).auditHead).toBe(auditHead);
    const { clinic } = first.body as { clinic: string };
    await coordinator.admin.decide(study, clinic, 'approve');
    expect(await enrol(request(invitation, identity))).toMatchObject({
      body: { state: 'approved' },
    });
    await coordinator.admin.decide(study, clinic, 'revoke');
    await refused('LENTIGO_CLINIC_REVOKED', 403, request(invitation, identity));
  });
  it('says to which study it is, until it is used, and to nobody who has another', async () => {
    const { study: of, secret } = await invite();
    const ask = async (body: unknown) =>
      httpAnswer(
        await fetch(coordinator.url + routes.invited.path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      );
    expect(await ask({ study: of, secret })).toMatchObject({
      status: 200,
      body: { studyName: 'Test study' },
    });
    expect((await ask({ study: of, secret: createNonce() })).code).toBe(
      'LENTIGO_INVITATION_INVALID',
    );
    expect((await ask({ study: other, secret })).code).toBe('LENTIGO_INVITATION_OTHER_STUDY');
    await enrol(request({ study: of, secret }, createIdentity()));
    expect((await ask({ study: of, secret })).code).toBe('LENTIGO_INVITATION_USED');
    const expired = await invite(study, 1e-7);
    expect((await ask({ study, secret: expired.secret })).code).toBe('LENTIGO_INVITATION_EXPIRED');
  });
  it('used by two keys at the same moment enrols one of them', async () => {
    const invitation = await invite();
    const codes = await Promise.all(
      [createIdentity(), createIdentity()].map(
        async (identity) => (await enrol(request(invitation, identity))).code ?? 'enrolled',
      ),
    );
    expect(codes.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'enrolled',
      'LENTIGO_INVITATION_USED',
    ]);
  });
  it('that expired is refused', async () => {
    const invitation = await invite(study, 1e-7);
    await refused('LENTIGO_INVITATION_EXPIRED', 410, request(invitation, createIdentity()));
  });
  it('of another study is refused', async () => {
    const invitation = await invite(other);
    await refused(
      'LENTIGO_INVITATION_OTHER_STUDY',
      409,
      request({ study, secret: invitation.secret }, createIdentity()),
    );
  });
  it('that nobody gave out is refused', async () => {
    const { secret } = await invite();
    const forged = (secret.startsWith('A') ? 'B' : 'A') + secret.slice(1);
    await refused(
      'LENTIGO_INVITATION_INVALID',
      400,
      request({ study, secret: forged }, createIdentity()),
    );
  });
  it('to a study that is not here is refused', async () => {
    await refused(
      'LENTIGO_STUDY_UNKNOWN',
      404,
      request(
        { ...(await invite()), study: '0198c0de-0000-7000-8000-000000000001' },
        createIdentity(),
      ),
    );
  });
  it('that lost or changed a character is refused before anything is sent', async () => {
    const { invitation } = await coordinator.admin.invite(study, 'A clinic', 1);
    for (const damaged of [
      invitation.slice(0, -7),
      invitation.slice(1),
      `${invitation.slice(0, 40)}!${invitation.slice(41)}`,
      '',
      'lentigo-invite-',
    ]) {
      expect(() => parseInvitation(damaged), damaged).toThrow(
        expect.objectContaining({ code: 'LENTIGO_INVITATION_INVALID' }),
      );
    }
  });
});

describe('an enrolment request', () => {
  it('signed by another key than it names is refused', async () => {
    const invitation = await invite();
    const named = request(invitation, createIdentity());
    await refused('LENTIGO_CHALLENGE_FAILED', 401, {
      ...named,
      signature: request(invitation, createIdentity()).signature,
    });
    expect(await enrol(named)).toMatchObject({ status: 200 }); // the invitation isn't used up
  });
  it('of another protocol version is refused, whatever else it holds', async () => {
    await refused('LENTIGO_PROTOCOL_VERSION', 426, {
      ...request(await invite(), createIdentity()),
      protocol: PROTOCOL + 1,
      new: true,
    });
    await refused('LENTIGO_PROTOCOL_VERSION', 426, { protocol: 0 });
  });
  it('with a field that is missing, wrong or unknown is refused', async () => {
    const good = request(await invite(), createIdentity());
    for (const bad of [
      {},
      [],
      { ...good, key: undefined },
      { ...good, key: 'AAAA' },
      { ...good, name: '' },
      { ...good, name: 'a\u0007b' },
      { ...good, extra: 1 },
      { ...good, study: 7 },
    ]) {
      await refused('LENTIGO_MESSAGE_INVALID', 400, bad);
    }
  });
  it('that is no JSON, or far too long, is refused', async () => {
    const raw = async (body: string) => {
      const response = await fetch(`${coordinator.url}/api/enrol`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      return [
        response.status < 500,
        ((await response.json()) as { error: { code: string } }).error.code,
      ];
    };
    expect(await raw('{"protocol":')).toEqual([true, 'LENTIGO_MESSAGE_INVALID']);
    expect(await raw(`{"x":"${'x'.repeat(1_000_000)}"}`)).toEqual([
      true,
      'LENTIGO_MESSAGE_INVALID',
    ]);
  });
  it('of a key that the study knows keeps its state', async () => {
    const member = await Member.approved(coordinator.admin, study);
    expect(await enrol(request(await invite(), member.identity))).toMatchObject({
      status: 200,
      body: { clinic: member.id, state: 'approved' },
    });
  });
});
