// The status of a home, read offline: which clinic it is, and what it sent in which round.
import { fingerprint } from '../../common/crypto/identity.js';
import { type SentUpdate, sentUpdates } from '../participation/sent.js';
import { openHome } from './home.js';
import { type Photographs, photographsOf } from './photographs.js';

export interface HomeStatus {
  readonly home: string;
  readonly coordinator: string;
  readonly study: string;
  readonly studyName: string;
  readonly clinic: string;
  readonly fingerprint: string;
  readonly name: string;
  /** Of the last start of the agent. */
  readonly photographs?: Photographs | undefined;
  readonly rounds: readonly SentUpdate[];
}

/**
 * Reads the status.
 * @throws LENTIGO_HOME_INVALID when something in the home is missing or damaged, or a receipt is
 *   invalid
 */
export async function statusOf(folder: string): Promise<HomeStatus> {
  const { enrolment, store } = await openHome(folder);
  const { url, study, studyName, clinic, name } = enrolment;
  return {
    home: folder,
    coordinator: url,
    study,
    studyName,
    clinic,
    fingerprint: fingerprint(clinic),
    name,
    photographs: await photographsOf(store),
    rounds: await sentUpdates(store, enrolment),
  };
}
