// Messages between coordinator and clinics during a round: socket.io events and their
// acknowledgements.
import { z } from 'zod';
import { ErrorName } from './error-body.js';
import { extensible } from './extensible.js';
import {
  ByteCount,
  ClinicId,
  ClinicName,
  Id,
  RoundNumber,
  SampleCount,
  Sha256,
  Signature,
} from './primitives.js';

/**
 * A JSON text exactly as signed with the study's Ed25519 key over tag ‖ text. Parse `body` only
 * after the signature is verified.
 */
export const Signed = z.strictObject({ body: z.string().max(1_000_000), signature: Signature });
export type Signed = z.infer<typeof Signed>;

/** What the coordinator tells one clinic at one moment about the terms sent along. */
export const Delivery = extensible({
  /** SHA-256 of the terms' text. */
  terms: Sha256,
  /** Milliseconds left at the time of sending. A duration, so that no two clocks need agree. */
  remainingMs: z.int().min(0),
});

/**
 * coordinator → clinic, event `round`: take part in this round. `terms` is a signed RoundTerms, the
 * same bytes for every clinic; `delivery` a signed Delivery of this moment. Sent again to a clinic
 * that reconnects.
 */
export const Announcement = z.strictObject({ terms: Signed, delivery: Signed });
export type Announcement = z.infer<typeof Announcement>;

/** coordinator → clinic, event `round-over`. */
export const RoundOver = extensible({
  round: RoundNumber,
  attempt: Id,
  outcome: z.enum(['aggregated', 'failed']),
});
export type RoundOver = z.infer<typeof RoundOver>;

/** coordinator → clinic, event `dismissed`: why the connection ends, for good. */
export const Dismissed = extensible({
  code: z.enum(['LENTIGO_CLINIC_ELSEWHERE', 'LENTIGO_CLINIC_REVOKED']),
});
export type Dismissed = z.infer<typeof Dismissed>;

export const StudyStatus = z.enum(['draft', 'running', 'paused', 'stopped', 'completed']);
export type StudyStatus = z.infer<typeof StudyStatus>;

/** coordinator → clinic, event `study`, and the acknowledgement of `prove`. */
export const StudyNotice = extensible({
  study: Id,
  name: z.string().max(120),
  status: StudyStatus,
  round: z.int().min(0),
  rounds: z.int().min(1),
});
export type StudyNotice = z.infer<typeof StudyNotice>;

/** clinic → coordinator, event `progress`, not acknowledged. `fraction` of the phase, 0–1. */
export const Progress = z.strictObject({
  round: RoundNumber,
  attempt: Id,
  phase: z.enum(['downloading', 'preparing', 'training', 'sealing', 'uploading']),
  fraction: z.number().min(0).max(1),
  loss: z.number().optional(),
});
export type Progress = z.infer<typeof Progress>;

/** clinic → coordinator, event `ticket`: asks to upload these bytes. */
export const TicketRequest = z.strictObject({
  round: RoundNumber,
  attempt: Id,
  sha256: Sha256,
  bytes: ByteCount,
});
export type TicketRequest = z.infer<typeof TicketRequest>;

/**
 * The acknowledgement of `ticket`: the path of tus uploads on the coordinator, and the token to
 * send as `Authorization: Bearer`.
 */
export const Ticket = z.strictObject({ path: z.string().max(200), token: z.string().max(1000) });
export type Ticket = z.infer<typeof Ticket>;

/**
 * clinic → coordinator, event `submit`: the upload is complete, count it. Acknowledged with a
 * Signed Receipt; the same bytes again get the same one.
 */
export const Submission = z.strictObject({ round: RoundNumber, attempt: Id, sha256: Sha256 });
export type Submission = z.infer<typeof Submission>;

/**
 * clinic → coordinator, event `decline`: this clinic can't deliver an update of this attempt. Only
 * the code tells why: a message might name a file. An update that comes all the same, while the
 * round is open, takes its place.
 */
export const Decline = z.strictObject({ round: RoundNumber, attempt: Id, code: ErrorName });
export type Decline = z.infer<typeof Decline>;
/** The acknowledgement of `decline`. */
export const DeclineTaken = z.strictObject({});

/** A clinic that declined, as it is kept and shown. */
export const Declined = z.strictObject({ clinic: ClinicId, name: ClinicName, code: ErrorName });
export type Declined = Readonly<z.infer<typeof Declined>>;

/**
 * The coordinator's signed promise that these bytes are stored and count. `audit` is the head of
 * the audit chain that records it.
 */
export const Receipt = extensible({
  study: Id,
  round: RoundNumber,
  attempt: Id,
  clinic: ClinicId,
  sha256: Sha256,
  samples: SampleCount,
  audit: Sha256,
});
export type Receipt = z.infer<typeof Receipt>;
