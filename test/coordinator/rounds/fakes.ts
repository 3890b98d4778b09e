// What rounds need of the world, in memory: a store that keeps the promises of the real one, and
// fails when a test says so.
import { pino } from 'pino';
import { LentigoError, type ErrorCode } from '../../../common/errors.js';
import type { Signed } from '../../../common/protocol/round.js';
import { StudyConfig } from '../../../common/protocol/study.js';
import type { RoundFiles, StudyStore } from '../../../coordinator/rounds/ports.js';
import type {
  AuditEvent,
  Changes,
  ClinicRecord,
  ClinicState,
  Committed,
  NewEvaluation,
  NewStudy,
  StudyRecord,
} from '../../../coordinator/rounds/records.js';
import { openedOf, type StudyState } from '../../../coordinator/rounds/state.js';
import { aStudy, sha256 } from '../storage/fixtures.js';

export const silent = pino({ level: 'silent' });

/** A draft that trains nano's classifier. */
export function smallStudy(changes: Partial<StudyState> = {}): NewStudy {
  const study = aStudy();
  const config = StudyConfig.parse({
    name: 'Small',
    model: 'nano',
    training: { trainFrom: 'classifier' },
    cohort: { minimum: 1, quorum: 1, deadlineSeconds: 60 },
    evaluation: { data: 'synthetic:site=1' },
  });
  return { ...study, state: { ...study.state, config, ...changes } };
}

export const error = (code: ErrorCode, message = 'as the test wants it'): LentigoError =>
  new LentigoError(code, message);

type Method = keyof StudyStore;

export class MemoryStore implements StudyStore {
  readonly #studies = new Map<string, StudyRecord>();
  readonly #clinics = new Map<string, ClinicRecord>();
  readonly #receipts = new Map<string, { sha256: string; receipt: Signed }>();
  readonly #evaluations: (NewEvaluation & { study: string; round: number })[] = [];
  readonly traffic = new Map<string, number>();
  readonly audit: AuditEvent[] = [];
  /** Every call, in the order in which they came. */
  readonly calls: Method[] = [];
  /** The next calls of a method fail with these, and do nothing. */
  readonly fails: Partial<Record<Method, LentigoError[]>> = {};
  /** The next transitions are stored, and fail with these all the same: the answer is lost. */
  readonly lost: LentigoError[] = [];
  /** Awaited by each call before it does anything. */
  gate: (method: Method) => Promise<void> | void = () => undefined;

