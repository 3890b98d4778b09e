// Messages between the CLI or the console's page and a running coordinator; routes.ts and
// socket-events.ts say which route or event carries which.
import { z } from 'zod';
import { Metrics, SCORE_NAMES, type ScoreName } from '../evaluation/metrics.js';
import { OperatingPoint } from '../evaluation/operating-point.js';
import { RegistryName } from '../registry.js';
import { LabelSet } from '../model/labels.js';
import {
  BlobRef,
  ByteCount,
  ClinicId,
  ClinicName,
  Id,
  PublicKey,
  Sha256,
  Text,
} from './primitives.js';
import { ErrorName } from './error-body.js';
import { Declined, Progress, StudyStatus } from './round.js';
import { NamedStudyConfig, SelectionMetric, StudyConfig } from './study.js';

/** The answer of a healthy coordinator, with the kind of its database. */
export const Health = z.object({ status: z.literal('ok'), database: z.string() });

/** Creates a study. Its starting model was uploaded before and is named here by its blob. */
export const CreateStudy = z.strictObject({ config: StudyConfig, start: BlobRef });
export type CreateStudy = z.infer<typeof CreateStudy>;
export const StudyCreated = z.object({ id: Id });

/** An invitation for one clinic. */
export const CreateInvitation = z.strictObject({
  clinic: ClinicName,
  /** Hours until the invitation expires. */
  hours: z
    .number()
    .positive()
    .max(24 * 365)
    .default(24 * 7),
});
export type CreateInvitation = z.infer<typeof CreateInvitation>;
/** `invitation`: one word (enrolment.ts), valid until `expires`, a time in ISO 8601. */
export const InvitationMade = z.object({
  invitation: z.string(),
  clinic: z.string(),
  expires: z.string(),
});

/** Actions on a study. */
export const StudyAction = z.enum(['start', 'pause', 'resume', 'stop']);
export type StudyAction = z.infer<typeof StudyAction>;
/** The study's status after the action. */
export const StudyActed = z.object({ id: Id, status: StudyStatus });

const { shape: cohort } = StudyConfig.shape.cohort.unwrap();
/** What may change of a study that is paused or completed; the running round keeps its terms. */
export const ChangeStudy = z
  .strictObject({
    rounds: StudyConfig.shape.rounds.unwrap().optional(),
    quorum: cohort.quorum.unwrap().optional(),
    deadlineSeconds: cohort.deadlineSeconds.unwrap().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    message: 'nothing is to be changed',
  });
export type ChangeStudy = z.infer<typeof ChangeStudy>;

/** A clinic that was approved or revoked. */
export const ClinicDecided = z.object({
  id: ClinicId,
  name: z.string(),
  state: z.enum(['pending', 'approved', 'revoked']),
});

/** Summaries of all studies. */
export const StudyList = z.array(
  z.object({
    id: Id,
    name: z.string(),
    status: StudyStatus,
    reason: z.string().nullable(),
    completed: z.int(),
    rounds: z.int(),
    /** Validation's score by `select` of the round that it chose. */
    best: z.object({ round: z.int(), score: z.number() }).nullable(),
    select: SelectionMetric,
  }),
);

/** What a clinic does at this moment. */
const CLINIC_NOW = {
  /** Connected, though perhaps not approved yet. */
  connected: z.boolean(),
  /** Its answer in the round in flight; declined: also in the last attempt, until the next begins. */
  now: z.enum(['absent', 'invited', 'returned', 'declined']),
  /** Why it declined. */
  declined: ErrorName.nullable(),
  /** In the open round, until it has answered. */
  progress: Progress.nullable(),
  /** When last another machine with this clinic's identity was sent away; null: not known. */
  displacedAt: z.number().nullable(),
};
const ClinicNow = z.object(CLINIC_NOW);
export type ClinicNow = z.infer<typeof ClinicNow>;

/** Everything about a study. Times in milliseconds since the epoch, UTC. */
export const StudyView = z.object({
  id: Id,
  config: NamedStudyConfig,
  status: StudyStatus,
  reason: z.string().nullable(),
  completed: z.int(),
  best: z.object({ round: z.int(), score: z.number() }).nullable(),
  round: z.object({ number: z.int(), attempt: Id, phase: z.string() }).nullable(),
  publicKey: PublicKey,
  architecture: RegistryName,
  labels: LabelSet,
  createdAt: z.number(),
  auditHead: Sha256,
  clinics: z.array(
    z.object({
      id: ClinicId,
      name: ClinicName,
      state: z.enum(['pending', 'approved', 'revoked']),
      enrolledAt: z.number(),
      ...CLINIC_NOW,
    }),
  ),
  invitations: z.array(
    z.object({ clinicName: ClinicName, expiresAt: z.number(), usedAt: z.number().nullable() }),
  ),
  rounds: z.array(
    z.object({
      number: z.int(),
      attempt: Id,
      phase: z.string(),
      reason: z.string().nullable(),
      cohort: z.array(ClinicId),
      declines: z.array(Declined).readonly(),
      bytesDown: z.number(),
      openedAt: z.number().nullable(),
      closedAt: z.number().nullable(),
      plannedAt: z.number(),
      updates: z.array(
        z.object({
          clinic: ClinicId,
          sha256: Sha256,
          bytes: z.int(),
          samples: z.int(),
          norm: z.number(),
        }),
      ),
    }),
  ),
  evaluations: z.array(
    z.object({
      round: z.int(),
      attempt: Id,
      seconds: z.number(),
      validation: Metrics,
      heldout: Metrics,
    }),
  ),
});
export type StudyView = z.infer<typeof StudyView>;

/** The blocks of an architecture, from input to classifier; none where it is not known. */
const Blocks = z.array(z.string());

