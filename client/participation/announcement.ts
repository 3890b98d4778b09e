// An announced round as a clinic reads it: the terms, which are the same for all clinics, and what
// was added for this clinic at this moment.
import { fromBase64 } from '../../common/crypto/base64.js';
import { sha256Hex, utf8 } from '../../common/crypto/bytes.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { LentigoError } from '../../common/errors.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { type Announcement, Delivery } from '../../common/protocol/round.js';
import { RoundTerms } from '../../common/protocol/terms.js';
import type { Enrolment } from './enrolment.js';

export interface AnnouncedRound {
  readonly terms: RoundTerms;
  /** Milliseconds until the deadline, at the time of sending. */
  readonly remainingMs: number;
}

/**
 * Reads an announcement once both signatures are verified.
 * @throws LENTIGO_CHALLENGE_FAILED when it isn't signed with the study's key, or refers to other
 *   terms; LENTIGO_UPDATE_OTHER_ROUND when it is for another study or protocol;
 *   LENTIGO_MESSAGE_INVALID
 */
export async function openAnnouncement(
  { terms: signed, delivery }: Announcement,
  enrolment: Pick<Enrolment, 'key' | 'study'>,
): Promise<AnnouncedRound> {
  const key = fromBase64(enrolment.key);
  const terms = openSigned(TAGS.terms, RoundTerms, signed, key);
  const { terms: hash, remainingMs } = openSigned(TAGS.delivery, Delivery, delivery, key);
  if (hash !== (await sha256Hex(utf8(signed.body))))
    throw new LentigoError(
      'LENTIGO_CHALLENGE_FAILED',
      `Round ${terms.round} came with a delivery for other terms.`,
    );
  if (terms.study !== enrolment.study || terms.protocol !== PROTOCOL)
    throw new LentigoError(
      'LENTIGO_UPDATE_OTHER_ROUND',
      `An announcement of study ${terms.study}, protocol ${terms.protocol}, came; this clinic is in study ${enrolment.study}.`,
    );
  return { terms, remainingMs };
}
