// The updates that a clinic sent, according to its receipts.
import { fromBase64 } from '../../common/crypto/base64.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { LentigoError } from '../../common/errors.js';
import { Receipt } from '../../common/protocol/round.js';
import type { Enrolment } from './enrolment.js';
import { Journal } from './journal.js';
import type { Store } from './store.js';

export interface SentUpdate {
  readonly round: number;
  readonly attempt: string;
  readonly samples: number;
  /** Number of photographs that could not be read. */
  readonly leftOut: number;
  readonly bytes: number;
  /** L2 norm of the delta. */
  readonly norm: number;
  readonly loss: number;
  /** SHA-256 of the sealed bytes. */
  readonly sha256: string;
  /** Head of the coordinator's audit chain when it accepted the update. */
  readonly audit: string;
}

/**
 * All updates sent, by round.
 * @throws LENTIGO_HOME_INVALID when an entry is damaged or a receipt is invalid
 */
export async function sentUpdates(store: Store, { key }: Enrolment): Promise<SentUpdate[]> {
  const sent: SentUpdate[] = [];
  for (const { round, attempt, sealed, receipt } of await new Journal(store).entries()) {
    if (!sealed || !receipt) continue;
    try {
      const { audit } = openSigned(TAGS.receipt, Receipt, receipt, fromBase64(key));
      sent.push({ round, attempt, ...sealed, audit });
    } catch (cause) {
      throw new LentigoError('LENTIGO_HOME_INVALID', `The receipt of round ${round} is damaged.`, {
        cause,
      });
    }
  }
  return sent;
}
