// Between the database's rows and the store's records; nothing else knows the columns.
import { z } from 'zod';
import { Metrics } from '../../common/evaluation/metrics.js';
import { LabelSet } from '../../common/model/labels.js';
import { Declined, Signed } from '../../common/protocol/round.js';
import { NamedStudyConfig } from '../../common/protocol/study.js';
import {
  type AcceptedUpdate,
  type Checkpoint,
  type Opened,
  openedOf,
  type RoundState,
  type StudyState,
} from '../rounds/state.js';
import { LentigoError } from '../../common/errors.js';
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { Prisma } from './generated/client.js';
import type { AuditRecord, EvaluationRecord, InvitationRecord, RoundRecord } from './records.js';
import type { ClinicRecord, Json, StudyRecord } from '../rounds/records.js';

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
  const { next, best } = state;
  return {
    version: state.version,
    config: json(state.config),
    status: state.status,
    reason: state.reason,
    startSha256: state.start.sha256,
    startBytes: state.start.bytes,
    baseSha256: next.parameters.sha256,
    baseBytes: next.parameters.bytes,
    stateSha256: next.strategyState?.sha256 ?? null,
    stateBytes: next.strategyState?.bytes ?? null,
    completed: state.completed,
    bestRound: best?.round ?? null,
    bestScore: best?.score ?? null,
    bestSha256: best?.result.parameters.sha256 ?? null,
    bestBytes: best?.result.parameters.bytes ?? null,
    bestStateSha256: best?.result.strategyState?.sha256 ?? null,
    bestStateBytes: best?.result.strategyState?.bytes ?? null,
    sinceBest: state.sinceBest,
    misses: state.misses,
    attempt: state.round?.attempt ?? null,
  };
}

/** The columns of a round that a transition changes. */
export function roundColumns(round: RoundState) {
  const opened = openedOf(round);
  const result = 'result' in round ? round.result : null;
  return {
    number: round.number,
    phase: round.phase,
    baseSha256: round.from.parameters.sha256,
    baseBytes: round.from.parameters.bytes,
    stateSha256: round.from.strategyState?.sha256 ?? null,
    stateBytes: round.from.strategyState?.bytes ?? null,
    cohort: [...(opened?.cohort ?? [])],
    quorum: opened?.quorum ?? null,
    declines: [...(opened?.declines ?? [])],
    roundKey: opened?.roundKey ?? null,
    ...(opened && { terms: json(opened.terms) }),
    openedAt: time(opened?.openedAt ?? null),
    deadlineAt: time(opened?.deadlineAt ?? null),
    closedAt: time('closedAt' in round ? round.closedAt : null),
    resultSha256: result?.parameters.sha256 ?? null,
    resultBytes: result?.parameters.bytes ?? null,
    resultStateSha256: result?.strategyState?.sha256 ?? null,
    resultStateBytes: result?.strategyState?.bytes ?? null,
    reason: round.phase === 'failed' ? round.reason : null,
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

/** @throws LENTIGO_INTERNAL when the row lacks what its phase needs */
function roundState(row: RoundRow): RoundState {
  const { number, id: attempt, phase } = row;
  const from: Checkpoint = {
    parameters: { sha256: row.baseSha256, bytes: row.baseBytes },
    strategyState: blob(row.stateSha256, row.stateBytes),
  };
  const at = { number, attempt, from };
  const needed = <T>(value: T | null, what: string): T => {
    if (value === null)
      throw new LentigoError('LENTIGO_INTERNAL', `Attempt ${attempt} is ${phase} without ${what}.`);
    return value;
  };
  const opened = openedColumns(row);
  const result = (): Checkpoint => ({
    parameters: needed(blob(row.resultSha256, row.resultBytes), 'a result'),
    strategyState: blob(row.resultStateSha256, row.resultStateBytes),
  });
  const closedAt = () => needed(milliseconds(row.closedAt), 'the time it ended');
  switch (phase) {
    case 'planned':
      return { ...at, phase };
    case 'open':
    case 'aggregating':
      return { ...at, ...needed(opened, 'having been opened'), phase };
    case 'evaluating':
      return { ...at, phase, opened, result: result() };
    case 'closed':
      return { ...at, phase, opened, result: result(), closedAt: closedAt() };
    case 'failed':
      return { ...at, phase, opened, reason: needed(row.reason, 'a reason'), closedAt: closedAt() };
  }
}

/** Null where the round never opened. */
function openedColumns(row: RoundRow): Opened | null {
  const { cohort, roundKey, terms, quorum, openedAt, deadlineAt, updates } = row;
  if (
    roundKey === null ||
    terms === null ||
    quorum === null ||
    openedAt === null ||
    deadlineAt === null
  )
    return null;
  return {
    cohort,
    roundKey,
    terms: signedText(terms),
    quorum,
    openedAt: openedAt.getTime(),
    deadlineAt: deadlineAt.getTime(),
    updates: updates.map(acceptedUpdate),
    declines: declined(row.declines),
  };
}

export function roundRecord(row: RoundRow): RoundRecord {
  return {
    number: row.number,
    attempt: row.id,
    phase: row.phase,
    base: { sha256: row.baseSha256, bytes: row.baseBytes },
    cohort: row.cohort,
    plannedAt: row.plannedAt.getTime(),
    openedAt: milliseconds(row.openedAt),
    deadlineAt: milliseconds(row.deadlineAt),
    closedAt: milliseconds(row.closedAt),
    updates: row.updates.map((update) => ({
      ...acceptedUpdate(update),
      acceptedAt: update.acceptedAt.getTime(),
    })),
    declines: declined(row.declines),
    bytesDown: Number(row.bytesDown),
    result: blob(row.resultSha256, row.resultBytes),
    reason: row.reason,
  };
}

export function studyRecord(row: StudyRow): StudyRecord {
  const bestResult = blob(row.bestSha256, row.bestBytes);
  return {
    state: {
      id: row.id,
      version: row.version,
      config: NamedStudyConfig.parse(row.config),
      status: row.status,
      reason: row.reason,
      start: { sha256: row.startSha256, bytes: row.startBytes },
      next: {
        parameters: { sha256: row.baseSha256, bytes: row.baseBytes },
        strategyState: blob(row.stateSha256, row.stateBytes),
      },
      completed: row.completed,
      best:
        row.bestRound === null || row.bestScore === null || bestResult === null
          ? null
          : {
              round: row.bestRound,
              score: row.bestScore,
              result: {
                parameters: bestResult,
                strategyState: blob(row.bestStateSha256, row.bestStateBytes),
              },
            },
      sinceBest: row.sinceBest,
      misses: row.misses,
      round: row.current && roundState(row.current),
    },
    publicKey: row.publicKey,
    architecture: row.architecture,
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

const Declines = z.array(Declined);
/** The clinics that declined, as the column holds them. */
export const declined = (column: unknown): readonly Declined[] => Declines.parse(column);

export function signedText(column: Prisma.JsonValue): Signed {
  return Signed.parse(column);
}