/** Starting models available at the coordinator: its own, and those of its studies. */
export const KnownModels = z.array(
  z.object({
    name: z.string(),
    architecture: RegistryName,
    blocks: Blocks,
    labels: LabelSet,
    sha256: Sha256,
    bytes: ByteCount,
  }),
);
export type KnownModels = z.infer<typeof KnownModels>;

/**
 * Asks whether there is an evaluation dataset at this path on the coordinator's machine, and what
 * it contains.
 */
export const InspectDataset = z.strictObject({
  data: Text.min(1).max(1000),
  seed: z.int().min(0).max(0xffffffff).default(1),
});
const counts = z.record(z.string(), z.int());
export const DatasetCounts = z.object({
  name: z.string(),
  samples: z.int(),
  patients: z.int(),
  bySplit: z.record(z.string(), counts),
  patientsBySplit: counts,
  problems: z.int(),
  /** What reading it noticed, what is left out and what can't be used, a sentence each. */
  remarks: z.array(z.string()),
});
export type DatasetCounts = z.infer<typeof DatasetCounts>;

/** An audit entry as shown. */
export const AuditLine = z.object({
  seq: z.int(),
  at: z.number(),
  actor: z.string(),
  action: z.string(),
  detail: z.unknown(),
  hash: Sha256,
});
export type AuditLine = z.infer<typeof AuditLine>;
/** Some entries, newest first. */
export const AuditPage = z.array(AuditLine);
/** Whether the hash chain over all entries is intact. */
export const AuditChain = z.union([
  z.object({ ok: z.literal(true), entries: z.int() }),
  z.object({ ok: z.literal(false), brokenAt: z.int() }),
]);

/** The whole log in order, with its verification. */
export const AuditLog = z.object({ chain: AuditChain, entries: z.array(AuditLine) });

/** One round in full. */
export const RoundView = z.object({
  evaluation: z.object({ seconds: z.number(), validation: Metrics, heldout: Metrics }).nullable(),
  /** Updates of the last attempt. `seconds` from the announcement to the receipt. */
  updates: z.array(
    z.object({
      clinic: ClinicId,
      sha256: Sha256,
      bytes: z.int(),
      samples: z.int(),
      norm: z.number(),
      seconds: z.number(),
    }),
  ),
});
export type RoundView = z.infer<typeof RoundView>;

/** A score with the lower and upper end of its interval. */
const ScorePoint = z.tuple([z.number().nullable(), z.number().nullable(), z.number().nullable()]);
const ScorePoints = z.object(
  Object.fromEntries(SCORE_NAMES.map((name) => [name, ScorePoint])) as Record<
    ScoreName,
    typeof ScorePoint
  >,
);

/** Summary of one attempt at a round. */
export const RoundRow = z.object({
  number: z.int(),
  attempt: Id,
  phase: z.enum(['planned', 'open', 'aggregating', 'evaluating', 'closed', 'failed']),
  reason: z.string().nullable(),
  cohort: z.int(),
  returned: z.int(),
  declines: z.array(Declined).readonly(),
  samples: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
  plannedAt: z.number(),
  openedAt: z.number().nullable(),
  deadlineAt: z.number().nullable(),
  closedAt: z.number().nullable(),
});
export type RoundRow = z.infer<typeof RoundRow>;

export const ScoreRow = z.object({
  round: z.int(),
  seconds: z.number(),
  validation: ScorePoints,
  heldout: ScorePoints,
  /** On held-out, at the threshold that validation chose. */
  operatingPoint: OperatingPoint.nullable(),
});
export type ScoreRow = z.infer<typeof ScoreRow>;

export const ClinicRow = z.object({
  id: ClinicId,
  name: ClinicName,
  state: z.enum(['pending', 'approved', 'revoked']),
  enrolledAt: z.number(),
  ...CLINIC_NOW,
  /** Photographs behind its last update: it trains on the same ones in every round. */
  samples: z.int(),
  /** Totals over all rounds; `seconds` from announcements to receipts. */
  updates: z.int(),
  bytes: z.number(),
  seconds: z.number(),
});
export type ClinicRow = z.infer<typeof ClinicRow>;

/** Share of the running evaluation that is done, 0–1; null if none is running. */
const Evaluated = z.number().nullable();

/**
 * A study as a console shows it. The first message has everything; later ones have only the rounds,
 * scores and audit entries that are new or may have changed, which the receiver replaces by
 * attempt, round and number.
 */
export const LiveStudy = z.object({
  id: Id,
  config: NamedStudyConfig,
  status: StudyStatus,
  reason: z.string().nullable(),
  completed: z.int(),
  best: z.object({ round: z.int(), score: z.number() }).nullable(),
  publicKey: PublicKey,
  architecture: RegistryName,
  blocks: Blocks,
  labels: LabelSet,
  createdAt: z.number(),
  /** The coordinator's clock at the time of reading. */
  now: z.number(),
  evaluated: Evaluated,
  clinics: z.array(ClinicRow),
  invitations: z.array(
    z.object({ clinicName: ClinicName, expiresAt: z.number(), usedAt: z.number().nullable() }),
  ),
  rounds: z.array(RoundRow),
  scores: z.array(ScoreRow),
  /** In their order. */
  entries: z.array(AuditLine),
});
export type LiveStudy = z.infer<typeof LiveStudy>;

/** Progress of each connected clinic and of the evaluation. */
export const LiveProgress = z.object({
  id: Id,
  evaluated: Evaluated,
  clinics: z.record(ClinicId, Progress.nullable()),
});
export type LiveProgress = z.infer<typeof LiveProgress>;

/** What a console subscribes to: one study or, with null, the list of all. */
export const Watch = z.strictObject({ study: Id.nullable() });
/** The first answer to a subscription. */
export const Watched = z.union([LiveStudy, StudyList]);
