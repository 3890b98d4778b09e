// What is kept of a study, and what a step writes: plain values, no trace of a database. Times are
// milliseconds since the epoch, UTC.
import type { Metrics } from '../../common/evaluation/metrics.js';
import type { ArchitectureId } from '../../common/model/architecture-id.js';
import type { LabelSet } from '../../common/model/labels.js';
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { Signed } from '../../common/protocol/round.js';
import type { StudyState } from './state.js';

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

/** Something worth recording: who did what. `actor` is 'coordinator', 'admin' or a clinic id. */
export interface AuditEvent {
  readonly actor: string;
  readonly action: string;
  readonly detail?: Json;
}

/** What goes into the database together with a study's next state, in one transaction. */
export interface Changes {
  readonly audit: readonly AuditEvent[];
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
  /** The version of the state that is stored now. */
  readonly version: number;
  /** Hash of the last audit entry that this transaction wrote. */
  readonly auditHead: string;
  /** The receipt of the new update, as stored; absent without one. */
  readonly receipt?: Signed;
}
