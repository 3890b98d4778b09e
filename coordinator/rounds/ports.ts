// What rounds need of the world. The composition root gives them; tests give fakes. Rounds know
// neither HTTP nor sockets nor a database.
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { Signed } from '../../common/protocol/round.js';
import type { ToClinic } from '../../common/protocol/socket-events.js';
import type { Aggregator } from '../aggregation/aggregator.js';
import type { Evaluator } from '../evaluation/evaluator.js';
import type {
  AuditEvent,
  Changes,
  ClinicRecord,
  ClinicState,
  Clock,
  Committed,
  NewEvaluation,
  NewStudy,
  StudyRecord,
} from './records.js';
import type { StudyState } from './state.js';

/** Who is connected, and how to reach them. */
export interface Presence {
  /** The connected clinics of a study, in clinic-id order. */
  connected(study: string): string[];
  /** To the named clinics that are connected, or to all of the study. */
  send<E extends keyof ToClinic>(
    study: string,
    event: E,
    message: z.infer<ToClinic[E]>,
    to?: readonly string[],
  ): void;
  /** Ends a clinic's connection. */
  dismiss(study: string, clinic: string): void;
  /** Calls the listener whenever a clinic of a study comes or goes. */
  onChange(listener: (study: string) => void): void;
}

/** The sealed bytes that one clinic sends in one attempt. */
export interface SentUpdate {
  readonly attempt: string;
  readonly clinic: string;
  readonly sha256: string;
}

/** Where clinics' uploads arrive. */
export interface Inbox {
  /** Where a finished upload lies. @throws LENTIGO_UPDATE_MALFORMED when it isn't whole */
  finished(update: SentUpdate): Promise<string>;
  /** Deletes what was uploaded, whole or in part, for an attempt that is over. */
  forget(attempt: string): Promise<void>;
}

/** What a round keeps on disk only while it runs: its private key and the sealed updates. */
export interface RoundFiles {
  saveKey(attempt: string, key: Uint8Array): Promise<void>;
  /** @throws LENTIGO_ROUND_UNKNOWN when the attempt was forgotten, or never opened */
  loadKey(attempt: string): Promise<Uint8Array>;
  /** Where a clinic's sealed update lies, or will. */
  path(attempt: string, clinic: string): string;
  /** A place for a file that the round makes, which goes with it. */
  scratch(attempt: string, name: string): string;
  has(attempt: string, clinic: string): Promise<boolean>;
  /** Moves a finished upload to where no upload can change it. */
  adopt(attempt: string, clinic: string, upload: string): Promise<void>;
  discard(attempt: string, clinic: string): Promise<void>;
  forget(attempt: string): Promise<void>;
  attempts(): Promise<string[]>;
}

/** Models and other large bytes, named by their SHA-256. */
export interface BlobStore {
  put(content: Uint8Array): Promise<BlobRef>;
  /** Takes a finished file of the same disk into the store. */
  adopt(path: string): Promise<BlobRef>;
  /** @throws LENTIGO_BLOB_UNKNOWN, LENTIGO_BLOB_CORRUPT */
  read(sha256: string): Promise<Uint8Array>;
  /** The local file that holds the blob. */
  path(sha256: string): string;
}

/** The coordinator's memory. Each write is one transaction together with its audit entries. */
export interface StudyStore {
  study(id: string): Promise<StudyRecord>;
  studies(): Promise<StudyRecord[]>;
  createStudy(study: NewStudy, audit: readonly AuditEvent[]): Promise<Committed>;
  /** @throws LENTIGO_STUDY_CHANGED when `next` was computed from another version than is stored */
  transition(next: StudyState, changes: Changes): Promise<Committed>;
  record(study: string, audit: readonly AuditEvent[]): Promise<Committed>;
  clinics(study: string): Promise<ClinicRecord[]>;
  clinic(study: string, clinic: string): Promise<ClinicRecord>;
  setClinicState(
    study: string,
    clinic: string,
    state: Exclude<ClinicState, 'pending'>,
    actor: string,
  ): Promise<ClinicRecord>;
  receipt(
    attempt: string,
    clinic: string,
  ): Promise<{ readonly sha256: string; readonly receipt: Signed } | null>;
  /** The evaluations of these rounds, both ends included, by round number. */
  evaluations(
    study: string,
    from: number,
    to: number,
  ): Promise<(NewEvaluation & { readonly round: number })[]>;
  /** Counts bytes of models that clinics downloaded for an attempt. */
  addTraffic(attempt: string, bytes: number): Promise<void>;
}

/** Each study's Ed25519 key. */
export interface StudyKeys {
  studyKey(study: string): Promise<Uint8Array>;
  saveStudyKey(study: string, secretKey: Uint8Array): Promise<void>;
}

export interface Ports {
  readonly store: StudyStore;
  readonly blobs: BlobStore;
  readonly files: RoundFiles;
  readonly inbox: Inbox;
  readonly presence: Presence;
  readonly aggregator: Pick<Aggregator, 'check' | 'aggregate'>;
  readonly evaluator: Pick<Evaluator, 'evaluate'>;
  readonly now: Clock;
  readonly log: Logger;
}
