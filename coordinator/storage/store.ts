// The coordinator's memory: studies, clinics, rounds, updates, evaluations and the audit chain.
// Every write is one transaction together with its audit entries.
import { v7 as uuidv7 } from 'uuid';
import { LentigoError } from '../../common/errors.js';
import type { Signed } from '../../common/protocol/round.js';
import { openedOf, type RoundState, type StudyState } from '../rounds/state.js';
import { CHAIN_START, canonicalJson, chainHash } from './audit.js';
import type { Database, Transaction } from './database.js';
import { databaseError, isUniqueViolation } from './database-errors.js';
import type { PrismaClient } from './generated/client.js';
import type {
  AuditRecord,
  Enrolment,
  EvaluationRecord,
  InvitationRecord,
  NewInvitation,
  RoundRecord,
  RoundSum,
  ClinicSum,
} from './records.js';
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
} from '../rounds/records.js';
import {
  auditRecord,
  clinicRecord,
  declined,
  evaluationRecord,
  invitationRecord,
  json,
  roundColumns,
  roundRecord,
  signedText,
  studyColumns,
  studyRecord,
  WITH_ROUND,
  WITH_UPDATES,
} from './rows.js';

/** How many audit entries are verified at a time. */
const PAGE = 1000;

/**
 * A study's row, locked until the transaction ends: the writers of one study queue here, so that
 * its chain never forks.
 */
interface LockedStudy {
  readonly id: string;
  readonly version: number;
  readonly auditSeq: number;
  readonly auditHead: string;
}

/**
 * @example
 * const store = new Store(await openDatabase({ dataDir }));
 * const { state } = await store.study(id);
 * await store.transition({ ...state, status: 'running' }, { audit: [{ actor: 'admin', action:
 * 'study-started' }] });
 */
export class Store {
  readonly #prisma: PrismaClient;
  readonly #now: Clock;
  readonly #listeners: ((study: string) => void)[] = [];

  constructor(database: Database, now: Clock = Date.now) {
    this.#prisma = database.prisma;
    this.#now = now;
  }

  /** Called after each committed write, with the study that it concerned. */
  onChange(listener: (study: string) => void): void {
    this.#listeners.push(listener);
  }

  // ── reading ──

  /** @throws LENTIGO_STUDY_UNKNOWN */
  async study(id: string): Promise<StudyRecord> {
    const row = await reporting(() =>
      this.#prisma.study.findUnique({ where: { id }, include: WITH_ROUND }),
    );
    if (row === null) throw unknownStudy(id);
    return studyRecord(row);
  }

