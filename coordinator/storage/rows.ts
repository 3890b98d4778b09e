// Between the database's rows and the store's records; nothing else knows the columns.
import { Metrics } from '../../common/evaluation/metrics.js';
import { ArchitectureId } from '../../common/model/architecture-id.js';
import { LabelSet } from '../../common/model/labels.js';
import { Signed } from '../../common/protocol/round.js';
import { StudyConfig } from '../../common/protocol/study.js';
import type { AcceptedUpdate, BlobRef, RoundState, StudyState } from '../rounds/state.js';
import type { Prisma } from './generated/client.js';
import type {
  AuditRecord,
  ClinicRecord,
  EvaluationRecord,
  InvitationRecord,
  Json,
  RoundRecord,
  StudyRecord,
} from './records.js';

/** A round with its updates in clinic-id order. */
export const WITH_UPDATES = {
  updates: { orderBy: { clinicId: 'asc' } },
} as const satisfies Prisma.RoundInclude;
/** A study with its current round. */
export const WITH_ROUND = {
  current: { include: WITH_UPDATES },
} as const satisfies Prisma.StudyInclude;

type StudyRow = Prisma.StudyGetPayload<{ include: typeof WITH_ROUND }>;
type RoundRow = Prisma.RoundGetPayload<{ include: typeof WITH_UPDATES }>;
type UpdateRow = RoundRow['updates'][number];

/** A value as a JSON column takes it. */
export function json(value: object): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(value)) as Prisma.InputJsonObject;
}

const time = (milliseconds: number | null): Date | null =>
  milliseconds === null ? null : new Date(milliseconds);
const milliseconds = (date: Date | null): number | null => date?.getTime() ?? null;
const blob = (sha256: string | null, bytes: number | null): BlobRef | null =>
  sha256 === null || bytes === null ? null : { sha256, bytes };

/** The columns of a study that a transition changes. */
export function studyColumns(state: StudyState) {
  return {
    config: json(state.config),
    status: state.status,
    reason: state.reason,
    startSha256: state.start.sha256,
    startBytes: state.start.bytes,
    baseSha256: state.base.sha256,
    baseBytes: state.base.bytes,
    completed: state.completed,
    bestRound: state.best?.round ?? null,
    bestScore: state.best?.score ?? null,
    bestSha256: state.best?.result.sha256 ?? null,
    bestBytes: state.best?.result.bytes ?? null,
    sinceBest: state.sinceBest,
    misses: state.misses,
    attempt: state.round?.attempt ?? null,
  };
}

/** The columns of a round that a transition changes. */
export function roundColumns(round: RoundState) {
  return {
    number: round.number,
    phase: round.phase,
    baseSha256: round.base.sha256,
    baseBytes: round.base.bytes,
    cohort: [...round.cohort],
    roundKey: round.roundKey,
    openedAt: time(round.openedAt),
    deadlineAt: time(round.deadlineAt),
    closedAt: time(round.closedAt),
    resultSha256: round.result?.sha256 ?? null,
    resultBytes: round.result?.bytes ?? null,
    bytesDown: BigInt(round.bytesDown),
    reason: round.reason,
  };
}

function acceptedUpdate(row: UpdateRow): AcceptedUpdate {
  return {
    clinic: row.clinicId,
    sha256: row.sha256,
    bytes: row.bytes,
    samples: row.samples,
    norm: row.norm,
  };
}

function roundState(row: RoundRow): RoundState {
  return {
    number: row.number,
    attempt: row.id,
    phase: row.phase,
    base: { sha256: row.baseSha256, bytes: row.baseBytes },
    cohort: row.cohort,
    roundKey: row.roundKey,
    openedAt: milliseconds(row.openedAt),
    deadlineAt: milliseconds(row.deadlineAt),
    closedAt: milliseconds(row.closedAt),
    updates: row.updates.map(acceptedUpdate),
    result: blob(row.resultSha256, row.resultBytes),
    bytesDown: Number(row.bytesDown),
    reason: row.reason,
  };
}

export function roundRecord(row: RoundRow): RoundRecord {
  return {
    ...roundState(row),
    plannedAt: row.plannedAt.getTime(),
    updates: row.updates.map((update) => ({
      ...acceptedUpdate(update),
      acceptedAt: update.acceptedAt.getTime(),
    })),
  };
}

export function studyRecord(row: StudyRow): StudyRecord {
  const bestResult = blob(row.bestSha256, row.bestBytes);
  return {
    state: {
      id: row.id,
      config: StudyConfig.parse(row.config),
      status: row.status,
      reason: row.reason,
      start: { sha256: row.startSha256, bytes: row.startBytes },
      base: { sha256: row.baseSha256, bytes: row.baseBytes },
      completed: row.completed,
      best:
        row.bestRound === null || row.bestScore === null || bestResult === null
          ? null
          : { round: row.bestRound, score: row.bestScore, result: bestResult },
      sinceBest: row.sinceBest,
      misses: row.misses,
      round: row.current && roundState(row.current),
    },
    publicKey: row.publicKey,
    architecture: ArchitectureId.parse(row.architecture),
    labels: LabelSet.parse(row.labels),
    createdAt: row.createdAt.getTime(),
    auditHead: row.auditHead,
  };
}

export function clinicRecord(row: Prisma.ClinicModel): ClinicRecord {
  const { id, studyId: study, name, key, state } = row;
  return {
    id,
    study,
    name,
    key,
    state,
    enrolledAt: row.enrolledAt.getTime(),
    decidedAt: milliseconds(row.decidedAt),
  };
}

export function invitationRecord(row: Prisma.InvitationModel): InvitationRecord {
  const { id, studyId: study, clinicName, usedBy } = row;
  return {
    id,
    study,
    clinicName,
    usedBy,
    expiresAt: row.expiresAt.getTime(),
    createdAt: row.createdAt.getTime(),
    usedAt: milliseconds(row.usedAt),
  };
}

export function evaluationRecord(
  row: Prisma.EvaluationGetPayload<{ include: { round: { select: { number: true } } } }>,
): EvaluationRecord {
  return {
    round: row.round.number,
    attempt: row.attempt,
    validation: Metrics.parse(row.validation),
    heldout: Metrics.parse(row.heldout),
    seconds: row.seconds,
    model: { sha256: row.modelSha256, bytes: row.modelBytes },
    evaluatedAt: row.evaluatedAt.getTime(),
  };
}

export function auditRecord(row: Prisma.AuditEntryModel): AuditRecord {
  const { seq, actor, action, previous, hash } = row;
  return {
    seq,
    at: row.at.getTime(),
    actor,
    action,
    detail: JSON.parse(row.detail) as Json,
    previous,
    hash,
  };
}

export function signedText(column: Prisma.JsonValue): Signed {
  return Signed.parse(column);
}
