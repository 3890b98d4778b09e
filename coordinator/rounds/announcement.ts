// What clinics are told of a round: its terms, signed once, and with each sending the time left.
import { signMessage } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { sha256Of } from '../../common/files/sha256.node.js';
import { strategyOf } from '../../common/federation/strategies/index.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { Announcement, RoundOver, Signed, StudyNotice } from '../../common/protocol/round.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import type { NewStudy } from './records.js';
import {
  openedOf,
  type OpenRound,
  type PlannedRound,
  type RoundState,
  type StudyState,
} from './state.js';

/** The terms under which a planned round opens, signed by the study's key. */
export function signTerms(
  { state, architecture, labels }: Pick<NewStudy, 'state' | 'architecture' | 'labels'>,
  { number, attempt, from }: PlannedRound,
  { cohort, roundKey }: { readonly cohort: readonly string[]; readonly roundKey: string },
  secretKey: Uint8Array,
): Signed {
  const { id, config, start } = state;
  const terms: RoundTerms = {
    protocol: PROTOCOL,
    study: id,
    round: number,
    attempt,
    roundKey,
    architecture,
    labels,
    start,
    base: from.parameters,
    training: config.training,
    updates: config.updates,
    clientPart: strategyOf(config.strategy).client ? config.strategy : null,
    seed: config.seed,
    cohort: [...cohort],
  };
  return signMessage(TAGS.terms, terms, secretKey);
}

const hashes = new WeakMap<Signed, string>();

/** SHA-256 of the terms' text, which names them; computed once for all clinics. */
export function termsHash(terms: Signed): string {
  const hash = hashes.get(terms) ?? sha256Of(terms.body);
  hashes.set(terms, hash);
  return hash;
}

/** The round's terms with the time that is left now. */
export function announce(
  { terms }: OpenRound,
  remainingMs: number,
  secretKey: Uint8Array,
): Announcement {
  const delivery = { terms: termsHash(terms), remainingMs };
  return { terms, delivery: signMessage(TAGS.delivery, delivery, secretKey) };
}

/** What a study's clinics hear of its state. */
export function noticeOf({ id, config, status, completed }: StudyState): StudyNotice {
  return { study: id, name: config.name, status, round: completed, rounds: config.rounds };
}

/** What the cohort hears of a round that ended; null of one that goes on, or that nobody was in. */
export function roundOverOf(round: RoundState): RoundOver | null {
  if ((round.phase !== 'closed' && round.phase !== 'failed') || !openedOf(round)) return null;
  const outcome = round.phase === 'closed' ? 'aggregated' : 'failed';
  return { round: round.number, attempt: round.attempt, outcome };
}