  /** All studies, the oldest first. */
  async studies(): Promise<StudyRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.study.findMany({
        include: WITH_ROUND,
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      }),
    );
    return rows.map(studyRecord);
  }

  /** In clinic-id order. */
  async clinics(studyId: string): Promise<ClinicRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.clinic.findMany({ where: { studyId }, orderBy: { id: 'asc' } }),
    );
    return rows.map(clinicRecord);
  }

  /** @throws LENTIGO_CLINIC_UNKNOWN */
  async clinic(studyId: string, clinicId: string): Promise<ClinicRecord> {
    const row = await reporting(() =>
      this.#prisma.clinic.findUnique({ where: { studyId_id: { studyId, id: clinicId } } }),
    );
    if (row === null) throw unknownClinic(studyId, clinicId);
    return clinicRecord(row);
  }

  /** The oldest first. */
  async invitations(studyId: string): Promise<InvitationRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.invitation.findMany({
        where: { studyId },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      }),
    );
    return rows.map(invitationRecord);
  }

  /**
   * Every attempt at every round with its updates: by round number, then by when it was planned.
   */
  async rounds(studyId: string): Promise<RoundRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.round.findMany({
        where: { studyId },
        include: WITH_UPDATES,
        orderBy: [{ number: 'asc' }, { plannedAt: 'asc' }, { id: 'asc' }],
      }),
    );
    return rows.map(roundRecord);
  }

  /**
   * Every attempt at every round from this number on, summed up: by round number, then by when it
   * was planned.
   */
  async roundSums(studyId: string, from = 0): Promise<RoundSum[]> {
    const rows = await reporting(
      () => this.#prisma.$queryRaw<RoundSumRow[]>`
      SELECT r."number", r."id" AS "attempt", r."phase"::text, r."reason", r."declines", cardinality(r."cohort") AS "cohort", r."bytesDown"::float8,
        r."plannedAt", r."openedAt", r."deadlineAt", r."closedAt",
        count(u."clinicId")::int AS "returned", coalesce(sum(u."samples"), 0)::float8 AS "samples", coalesce(sum(u."bytes"), 0)::float8 AS "bytesUp"
      FROM "Round" r LEFT JOIN "Update" u ON u."attempt" = r."id"
      WHERE r."studyId" = ${studyId} AND r."number" >= ${from}
      GROUP BY r."id" ORDER BY r."number", r."plannedAt", r."id"`,
    );
    return rows.map((row) => ({
      ...row,
      declines: declined(row.declines),
      plannedAt: row.plannedAt.getTime(),
      openedAt: row.openedAt?.getTime() ?? null,
      deadlineAt: row.deadlineAt?.getTime() ?? null,
      closedAt: row.closedAt?.getTime() ?? null,
    }));
  }

  /**
   * What each clinic has sent over all rounds, by clinic id; `samples` of its last update (it trains
   * on the same photographs in every round), `seconds` from announcements to receipts.
   */
  async clinicSums(studyId: string): Promise<Map<string, ClinicSum>> {
    const rows = await reporting(
      () => this.#prisma.$queryRaw<(ClinicSum & { clinic: string })[]>`
      SELECT u."clinicId" AS "clinic", count(*)::int AS "updates", (array_agg(u."samples" ORDER BY r."number" DESC, u."acceptedAt" DESC))[1] AS "samples",
        sum(u."bytes")::float8 AS "bytes", coalesce(sum(extract(epoch FROM u."acceptedAt" - r."openedAt")), 0)::float8 AS "seconds"
      FROM "Update" u JOIN "Round" r ON r."id" = u."attempt" WHERE u."studyId" = ${studyId} GROUP BY u."clinicId"`,
    );
    return new Map(rows.map(({ clinic, ...sum }) => [clinic, sum]));
  }

  /** One round's attempts with their updates. */
  async round(studyId: string, number: number): Promise<RoundRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.round.findMany({
        where: { studyId, number },
        include: WITH_UPDATES,
        orderBy: [{ plannedAt: 'asc' }, { id: 'asc' }],
      }),
    );
    return rows.map(roundRecord);
  }

  /** By round number, from this one on. */
  async evaluations(studyId: string, from = 0, to?: number): Promise<EvaluationRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.evaluation.findMany({
        where: { round: { studyId, number: { gte: from, ...(to !== undefined && { lte: to }) } } },
        include: { round: { select: { number: true } } },
        orderBy: [{ round: { number: 'asc' } }, { evaluatedAt: 'asc' }],
      }),
    );
    return rows.map(evaluationRecord);
  }

  /** The study's whole audit chain, in order. */
  async audit(studyId: string): Promise<AuditRecord[]> {
    const rows = await reporting(() =>
      this.#prisma.auditEntry.findMany({ where: { studyId }, orderBy: { seq: 'asc' } }),
    );
    return rows.map(auditRecord);
  }

  /**
   * The audit entries after number `after`, or the last ones before number `before`; at most
   * `limit`, in order.
   */
  async auditPart(
    studyId: string,
    {
      after,
      before,
      limit,
    }: { readonly after?: number; readonly before?: number; readonly limit: number },
  ): Promise<AuditRecord[]> {
    const where = {
      studyId,
      seq: after !== undefined ? { gt: after } : { lt: before ?? 2 ** 31 - 1 },
    };
    const rows = await reporting(() =>
      this.#prisma.auditEntry.findMany({
        where,
        orderBy: { seq: after !== undefined ? 'asc' : 'desc' },
        take: limit,
      }),
    );
    return rows.map(auditRecord).toSorted((a, b) => a.seq - b.seq);
  }

  /**
   * The receipt of a clinic's accepted update in an attempt, and the SHA-256 of the sealed bytes
   * that it is for; null without one.
   */
  async receipt(
    attempt: string,
    clinicId: string,
  ): Promise<{ readonly sha256: string; readonly receipt: Signed } | null> {
    const row = await reporting(() =>
      this.#prisma.update.findUnique({
        where: { attempt_clinicId: { attempt, clinicId } },
        select: { sha256: true, receipt: true },
      }),
    );
    return row && { sha256: row.sha256, receipt: signedText(row.receipt) };
  }

  /**
   * Computes the study's audit chain again. `brokenAt` is the number of the first entry that is
   * altered, missing or out of
   * its place; one beyond the last entry when entries were cut off the end.
   * @throws LENTIGO_STUDY_UNKNOWN
   */
  async verifyAudit(
    studyId: string,
  ): Promise<
    | { readonly ok: true; readonly entries: number }
    | { readonly ok: false; readonly brokenAt: number }
  > {
    const study = await reporting(() =>
      this.#prisma.study.findUnique({
        where: { id: studyId },
        select: { auditSeq: true, auditHead: true },
      }),
    );
    if (study === null) throw unknownStudy(studyId);
    let previous = CHAIN_START;
    // up to the head that was read: what others append meanwhile is not its concern
    for (let seq = 1; seq <= study.auditSeq;) {
      const page = await reporting(() =>
        this.#prisma.auditEntry.findMany({
          where: { studyId, seq: { gte: seq, lte: study.auditSeq } },
          orderBy: { seq: 'asc' },
          take: PAGE,
        }),
      );
      if (page.length === 0) return { ok: false, brokenAt: seq };
      for (const { at, actor, action, detail, ...entry } of page) {
        const hash = chainHash({
          previous,
          seq,
          study: studyId,
          at: at.getTime(),
          actor,
          action,
          detail,
        });
        if (entry.seq !== seq || entry.previous !== previous || entry.hash !== hash)
          return { ok: false, brokenAt: seq };
        previous = hash;
        seq++;
      }
    }
    return previous === study.auditHead
      ? { ok: true, entries: study.auditSeq }
      : { ok: false, brokenAt: study.auditSeq };
  }

  // ── writing ──

  /** Writes a new study and the first entries of its audit chain. `state.id` must be new. */
  async createStudy(
    { state, publicKey, architecture, labels }: NewStudy,
    audit: readonly AuditEvent[],
  ): Promise<Committed> {
    return this.#transaction(state.id, async (tx, at) => {
      const empty = { id: state.id, version: state.version, auditSeq: 0, auditHead: CHAIN_START };
      await tx.study.create({
        data: {
          ...empty,
          ...studyColumns({ ...state, round: null }),
          publicKey,
          architecture,
          labels: json(labels),
          createdAt: at,
          updatedAt: at,
        },
      });
      if (state.round) {
        await writeRound(tx, state.id, state.round, at);
        await tx.study.update({ where: { id: state.id }, data: { attempt: state.round.attempt } });
      }
      return { version: state.version, auditHead: await append(tx, empty, audit, at) };
    });
  }

  /**
   * Writes a study's next state and everything that belongs to the same step, in one transaction:
   * round, new update with its receipt, evaluation, audit entries. When the promise resolves all of
   * it is stored; when it rejects, nothing is.
   * The accepted updates of a round are those stored one by one with `changes.update`; a state that
   * says otherwise is refused (LENTIGO_INTERNAL).
   * @param next computed from the stored state, whose version it carries
   * @throws LENTIGO_STUDY_CHANGED when another version is stored by now; LENTIGO_UPDATE_CONFLICT
   *   when the clinic already has an update in this attempt; LENTIGO_STUDY_UNKNOWN
   */
  async transition(next: StudyState, changes: Changes): Promise<Committed> {
    return this.#transaction(next.id, async (tx, at) => {
      const study = await lockStudy(tx, next.id);
      if (study.version !== next.version)
        throw new LentigoError(
          'LENTIGO_STUDY_CHANGED',
          `Study ${next.id} is at version ${study.version} by now; this step was computed from ${next.version}.`,
        );
      const version = study.version + 1;
      if (next.round) await writeRound(tx, next.id, next.round, at);
      await tx.study.update({
        where: { id: next.id },
        data: { ...studyColumns(next), version, updatedAt: at },
      });
      if (changes.evaluation) await writeEvaluation(tx, changes.evaluation, at);
      const revoked =
        changes.withdrawn === undefined
          ? []
          : await decide(tx, study.id, changes.withdrawn, 'revoked', 'admin', at);
      const auditHead = await append(tx, study, [...revoked, ...changes.audit], at);
      const receipt =
        changes.update && (await writeUpdate(tx, next, changes.update, auditHead, at));
      if (changes.withdrawn !== undefined && next.round)
        await tx.update.deleteMany({
          where: { attempt: next.round.attempt, clinicId: changes.withdrawn },
        });
      if (next.round) await checkUpdates(tx, next.round);
      return receipt ? { version, auditHead, receipt } : { version, auditHead };
    });
  }

  /** Records an event that changes no state, such as a refused update. */
  async record(studyId: string, audit: readonly AuditEvent[]): Promise<Committed> {
    return this.#transaction(studyId, async (tx, at) => {
      const study = await lockStudy(tx, studyId);
      return { version: study.version, auditHead: await append(tx, study, audit, at) };
    });
  }

  /** Counts bytes of models that clinics downloaded for an attempt; of one that is unknown, nothing. */
  async addTraffic(attempt: string, bytes: number): Promise<void> {
    const [round] = await reporting(
      () => this.#prisma.$queryRaw<{ studyId: string }[]>`
      UPDATE "Round" SET "bytesDown" = "bytesDown" + ${bytes}::bigint WHERE "id" = ${attempt} RETURNING "studyId"`,
    );
    if (round) for (const listener of this.#listeners) listener(round.studyId);
  }

  /** Stores an invitation by the hash of its secret. @throws LENTIGO_STUDY_UNKNOWN */
  async invite(
    studyId: string,
    { clinicName, secretHash, expiresAt }: NewInvitation,
    actor: string,
  ): Promise<InvitationRecord> {
    return this.#transaction(studyId, async (tx, at) => {
      const study = await lockStudy(tx, studyId);
      const id = uuidv7();
      const row = await tx.invitation.create({
        data: {
          id,
          studyId,
          clinicName,
          secretHash,
          expiresAt: new Date(expiresAt),
          createdAt: at,
        },
      });
      await append(
        tx,
        study,
        [
          {
            actor,
            action: 'clinic-invited',
            detail: { invitation: id, clinicName, expires: new Date(expiresAt).toISOString() },
          },
        ],
        at,
      );
      return invitationRecord(row);
    });
  }

  /**
   * Requires an invitation to the study that a clinic can still enrol with.
   * @throws LENTIGO_INVITATION_INVALID, LENTIGO_INVITATION_OTHER_STUDY, LENTIGO_INVITATION_USED,
   *   LENTIGO_INVITATION_EXPIRED
   */
  async requireInvitation(studyId: string, secretHash: string): Promise<void> {
    await reporting(async () =>
      requireUnused(await invitationOf(this.#prisma, studyId, secretHash), new Date(this.#now())),
    );
  }

  /**
   * Enrols a clinic's key with an invitation, which works once. The key that used it gets the
   * clinic's present state again,
   * also after it expired; a key that the study knows already keeps its state, and uses the
   * invitation up.
   * @throws LENTIGO_INVITATION_INVALID, LENTIGO_INVITATION_OTHER_STUDY, LENTIGO_INVITATION_USED,
   *   LENTIGO_INVITATION_EXPIRED, LENTIGO_STUDY_UNKNOWN
   */
  async enrol(
    studyId: string,
    { secretHash, clinicId, key, name }: Enrolment,
  ): Promise<ClinicRecord> {
    return this.#transaction(studyId, async (tx, at) => {
      // two enrolments with one invitation take turns here
      const study = await lockStudy(tx, studyId);
      const invitation = await invitationOf(tx, studyId, secretHash);
      if (invitation.clinic?.id === clinicId) return clinicRecord(invitation.clinic);
      requireUnused(invitation, at);
      const where = { studyId_id: { studyId, id: clinicId } };
      const clinic = await tx.clinic.upsert({
        where,
        update: {},
        create: { studyId, id: clinicId, name, key, state: 'pending', enrolledAt: at },
      });
      await tx.invitation.update({ where: { secretHash }, data: { usedAt: at, usedBy: clinicId } });
      await append(
        tx,
        study,
        [
          {
            actor: clinicId,
            action: 'clinic-enrolled',
            detail: { name, key, invitation: invitation.id },
          },
        ],
        at,
      );
      return clinicRecord(clinic);
    });
  }

  /**
   * Approves or revokes a clinic; again is no change and no entry. @throws LENTIGO_CLINIC_UNKNOWN,
   * LENTIGO_STUDY_UNKNOWN
   */
  async setClinicState(
    studyId: string,
    clinicId: string,
    state: Exclude<ClinicState, 'pending'>,
    actor: string,
  ): Promise<ClinicRecord> {
    return this.#transaction(studyId, async (tx, at) => {
      const study = await lockStudy(tx, studyId);
      await append(tx, study, await decide(tx, studyId, clinicId, state, actor, at), at);
      return clinicRecord(
        await tx.clinic.findUniqueOrThrow({ where: { studyId_id: { studyId, id: clinicId } } }),
      );
    });
  }

  async #transaction<T>(
    study: string,
    work: (tx: Transaction, at: Date) => Promise<T>,
  ): Promise<T> {
    const done = await reporting(() =>
      this.#prisma.$transaction((tx) => work(tx, new Date(this.#now()))),
    );
    for (const listener of this.#listeners) listener(study);
    return done;
  }
}

/** As PostgreSQL gives it. */
type RoundSumRow = Omit<RoundSum, 'plannedAt' | 'openedAt' | 'deadlineAt' | 'closedAt'> & {
  plannedAt: Date;
  openedAt: Date | null;
  deadlineAt: Date | null;
  closedAt: Date | null;
};

const unknownStudy = (id: string) =>
  new LentigoError('LENTIGO_STUDY_UNKNOWN', `There is no study ${id}.`);
const unknownClinic = (study: string, id: string) =>
  new LentigoError('LENTIGO_CLINIC_UNKNOWN', `Clinic ${id} is not enrolled in study ${study}.`);

/** Runs a query; its failure comes out as a LentigoError. */
async function reporting<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (thrown) {
    throw databaseError(thrown);
  }
}

async function lockStudy(tx: Transaction, id: string): Promise<LockedStudy> {
  const [row] = await tx.$queryRaw<
    LockedStudy[]
  >`SELECT "id", "version", "auditSeq", "auditHead" FROM "Study" WHERE "id" = ${id} FOR UPDATE`;
  if (!row) throw unknownStudy(id);
  return row;
}

/** @throws LENTIGO_INVITATION_INVALID, LENTIGO_INVITATION_OTHER_STUDY */
async function invitationOf(
  tx: Pick<Transaction, 'invitation'>,
  studyId: string,
  secretHash: string,
) {
  const invitation = await tx.invitation.findUnique({
    where: { secretHash },
    include: { clinic: true },
  });
  if (invitation === null)
    throw new LentigoError(
      'LENTIGO_INVITATION_INVALID',
      `No study of this coordinator gave out this invitation.`,
    );
  if (invitation.studyId !== studyId)
    throw new LentigoError(
      'LENTIGO_INVITATION_OTHER_STUDY',
      `The invitation is for study ${invitation.studyId}, not for ${studyId}.`,
    );
  return invitation;
}

/** @throws LENTIGO_INVITATION_USED, LENTIGO_INVITATION_EXPIRED */
function requireUnused(
  { usedAt, expiresAt }: { readonly usedAt: Date | null; readonly expiresAt: Date },
  at: Date,
): void {
  if (usedAt)
    throw new LentigoError(
      'LENTIGO_INVITATION_USED',
      `Another clinic enrolled with this invitation at ${usedAt.toISOString()}.`,
    );
  if (expiresAt <= at)
    throw new LentigoError(
      'LENTIGO_INVITATION_EXPIRED',
      `The invitation expired at ${expiresAt.toISOString()}.`,
    );
}

/** Appends entries to the study's chain. @returns its new head. */
async function append(
  tx: Transaction,
  study: LockedStudy,
  audit: readonly AuditEvent[],
  at: Date,
): Promise<string> {
  let { auditSeq: seq, auditHead: previous } = study;
  const entries = audit.map(({ actor, action, detail = null }) => {
    const fields = { previous, seq: ++seq, actor, action, detail: canonicalJson(detail) };
    previous = chainHash({ ...fields, study: study.id, at: at.getTime() });
    return { ...fields, studyId: study.id, at, hash: previous };
  });
  if (entries.length > 0) {
    await tx.auditEntry.createMany({ data: entries });
    await tx.study.update({
      where: { id: study.id },
      data: { auditSeq: seq, auditHead: previous },
    });
  }
  return previous;
}

/**
 * Gives a clinic its state. @returns the audit event of it; none when it had that state already.
 */
async function decide(
  tx: Transaction,
  studyId: string,
  clinicId: string,
  state: Exclude<ClinicState, 'pending'>,
  actor: string,
  at: Date,
): Promise<AuditEvent[]> {
  const where = { studyId_id: { studyId, id: clinicId } };
  const before = await tx.clinic.findUnique({ where });
  if (before === null) throw unknownClinic(studyId, clinicId);
  if (before.state === state) return [];
  await tx.clinic.update({ where, data: { state, decidedAt: at } });
  return [{ actor, action: `clinic-${state}`, detail: { clinic: clinicId, name: before.name } }];
}

async function writeRound(
  tx: Transaction,
  studyId: string,
  round: RoundState,
  at: Date,
): Promise<void> {
  const columns = roundColumns(round);
  await tx.round.upsert({
    where: { id: round.attempt },
    create: { ...columns, id: round.attempt, studyId, plannedAt: at },
    update: columns,
  });
}

async function writeEvaluation(
  tx: Transaction,
  { attempt, validation, heldout, seconds, model }: NewEvaluation,
  at: Date,
): Promise<void> {
  await tx.evaluation.create({
    data: {
      attempt,
      validation: json(validation),
      heldout: json(heldout),
      seconds,
      modelSha256: model.sha256,
      modelBytes: model.bytes,
      evaluatedAt: at,
    },
  });
}

async function writeUpdate(
  tx: Transaction,
  next: StudyState,
  { clinic, receipt }: NonNullable<Changes['update']>,
  auditHead: string,
  at: Date,
): Promise<Signed> {
  const update = next.round && openedOf(next.round)?.updates.find((u) => u.clinic === clinic);
  if (!next.round || !update)
    throw new LentigoError(
      'LENTIGO_INTERNAL',
      `The next state of study ${next.id} has no update of clinic ${clinic}.`,
    );
  const { attempt, number } = next.round;
  const promise = await receipt(auditHead);
  const { sha256, bytes, samples, norm } = update;
  try {
    await tx.update.create({
      data: {
        attempt,
        clinicId: clinic,
        studyId: next.id,
        sha256,
        bytes,
        samples,
        norm,
        receipt: json(promise),
        acceptedAt: at,
      },
    });
  } catch (thrown) {
    if (!isUniqueViolation(thrown)) throw thrown;
    throw new LentigoError(
      'LENTIGO_UPDATE_CONFLICT',
      `Clinic ${clinic} already has an update in round ${number} (attempt ${attempt}).`,
      { cause: thrown },
    );
  }
  return promise;
}

/**
 * A state must hold exactly the updates that are stored: it is computed from them again after a
 * restart.
 */
async function checkUpdates(tx: Transaction, round: RoundState): Promise<void> {
  const updates = openedOf(round)?.updates ?? [];
  const stored = await tx.update.findMany({
    where: { attempt: round.attempt },
    select: { clinicId: true, sha256: true },
  });
  const known = new Map(stored.map((row) => [row.clinicId, row.sha256]));
  if (known.size === updates.length && updates.every((u) => known.get(u.clinic) === u.sha256))
    return;
  throw new LentigoError(
    'LENTIGO_INTERNAL',
    `Round ${round.number} (attempt ${round.attempt}) says it has ${updates.length} updates, ${known.size} are stored.`,
  );
}
