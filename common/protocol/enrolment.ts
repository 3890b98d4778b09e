// Invitation and enrolment: how a study learns a clinic's key.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { LabelSet } from '../model/labels.js';
import { checkProtocol } from './parse.js';
import { ClinicId, ClinicName, Id, Nonce, PublicKey, Signature } from './primitives.js';

/**
 * The content of an invitation: the coordinator's address, the study, its pinned Ed25519 key, and a
 * one-time secret.
 */
export const Invitation = z.strictObject({
  protocol: z.int(),
  url: z.url({ protocol: /^https?$/ }).max(500),
  study: Id,
  key: PublicKey,
  secret: Nonce,
  expires: z.iso.datetime(),
});
export type Invitation = z.infer<typeof Invitation>;

const PREFIX = 'lentigo-invite-';

/** An invitation as one word that can be sent by mail or put in a link. */
export function formatInvitation(invitation: Invitation): string {
  return (
    PREFIX +
    btoa(JSON.stringify(invitation)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  );
}

/**
 * Parses an invitation.
 * @throws LENTIGO_INVITATION_INVALID when it is truncated or altered; LENTIGO_PROTOCOL_VERSION when
 *   it is of another protocol version
 */
export function parseInvitation(text: string): Invitation {
  const word = text.trim();
  let value: unknown;
  try {
    if (!word.startsWith(PREFIX)) throw new Error(`it does not start with ${PREFIX}`);
    value = JSON.parse(atob(word.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/')));
  } catch (cause) {
    throw new LentigoError('LENTIGO_INVITATION_INVALID', 'This is not a whole invitation.', {
      cause,
    });
  }
  checkProtocol(value, 'The invitation');
  const parsed = Invitation.safeParse(value);
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_INVITATION_INVALID',
      `The invitation is damaged: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

/**
 * clinic → coordinator. The clinic's signature covers tag ‖ protocol ‖ study ‖ key ‖ secret ‖ name
 * (common/crypto/enrolment.ts).
 */
export const EnrolRequest = z.strictObject({
  protocol: z.int(),
  study: Id,
  secret: Nonce,
  key: PublicKey,
  name: ClinicName,
  signature: Signature,
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/**
 * `labels`: the diagnoses that the study's model distinguishes, so that a clinic checks its data
 * before it takes part.
 */
export const EnrolAnswer = z.strictObject({
  clinic: ClinicId,
  study: Id,
  studyName: z.string().max(120),
  labels: LabelSet,
  state: z.enum(['pending', 'approved']),
});
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;