  async #called(method: Method): Promise<void> {
    this.calls.push(method);
    await this.gate(method);
    const failure = this.fails[method]?.shift();
    if (failure) throw failure;
  }

  /** What is stored, without a call. */
  stored(id: string): StudyState {
    return this.#studies.get(id)!.state;
  }
  /** What another process writes. */
  overwrite(state: StudyState): void {
    const record = this.#studies.get(state.id)!;
    this.#studies.set(state.id, {
      ...record,
      state: { ...state, version: record.state.version + 1 },
    });
  }
  addClinic(study: string, id: string, state: ClinicState = 'approved', key = 'key'): ClinicRecord {
    const record: ClinicRecord = {
      id,
      study,
      name: id,
      key,
      state,
      enrolledAt: 0,
      decidedAt: null,
    };
    this.#clinics.set(`${study}/${id}`, record);
    return record;
  }
  #append(audit: readonly AuditEvent[]): string {
    this.audit.push(...audit);
    return sha256(JSON.stringify(this.audit));
  }

  async study(id: string): Promise<StudyRecord> {
    await this.#called('study');
    const record = this.#studies.get(id);
    if (!record) throw error('LENTIGO_STUDY_UNKNOWN');
    return record;
  }
  async studies(): Promise<StudyRecord[]> {
    await this.#called('studies');
    return [...this.#studies.values()];
  }
  async createStudy(study: NewStudy, audit: readonly AuditEvent[]): Promise<Committed> {
    await this.#called('createStudy');
    const auditHead = this.#append(audit);
    this.#studies.set(study.state.id, { ...study, createdAt: 0, auditHead });
    return { version: study.state.version, auditHead };
  }
  async transition(next: StudyState, changes: Changes): Promise<Committed> {
    await this.#called('transition');
    const record = this.#studies.get(next.id)!;
    if (record.state.version !== next.version) throw error('LENTIGO_STUDY_CHANGED');
    const version = next.version + 1;
    const auditHead = this.#append(changes.audit);
    this.#studies.set(next.id, { ...record, state: { ...next, version }, auditHead });
    if (changes.evaluation)
      this.#evaluations.push({
        ...changes.evaluation,
        study: next.id,
        round: next.round!.number,
      });
    let receipt: Signed | undefined;
    if (changes.update) {
      const { clinic } = changes.update;
      receipt = await changes.update.receipt(auditHead);
      const update = openedOf(next.round!)!.updates.find((u) => u.clinic === clinic)!;
      this.#receipts.set(`${next.round!.attempt}/${clinic}`, { sha256: update.sha256, receipt });
    }
    const failure = this.lost.shift();
    if (failure) throw failure;
    return receipt ? { version, auditHead, receipt } : { version, auditHead };
  }
  async record(study: string, audit: readonly AuditEvent[]): Promise<Committed> {
    await this.#called('record');
    return { version: this.stored(study).version, auditHead: this.#append(audit) };
  }
  async clinics(study: string): Promise<ClinicRecord[]> {
    await this.#called('clinics');
    return [...this.#clinics.values()].filter((c) => c.study === study);
  }
  async clinic(study: string, clinic: string): Promise<ClinicRecord> {
    await this.#called('clinic');
    return this.#clinics.get(`${study}/${clinic}`)!;
  }
  async setClinicState(
    study: string,
    clinic: string,
    state: Exclude<ClinicState, 'pending'>,
  ): Promise<ClinicRecord> {
    await this.#called('setClinicState');
    return this.addClinic(study, clinic, state);
  }
  async receipt(
    attempt: string,
    clinic: string,
  ): Promise<{ sha256: string; receipt: Signed } | null> {
    await this.#called('receipt');
    return this.#receipts.get(`${attempt}/${clinic}`) ?? null;
  }
  async evaluations(
    study: string,
    from: number,
    to: number,
  ): Promise<(NewEvaluation & { round: number })[]> {
    await this.#called('evaluations');
    return this.#evaluations.filter((e) => e.study === study && e.round >= from && e.round <= to);
  }
  async addTraffic(attempt: string, bytes: number): Promise<void> {
    await this.#called('addTraffic');
    this.traffic.set(attempt, (this.traffic.get(attempt) ?? 0) + bytes);
  }
}

/** A promise, and how it is kept. */
export function promised<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((res, rej) => ([resolve, reject] = [res, rej]));
  return { promise, resolve, reject };
}

/** Lets everything happen that waits for nothing but other promises. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** A round's files by their paths; the bytes are whatever the test says. */
export class MemoryFiles implements RoundFiles {
  readonly keys = new Map<string, Uint8Array>();
  readonly placed = new Set<string>();

  async saveKey(attempt: string, key: Uint8Array): Promise<void> {
    this.keys.set(attempt, key);
  }
  async loadKey(attempt: string): Promise<Uint8Array> {
    const key = this.keys.get(attempt);
    if (!key) throw error('LENTIGO_ROUND_UNKNOWN');
    return key;
  }
  path(attempt: string, clinic: string): string {
    return `${attempt}/${clinic}.sealed`;
  }
  scratch(attempt: string, name: string): string {
    return `${attempt}/${name}.new`;
  }
  async has(attempt: string, clinic: string): Promise<boolean> {
    return this.placed.has(this.path(attempt, clinic));
  }
  async adopt(attempt: string, clinic: string): Promise<void> {
    this.placed.add(this.path(attempt, clinic));
  }
  async discard(attempt: string, clinic: string): Promise<void> {
    this.placed.delete(this.path(attempt, clinic));
  }
  async forget(attempt: string): Promise<void> {
    this.keys.delete(attempt);
    for (const path of this.placed) if (path.startsWith(attempt)) this.placed.delete(path);
  }
  async attempts(): Promise<string[]> {
    return [...this.keys.keys()];
  }
}
