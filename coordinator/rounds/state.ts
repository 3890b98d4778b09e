// The state of a study and of its round in flight: what the machine computes on and the database
// keeps.
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { Declined, Signed, StudyStatus } from '../../common/protocol/round.js';
import type { StudyConfig } from '../../common/protocol/study.js';

export interface AcceptedUpdate {
  readonly clinic: string;
  /** SHA-256 of the sealed bytes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly samples: number;
  /** L2 norm of the decoded delta. */
  readonly norm: number;
}

/** What a round starts from or ends in: the trainable parameters, and what belongs to them. */
export interface Checkpoint {
  readonly parameters: BlobRef;
  /** What the strategy remembers beside them; null where it remembers nothing. */
  readonly strategyState: BlobRef | null;
}

/** One try at a round; where it fails, the round is tried again under another id. */
interface Attempt {
  /** 0 evaluates the starting model; training rounds count from 1. */
  readonly number: number;
  /** UUIDv7. */
  readonly attempt: string;
  readonly from: Checkpoint;
}

/** What is fixed when a round opens, and the updates and refusals to deliver that came since. */
export interface Opened {
  /** The clinics invited to it, in clinic-id order. */
  readonly cohort: readonly string[];
  /**
   * X25519 public key, base64; its private half is in the key folder, never in the database.
   */
  readonly roundKey: string;
  /** The RoundTerms, as signed for all clinics. */
  readonly terms: Signed;
  /** Updates that it needs; a later change of the study doesn't touch it. */
  readonly quorum: number;
  /** Milliseconds since the epoch, UTC. */
  readonly openedAt: number;
  readonly deadlineAt: number;
  /** In clinic-id order. */
  readonly updates: readonly AcceptedUpdate[];
  /** Of the clinics without an update, those that said why they can't deliver; in clinic-id order. */
  readonly declines: readonly Declined[];
}

/** Waits until enough clinics are connected. */
export type PlannedRound = Attempt & { readonly phase: 'planned' };
/** Clinics train and upload. */
export type OpenRound = Attempt & Opened & { readonly phase: 'open' };
export type AggregatingRound = Attempt & Opened & { readonly phase: 'aggregating' };
/** `opened` is null for round 0, which nobody trains. */
export type EvaluatingRound = Attempt & {
  readonly phase: 'evaluating';
  readonly opened: Opened | null;
  readonly result: Checkpoint;
};
export type ClosedRound = Omit<EvaluatingRound, 'phase'> & {
  readonly phase: 'closed';
  readonly closedAt: number;
};
/** The quorum was missed, or the study stopped; `opened` is null where that was before it opened. */
export type FailedRound = Attempt & {
  readonly phase: 'failed';
  readonly opened: Opened | null;
  readonly reason: string;
  readonly closedAt: number;
};

/** planned → open → aggregating → evaluating → closed, or failed. */
export type RoundState =
  | PlannedRound
  | OpenRound
  | AggregatingRound
  | EvaluatingRound
  | ClosedRound
  | FailedRound;
export type Phase = RoundState['phase'];

/** What a round has of being opened, in whatever phase; null where it never was. */
export function openedOf(round: RoundState): Opened | null {
  if (round.phase === 'planned') return null;
  return round.phase === 'open' || round.phase === 'aggregating' ? round : round.opened;
}

export interface StudyState {
  readonly id: string;
  /** Counts the steps that are stored; a step computed from another version is refused. */
  readonly version: number;
  readonly config: StudyConfig;
  readonly status: StudyStatus;
  /** Why the study is paused, stopped or completed, for people. */
  readonly reason: string | null;
  /** The starting model, whole; the frozen parameters of every round come from it. */
  readonly start: BlobRef;
  /** What the next round starts from. */
  readonly next: Checkpoint;
  /** Training rounds closed so far. */
  readonly completed: number;
  /** The round whose validation score is best, and what it ended in. */
  readonly best: {
    readonly round: number;
    readonly score: number;
    readonly result: Checkpoint;
  } | null;
  /** Rounds in a row without a better validation score. */
  readonly sinceBest: number;
  /** Attempts in a row that missed their quorum. */
  readonly misses: number;
  /** The round in flight, or the last one that ended; null before the study starts. */
  readonly round: RoundState | null;
}
