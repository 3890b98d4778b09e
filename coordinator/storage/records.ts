// What the store returns to be looked at: plain values, no trace of the database. Times are
// milliseconds since the epoch, UTC.
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { Declined } from '../../common/protocol/round.js';
import type { Json, NewEvaluation } from '../rounds/records.js';
import type { AcceptedUpdate, Phase } from '../rounds/state.js';

export interface InvitationRecord {
  readonly id: string;
  readonly study: string;
  readonly clinicName: string;
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly usedAt: number | null;
  /** The clinic that enrolled with it. */
  readonly usedBy: string | null;
}

export interface NewInvitation {
  /** What the study coordinator calls the invited clinic. */
  readonly clinicName: string;
  /** SHA-256 of the invitation's secret, hexadecimal; the secret itself is stored nowhere. */
  readonly secretHash: string;
  readonly expiresAt: number;
}

/** A clinic that asks to enrol; its signature was verified before. */
export interface Enrolment {
  readonly secretHash: string;
  readonly clinicId: string;
  /** Ed25519 public key, base64. */
  readonly key: string;
  readonly name: string;
}

/** One attempt at a round as its row tells it: null and nothing for what has not come about. */
export interface RoundRecord {
  readonly number: number;
  readonly attempt: string;
  readonly phase: Phase;
  /** The trainable parameters that it started from. */
  readonly base: BlobRef;
  readonly cohort: readonly string[];
  readonly plannedAt: number;
  readonly openedAt: number | null;
  readonly deadlineAt: number | null;
  readonly closedAt: number | null;
  readonly updates: readonly (AcceptedUpdate & { readonly acceptedAt: number })[];
  readonly declines: readonly Declined[];
  /** Bytes of models that clinics downloaded for it. */
  readonly bytesDown: number;
  readonly result: BlobRef | null;
  /** Why it failed. */
  readonly reason: string | null;
}

/**
 * One attempt at a round with its updates summed up; bytes and milliseconds since the epoch, UTC.
 */
export interface RoundSum {
  readonly number: number;
  readonly attempt: string;
  readonly phase: Phase;
  readonly reason: string | null;
  /** Clinics invited, and updates accepted. */
  readonly cohort: number;
  readonly returned: number;
  readonly declines: readonly Declined[];
  readonly samples: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly plannedAt: number;
  readonly openedAt: number | null;
  readonly deadlineAt: number | null;
  readonly closedAt: number | null;
}

/** What a clinic has sent. */
export interface ClinicSum {
  readonly updates: number;
  readonly samples: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface EvaluationRecord extends NewEvaluation {
  readonly round: number;
  readonly evaluatedAt: number;
}

/** An entry of a study's audit chain. */
export interface AuditRecord {
  /** Counts from 1 in each study. */
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly detail: Json;
  /** Hash of the entry before; 64 zeros before the first. */
  readonly previous: string;
  readonly hash: string;
}
