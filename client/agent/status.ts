// What a home knows of itself, without asking anyone: who it is, and what it sent in which round, by its receipts.
import { fromBase64 } from '../../common/crypto/base64.js';
import { fingerprint } from '../../common/crypto/identity.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { LentigoError } from '../../common/errors.js';
import { Receipt } from '../../common/protocol/round.js';
import { Journal } from '../participation/journal.js';
import { openHome } from './home.js';

export interface RoundTaken {
  readonly round: number;
  readonly attempt: string;
  readonly samples: number;
  readonly bytes: number;
  /** L2 norm of the delta. */
  readonly norm: number;
  readonly loss: number;
  /** SHA-256 of the sealed bytes. */
  readonly sha256: string;
  /** Head of the coordinator's audit chain when it took the update. */
  readonly audit: string;
}

export interface HomeStatus {
  readonly home: string;
  readonly coordinator: string;
  readonly study: string;
  readonly studyName: string;
  readonly clinic: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly rounds: readonly RoundTaken[];
}

/** @throws LENTIGO_HOME_INVALID when something in the home is missing or damaged, or a receipt doesn't hold. */
export async function statusOf(folder: string): Promise<HomeStatus> {
  const { enrolment, store } = await openHome(folder);
  const rounds: RoundTaken[] = [];
  for (const { round, attempt, sealed, receipt } of await new Journal(store).entries()) {
    if (!sealed || !receipt) continue;
    try {
      const { audit } = openSigned(TAGS.receipt, Receipt, receipt, fromBase64(enrolment.key));
      rounds.push({ round, attempt, ...sealed, audit });
    } catch (cause) {
      throw new LentigoError('LENTIGO_HOME_INVALID', `The receipt of round ${round} in ${folder} is damaged.`, { cause });
    }
  }
  const { url, study, studyName, clinic, name } = enrolment;
  return { home: folder, coordinator: url, study, studyName, clinic, fingerprint: fingerprint(clinic), name, rounds };
}
