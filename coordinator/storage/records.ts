// What the store keeps and returns: plain values, no trace of the database. Times are milliseconds
// since the epoch, UTC.
import type { Metrics } from '../../common/evaluation/metrics.js';
import type { ArchitectureId } from '../../common/model/architecture-id.js';
import type { LabelSet } from '../../common/model/labels.js';
import type { Signed } from '../../common/protocol/round.js';
import type { AcceptedUpdate, BlobRef, RoundState, StudyState } from '../rounds/state.js';

/** Milliseconds since the epoch; injected, so that tests and simulations own the time. */
export type Clock = () => number;

/**
 * Anything that JSON can say. NaN and infinities become null on the way, as JSON.stringify has it.
 */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** What is fixed when a study is created. */
export interface NewStudy {
  readonly state: StudyState;
  /** The study's Ed25519 public key, base64; the secret half is in the key folder. */
  readonly publicKey: string;
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
}

export interface StudyRecord extends NewStudy {
  readonly createdAt: number;
  /** Hash of the last entry of the study's audit chain. */
  readonly auditHead: string;
}

export type ClinicState = 'pending' | 'approved' | 'revoked';

export interface ClinicRecord {
  /** Fingerprint of the key, 32 hexadecimal digits. */
  readonly id: string;
  readonly study: string;
  readonly name: string;
  /** Ed25519 public key, base64. */
  readonly key: string;
  readonly state: ClinicState;
  readonly enrolledAt: number;
  /** When the study coordinator last approved or revoked; null while pending. */
  readonly decidedAt: number | null;
}

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

/** One attempt at a round, as it stands or as it ended. */
export interface RoundRecord extends RoundState {
  readonly plannedAt: number;
  readonly updates: readonly (AcceptedUpdate & { readonly acceptedAt: number })[];
}

/**
 * One attempt at a round with its updates summed up; bytes and milliseconds since the epoch, UTC.
 */
export interface RoundSum {
  readonly number: number;
  readonly attempt: string;
  readonly phase: RoundState['phase'];
  readonly reason: string | null;
  /** Clinics invited, and updates accepted. */
  readonly cohort: number;
  readonly returned: number;
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

/** The metrics of one evaluated round. */
export interface NewEvaluation {
  /** The attempt whose result was evaluated. */
  readonly attempt: string;
  readonly validation: Metrics;
  readonly heldout: Metrics;
  readonly seconds: number;
  /** The trainable parameters that were evaluated. */
  readonly model: BlobRef;
}

export interface EvaluationRecord extends NewEvaluation {
  readonly round: number;
  readonly evaluatedAt: number;
}

/** Something worth recording: who did what. `actor` is 'coordinator', 'admin' or a clinic id. */
export interface AuditEvent {
  readonly actor: string;
  readonly action: string;
  readonly detail?: Json;
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

/** What goes into the database together with a study's next state, in one transaction. */
export interface Changes {
  readonly audit: readonly AuditEvent[];
  /** The round that just ended, where `next.round` is already another attempt. */
  readonly previous?: RoundState | undefined;
  readonly evaluation?: NewEvaluation | undefined;
  /**
   * The clinic of `next.round.updates` that is new, and how its receipt is signed given the chain's
   * head that records it.
   */
  readonly update?:
    | { readonly clinic: string; readonly receipt: (auditHead: string) => Signed | Promise<Signed> }
    | undefined;
  /**
   * The clinic that this step revokes. Its update, if it has one, leaves `next.round.updates`; the
   * audit chain keeps that it came.
   */
  readonly withdrawn?: string | undefined;
}

export interface Committed {
  /** Hash of the last audit entry that this transaction wrote. */
  readonly auditHead: string;
  /** The receipt of the new update, as stored; absent without one. */
  readonly receipt?: Signed;
}
