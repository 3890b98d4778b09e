import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../../common/crypto/base64.js';
import {
  challengeSignature,
  verifyChallenge,
  type ChallengeTerms,
} from '../../../common/crypto/challenge.js';
import {
  createNonce,
  enrolRequest,
  equalSecrets,
  hashSecret,
  verifyEnrolRequest,
} from '../../../common/crypto/enrolment.js';
import { createIdentity } from '../../../common/crypto/identity.js';
import { EnrolRequest } from '../../../common/protocol/enrolment.js';

const study = '0198c0de-0000-7000-8000-000000000001';
const coordinator = createIdentity();
const clinic = createIdentity();
const terms = (role: ChallengeTerms['role']): ChallengeTerms => ({
  role,
  study,
  coordinatorKey: toBase64(coordinator.publicKey),
  clinicKey: toBase64(clinic.publicKey),
  coordinatorNonce: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  clinicNonce: 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=',
});
const refused = expect.objectContaining({ code: 'LENTIGO_CHALLENGE_FAILED' });

describe('the mutual challenge', () => {
  it('proves each side to the other', () => {
    expect(() =>
      verifyChallenge(
        terms('coordinator'),
        challengeSignature(terms('coordinator'), coordinator.secretKey),
      ),
    ).not.toThrow();
    expect(() =>
      verifyChallenge(terms('clinic'), challengeSignature(terms('clinic'), clinic.secretKey)),
    ).not.toThrow();
  });

  it('refuses a signature by another key', () => {
    const impostor = createIdentity();
    expect(() =>
      verifyChallenge(terms('clinic'), challengeSignature(terms('clinic'), impostor.secretKey)),
    ).toThrow(refused);
  });

  it("refuses one side's proof as the other's, even if both have the same key", () => {
    const same = { coordinatorKey: toBase64(clinic.publicKey) };
    const reflected = challengeSignature({ ...terms('clinic'), ...same }, clinic.secretKey);
    expect(() => verifyChallenge({ ...terms('coordinator'), ...same }, reflected)).toThrow(refused);
  });

  it('refuses a proof for other terms: study, nonces, keys, or the two nonces exchanged', () => {
    const good = terms('clinic');
    const others: Partial<ChallengeTerms>[] = [
      { study: '0198c0de-0000-7000-8000-000000000002' },
      { coordinatorNonce: createNonce() },
      { clinicNonce: createNonce() },
      { coordinatorKey: toBase64(createIdentity().publicKey) },
      { coordinatorNonce: good.clinicNonce, clinicNonce: good.coordinatorNonce },
    ];
    for (const other of others) {
      const signature = challengeSignature({ ...good, ...other }, clinic.secretKey);
      expect(() => verifyChallenge(good, signature)).toThrow(refused);
    }
  });
});

describe('enrolment', () => {
  const secret = createNonce();
  const request = enrolRequest({ study, secret, name: 'Vitória' }, clinic);

  it('is signed with the key it brings', () => {
    expect(EnrolRequest.parse(request)).toEqual(request);
    expect(() => verifyEnrolRequest(request)).not.toThrow();
  });

  it('is refused with another key, study or secret than was signed', () => {
    const others = [
      { key: toBase64(coordinator.publicKey) },
      { study: '0198c0de-0000-7000-8000-000000000002' },
      { secret: createNonce() },
    ];
    for (const other of others)
      expect(() => verifyEnrolRequest({ ...request, ...other })).toThrow(refused);
  });

  it('recognises a secret by its hash alone', async () => {
    expect(equalSecrets(await hashSecret(secret), await hashSecret(secret))).toBe(true);
    expect(equalSecrets(await hashSecret(secret), await hashSecret(createNonce()))).toBe(false);
    expect(equalSecrets('', '')).toBe(false);
  });
});
