// Invitation and enrolment: how a study learns a clinic's key.
import nacl from 'tweetnacl';
import { z } from 'zod';
import { fromBase64, toBase64 } from '../crypto/base64.js';
import { concat, fromHex, toHex, uint32, utf8 } from '../crypto/bytes.js';
import { LentigoError } from '../errors.js';
import { LabelSet } from '../model/labels.js';
import { checkProtocol } from './parse.js';
import { ClinicId, ClinicName, Id, Nonce, PublicKey, Signature } from './primitives.js';

/**
 * The content of an invitation: the coordinator's address, the study, its pinned Ed25519 key, a
 * one-time secret, until when it is good, and what the coordinator calls the clinic.
 */
export const Invitation = z.strictObject({
  protocol: z.int().min(0).max(255),
  url: z.url({ protocol: /^https?$/ }).max(500),
  study: Id,
  key: PublicKey,
  secret: Nonce,
  /** Whole seconds. */
  expires: z.iso.datetime(),
  clinic: ClinicName,
});
export type Invitation = z.infer<typeof Invitation>;

const PREFIX = 'lentigo-invite-';
/** No invitation is longer: the longest address and name. */
const LONGEST = 3000;
const HTTPS = 'https://';
/** Bytes of the SHA-512 at the end, by which a damaged word is told. */
const CHECK = 3;
/** The last second that four bytes can say, in 2106. */
const LATEST = 0xffffffff;
/** Where the fields of fixed size lie: protocol, study, key, secret, time; then the texts. */
const [STUDY, KEY, SECRET, TIME, TEXTS] = [1, 17, 49, 81, 85] as const;

/**
 * An invitation as one word that can be sent by mail, put in a link, and read from a QR code, which
 * is the easier the shorter the word is: its bytes in base64url. Times are in seconds, and an
 * address is of HTTPS unless it says otherwise.
 */
export function formatInvitation(invitation: Invitation): string {
  const { protocol, url, study, key, secret, expires, clinic } = invitation;
  const content = concat(
    Uint8Array.of(protocol),
    fromHex(study.replaceAll('-', '')),
    fromBase64(key),
    fromBase64(secret),
    uint32(Math.min(LATEST, Math.floor(Date.parse(expires) / 1000))),
    utf8(`${clinic}\0${url.startsWith(HTTPS) ? url.slice(HTTPS.length) : url}`),
  );
  return (
    PREFIX +
    toBase64(concat(content, nacl.hash(content).subarray(0, CHECK)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  );
}

/**
 * Parses an invitation.
 * @throws LENTIGO_INVITATION_INVALID when it is truncated or altered; LENTIGO_PROTOCOL_VERSION when
 *   it is of another protocol version
 */
export function parseInvitation(text: string): Invitation {
  const bytes = bytesOf(text.trim());
  const content = bytes.subarray(0, -CHECK);
  if (
    content.length < TEXTS ||
    toHex(nacl.hash(content).subarray(0, CHECK)) !== toHex(bytes.subarray(-CHECK))
  )
    throw notWhole();
  // A damaged word says nothing of its protocol.
  checkProtocol({ protocol: content[0] }, 'The invitation');
  const [clinic, address = ''] = new TextDecoder().decode(content.subarray(TEXTS)).split('\0');
  const parsed = Invitation.safeParse({
    protocol: content[0],
    url: address.includes('://') ? address : HTTPS + address,
    study: toHex(content.subarray(STUDY, KEY)).replace(
      /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
      '$1-$2-$3-$4-$5',
    ),
    key: toBase64(content.subarray(KEY, SECRET)),
    secret: toBase64(content.subarray(SECRET, TIME)),
    expires: new Date(
      1000 * new DataView(content.buffer, content.byteOffset).getUint32(TIME, true),
    ).toISOString(),
    clinic,
  });
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_INVITATION_INVALID',
      `The invitation is damaged: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

const notWhole = (cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_INVITATION_INVALID', 'This is not a whole invitation.', { cause });

/** The bytes that a word stands for. @throws LENTIGO_INVITATION_INVALID */
function bytesOf(word: string): Uint8Array {
  if (!word.startsWith(PREFIX) || word.length === PREFIX.length || word.length > LONGEST)
    throw notWhole();
  const digits = word.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  try {
    return fromBase64(digits.padEnd(4 * Math.ceil(digits.length / 4), '='));
  } catch (cause) {
    throw notWhole(cause);
  }
}

/** Whoever holds an invitation asks what it is to, before anything is made or given away. */
export const InvitedRequest = z.strictObject({ study: Id, secret: Nonce });
export const Invited = z.strictObject({ studyName: z.string().max(120) });

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
