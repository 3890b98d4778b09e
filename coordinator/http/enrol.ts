// POST /api/enrol: a clinic makes its key known to a study, once, with an invitation.
import { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { fromBase64 } from '../../common/crypto/base64.js';
import { hashSecret, verifyEnrolRequest } from '../../common/crypto/enrolment.js';
import { clinicIdOf } from '../../common/crypto/identity.js';
import { LentigoError } from '../../common/errors.js';
import { type EnrolAnswer, EnrolRequest } from '../../common/protocol/enrolment.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { Store } from '../storage/store.js';
import { bodyOf } from './errors.js';

export function enrolRoutes(store: Store, log: Logger): Router {
  const router = Router();
  router.post('/', async (request, response) => {
    const version = z.object({ protocol: z.int() }).safeParse(request.body);
    if (version.success && version.data.protocol !== PROTOCOL) {
      throw new LentigoError(
        'LENTIGO_PROTOCOL_VERSION',
        `The clinic speaks protocol ${version.data.protocol}, this coordinator ${PROTOCOL}.`,
      );
    }
    const asked = bodyOf(EnrolRequest, request);
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
    const answer: EnrolAnswer = {
      clinic: clinic.id,
      study: asked.study,
      studyName: state.config.name,
      labels,
      state: clinic.state,
    };
    response.json(answer);
  });
  return router;
}
