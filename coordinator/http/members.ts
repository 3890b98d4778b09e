// Which clinics belong to a study: invitations, approvals and revocations.
import { createNonce, hashSecret } from '../../common/crypto/enrolment.js';
import { formatInvitation } from '../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { Studies } from '../rounds/studies.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import type { Handlers } from './serve.js';

interface Parts {
  readonly store: Store;
  readonly studies: Studies;
  /** The address that clinics reach; known only once the server listens. */
  readonly publicUrl: () => string;
  readonly now: Clock;
}

export const memberHandlers = ({
  store,
  studies,
  publicUrl,
  now,
}: Parts): Handlers<'invite' | 'approve' | 'revoke'> => ({
  async invite({ params: { id }, body: { clinic, hours } }) {
    const { publicKey } = await store.study(id);
    const secret = createNonce();
    const expiresAt = now() + hours * 3_600_000;
    await store.invite(
      id,
      { clinicName: clinic, secretHash: await hashSecret(secret), expiresAt },
      'admin',
    );
    const expires = new Date(expiresAt).toISOString();
    const invitation = formatInvitation({
      protocol: PROTOCOL,
      url: publicUrl(),
      study: id,
      key: publicKey,
      secret,
      expires,
      clinic,
    });
    return { invitation, clinic, expires };
  },

  approve: ({ params: { id, clinic } }) => store.setClinicState(id, clinic, 'approved', 'admin'),

  revoke: ({ params: { id, clinic } }) => studies.runner(id).revoke(clinic),
});
