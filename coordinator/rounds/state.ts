// The state of a study and of its round in flight: what the machine computes on and the database
// keeps.
import type { StudyStatus } from '../../common/protocol/round.js';
import type { StudyConfig } from '../../common/protocol/study.js';

/** A blob by its content: SHA-256 (hexadecimal) and length in bytes. */
export interface BlobRef {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * planned (waits for enough clinics) → open (clinics train and upload) → aggregating → evaluating →
 * closed;
 * failed when the quorum was missed or the study stopped.
 */
export type Phase = 'planned' | 'open' | 'aggregating' | 'evaluating' | 'closed' | 'failed';

export interface AcceptedUpdate {
  readonly clinic: string;
  /** SHA-256 of the sealed bytes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly samples: number;
  /** L2 norm of the decoded delta. */
  readonly norm: number;
}

export interface RoundState {
  /** 0 evaluates the starting model; training rounds count from 1. */
  readonly number: number;
  /** UUIDv7; a round that fails is tried again under another. */
  readonly attempt: string;
  readonly phase: Phase;
  /** The trainable parameters that this round starts from. */
  readonly base: BlobRef;
  /** Set when the round opens: the clinics invited to it, in clinic-id order. */
  readonly cohort: readonly string[];
  /**
   * X25519 public key, base64; its private half is in the key folder, never in the database. Empty
   * until the round opens.
   */
  readonly roundKey: string;
  /** Milliseconds since the epoch, UTC; null while the phase hasn't begun. */
  readonly openedAt: number | null;
  readonly deadlineAt: number | null;
  readonly closedAt: number | null;
  /** In clinic-id order. */
  readonly updates: readonly AcceptedUpdate[];
  /** Bytes of models that clinics downloaded while it was open. */
  readonly bytesDown: number;
  /** The aggregated trainable parameters: set from `evaluating` on. */
  readonly result: BlobRef | null;
  /** Why it failed. */
  readonly reason: string | null;
}

export interface StudyState {
  readonly id: string;
  readonly config: StudyConfig;
  readonly status: StudyStatus;
  /** Why the study is paused, stopped or completed, for people. */
  readonly reason: string | null;
  /** The starting model, whole; the frozen parameters of every round come from it. */
  readonly start: BlobRef;
  /** What the next round starts from. */
  readonly base: BlobRef;
  /** Training rounds closed so far. */
  readonly completed: number;
  /** The round whose validation score is best, with its trainable parameters. */
  readonly best: {
    readonly round: number;
    readonly score: number;
    readonly result: BlobRef;
  } | null;
  /** Rounds in a row without a better validation score. */
  readonly sinceBest: number;
  /** Attempts in a row that missed their quorum. */
  readonly misses: number;
  /** The round in flight, or the last one that ended; null before the study starts. */
  readonly round: RoundState | null;
}
