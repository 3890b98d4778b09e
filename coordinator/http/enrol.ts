// Enrolment: a clinic makes its key known to a study, once, with an invitation.
import type { Logger } from 'pino';
import { fromBase64 } from '../../common/crypto/base64.js';
import { hashSecret, verifyEnrolRequest } from '../../common/crypto/enrolment.js';
import { clinicIdOf } from '../../common/crypto/identity.js';
import { LentigoError } from '../../common/errors.js';
import type { Store } from '../storage/store.js';
import type { Handlers } from './serve.js';

export const enrolHandlers = (store: Store, log: Logger): Handlers<'enrol' | 'invited'> => ({
  async invited({ body: { study, secret } }) {
    await store.requireInvitation(study, await hashSecret(secret));
    const { state } = await store.study(study);
    return { studyName: state.config.name };
  },

  async enrol({ body: asked }) {
    verifyEnrolRequest(asked);
    const clinicId = await clinicIdOf(fromBase64(asked.key));
    const clinic = await store.enrol(asked.study, {
      secretHash: await hashSecret(asked.secret),
      clinicId,
      key: asked.key,
      name: asked.name,
    });
    if (clinic.state === 'revoked')
      throw new LentigoError(
        'LENTIGO_CLINIC_REVOKED',
        `Clinic ${clinic.name} (${clinic.id}) was withdrawn from this study.`,
      );
    const { state, labels } = await store.study(asked.study);
    log.info(
      { study: asked.study, clinic: clinic.id, name: clinic.name },
      `${clinic.name} enrolled`,
    );
    return {
      clinic: clinic.id,
      study: asked.study,
      studyName: state.config.name,
      labels,
      state: clinic.state,
    };
  },
});
