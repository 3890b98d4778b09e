// The console API: what the CLI and the console's page send to a running coordinator. All under /api/studies, with the admin token.
import { z } from 'zod';
import { Metrics } from '../learning/metrics.js';
import { ArchitectureId } from '../model/architecture-id.js';
import { LabelSet } from '../model/labels.js';
import { ByteCount, ClinicId, ClinicName, Id, PublicKey, Sha256 } from './primitives.js';
import { Progress, StudyStatus } from './round.js';
import { StudyConfig } from './study.js';

/** POST /api/studies. The starting model was uploaded before (PUT /api/models) and is named here by its blob. */
export const CreateStudy = z.strictObject({ config: StudyConfig, start: z.strictObject({ sha256: Sha256, bytes: ByteCount }) });
export type CreateStudy = z.infer<typeof CreateStudy>;

/** POST /api/studies/ID/invitations */
export const CreateInvitation = z.strictObject({
  clinic: ClinicName,
  /** How long the invitation is good for. */
  hours: z.number().positive().max(24 * 365).default(24 * 7),
});
export type CreateInvitation = z.infer<typeof CreateInvitation>;

/** What a study coordinator can ask of a study. */
export const StudyAction = z.enum(['start', 'pause', 'resume', 'stop']);
export type StudyAction = z.infer<typeof StudyAction>;

/** GET /api/studies */
export const StudyList = z.array(z.object({
  id: Id, name: z.string(), status: StudyStatus, reason: z.string().nullable(), completed: z.int(), rounds: z.int(),
  best: z.object({ round: z.int(), score: z.number() }).nullable(),
}));

/** GET /api/studies/ID: all there is to see of a study. Times in milliseconds since the epoch, UTC. */
export const StudyView = z.object({
  id: Id,
  config: StudyConfig,
  status: StudyStatus,
  reason: z.string().nullable(),
  completed: z.int(),
  best: z.object({ round: z.int(), score: z.number() }).nullable(),
  round: z.object({ number: z.int(), attempt: Id, phase: z.string() }).nullable(),
  publicKey: PublicKey,
  architecture: ArchitectureId,
  labels: LabelSet,
  createdAt: z.number(),
  auditHead: Sha256,
  clinics: z.array(z.object({
    id: ClinicId, name: ClinicName, state: z.enum(['pending', 'approved', 'revoked']), enrolledAt: z.number(), connected: z.boolean(), progress: Progress.nullable(),
  })),
  invitations: z.array(z.object({ clinicName: ClinicName, expiresAt: z.number(), usedAt: z.number().nullable() })),
  rounds: z.array(z.object({
    number: z.int(), attempt: Id, phase: z.string(), reason: z.string().nullable(), cohort: z.array(ClinicId), bytesDown: z.number(),
    openedAt: z.number().nullable(), closedAt: z.number().nullable(), plannedAt: z.number(),
    updates: z.array(z.object({ clinic: ClinicId, sha256: Sha256, bytes: z.int(), samples: z.int(), norm: z.number() })),
  })),
  evaluations: z.array(z.object({ round: z.int(), attempt: Id, seconds: z.number(), validation: Metrics, heldout: Metrics })),
});
export type StudyView = z.infer<typeof StudyView>;
