// Enrolment: makes a clinic's key known to the study that invited it, and defines what the clinic
// keeps of the invitation.
import { z } from 'zod';
import { enrolRequest } from '../../common/crypto/enrolment.js';
import { clinicIdOf, type Identity } from '../../common/crypto/identity.js';
import { LentigoError } from '../../common/errors.js';
import { networkError, strangeAnswer } from '../../common/network/failure.js';
import { LabelSet } from '../../common/model/labels.js';
import { errorInBody } from '../../common/protocol/error-body.js';
import type { EnrolAnswer, Invitation } from '../../common/protocol/enrolment.js';
import { parseMessage } from '../../common/protocol/parse.js';
import { ClinicId, ClinicName, Id, PublicKey } from '../../common/protocol/primitives.js';
import { requestOf, routes } from '../../common/protocol/routes.js';
import { endpoint } from './network.js';

/**
 * The invitation without its secret, and the clinic's identity in the study. `key` is the study's
 * pinned Ed25519 key.
 */
export const Enrolment = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(500),
  study: Id,
  studyName: z.string().max(120),
  labels: LabelSet,
  key: PublicKey,
  clinic: ClinicId,
  name: ClinicName,
});
export type Enrolment = z.infer<typeof Enrolment>;

const TIMEOUT_MS = 30_000;

/**
 * Uses up the invitation. Safe to repeat with the same identity; store the identity before calling.
 * @throws LENTIGO_UNREACHABLE, LENTIGO_TLS, LENTIGO_INVITATION_USED, LENTIGO_INVITATION_EXPIRED,
 *   LENTIGO_MESSAGE_INVALID
 */
export async function enrol(
  invitation: Invitation,
  identity: Identity,
  name: string,
): Promise<{ enrolment: Enrolment; state: EnrolAnswer['state'] }> {
  const { url, study, key, secret } = invitation;
  let status: number;
  let text: string;
  try {
    const body = enrolRequest({ study, secret, name }, identity);
    const { path, init } = requestOf(routes.enrol, { body });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(endpoint(url, path), { ...init, signal });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw networkError(url, cause);
  }
  if (status !== 200) {
    throw errorInBody(text) ?? strangeAnswer(url, 'the enrolment', status, text);
  }
  if (parseJson(text) === undefined) throw strangeAnswer(url, 'the enrolment', status, text);
  const answer = parseMessage(
    routes.enrol.response,
    parseJson(text),
    `The answer of ${url} to the enrolment`,
  );
  const clinic = await clinicIdOf(identity.publicKey);
  if (answer.clinic !== clinic || answer.study !== study) {
    throw new LentigoError(
      'LENTIGO_MESSAGE_INVALID',
      `${url} enrolled another clinic or study than was asked.`,
    );
  }
  return {
    enrolment: {
      url,
      study,
      studyName: answer.studyName,
      labels: answer.labels,
      key,
      clinic,
      name,
    },
    state: answer.state,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
