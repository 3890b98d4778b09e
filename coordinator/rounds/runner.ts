// Runs one study: feeds the machine its events one at a time, writes each step to the database, and
// then performs its effects.
import { v7 as uuidv7 } from 'uuid';
import type { Logger } from 'pino';
import { toBase64 } from '../../common/crypto/base64.js';
import { sealedBytes } from '../../common/crypto/frames.js';
import { createRoundKey } from '../../common/crypto/identity.js';
import { signMessage } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { asLentigoError, type ErrorCode, LentigoError } from '../../common/errors.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type {
  Announcement,
  Receipt,
  RoundOver,
  Signed,
  StudyNotice,
  Submission,
} from '../../common/protocol/round.js';
import { ENCODINGS } from '../../common/update/encoding.js';
import { type ParameterSpec, sizeOf } from '../../common/update/parameter-set.js';
import type { Aggregator } from '../aggregation/aggregator.js';
import type { Evaluator } from '../evaluation/evaluator.js';
import type { Presence } from '../gateway/presence.js';
import { uploadIdOf } from '../access/tickets.js';
import type { Downloads } from '../http/blobs.js';
import type { Uploads } from '../http/uploads.js';
import type { Blobs } from '../storage/blobs.js';
import type { AuditEvent, Changes, ClinicRecord, Clock, StudyRecord } from '../storage/records.js';
import type { SealedUpdates } from '../storage/sealed.js';
import type { Store } from '../storage/store.js';
import { type Effect, type Event, pending, step } from './machine.js';
import { selectionScore } from '../../common/federation/selection.js';
import type { RoundState, StudyState } from './state.js';

export interface RunnerParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly sealed: SealedUpdates;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly aggregator: Aggregator;
  readonly evaluator: Evaluator;
  readonly presence: Presence;
  /** Told of a study whose evaluation got further. */
  readonly onEvaluating: (study: string) => void;
  readonly now: Clock;
  readonly log: Logger;
}

/** setTimeout takes at most 2³¹−1 ms; a longer deadline is looked at again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How soon work is tried again that found no database or no space, ms: at first, and at most. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/**
 * Nothing is wrong with the work: it is done as soon as the database answers, or the disk has
 * space.
 */
const WAITS = new Set<ErrorCode>(['LENTIGO_DATABASE', 'LENTIGO_DISK_FULL']);

/** An envelope's header and signature take less than this, bytes. */
const HEADER_ROOM_BYTES = 64 * 1024 + 1024;

/**
 * A clinic's first refusals in a round are each written to the audit log, with their number; then
 * the 200th, the 400th, the 800th, …: nobody fills it.
 */
const FIRST_REFUSALS = 100;
const isRecorded = (refusals: number): boolean =>
  refusals <= FIRST_REFUSALS || Number.isInteger(Math.log2(refusals / FIRST_REFUSALS));

/** Whole milliseconds. */
const since = (began: number): number => Math.round(performance.now() - began);

export class StudyRunner {
  readonly #study: StudyRecord;
  readonly #secretKey: Uint8Array;
  readonly #parts: RunnerParts;
  readonly #log: Logger;
  #state: StudyState;
  #queue: Promise<unknown> = Promise.resolve();
  #deadline: NodeJS.Timeout | undefined;
  /** When the attempt is due by the monotonic clock, which nobody sets; ms. */
  #due = { attempt: '', at: 0 };
  /**
   * The attempt and phase whose heavy work is under way, so that a pause and resume doesn't start
   * it twice.
   */
  #working = '';
  #evaluated: number | null = null;
  /** Bytes of its models that had been served when an attempt was first announced. */
  #served = { attempt: '', before: 0 };
  /** How many updates of each clinic were refused in this attempt. */
  #refused = { attempt: '', counts: new Map<string, number>() };
  #closed = false;
  /**
   * A step was not acknowledged by the database, which may hold it all the same: its state is read
   * again before anything else.
   */
  #uncertain = false;
  readonly #retries = new Set<NodeJS.Timeout>();
  readonly #accepting = new Map<string, { sha256: string; receipt: Promise<Signed> }>();

  constructor(study: StudyRecord, secretKey: Uint8Array, parts: RunnerParts) {
    this.#study = study;
    this.#secretKey = secretKey;
    this.#parts = parts;
    this.#state = study.state;
    this.#log = parts.log.child({ study: study.state.id });
  }
  get state(): StudyState {
    return this.#state;
  }
  /** The share of the evaluation in flight that is done, 0–1; null when none is. */
  get evaluated(): number | null {
    return this.#evaluated;
  }
  /** Carries on from the stored state, after creation or a restart. */
  begin(): void {
    for (const effect of pending(this.#state)) this.#perform(effect);
  }
  /**
   * Waits for the step in hand, and takes no further one: what is under way carries on after the
   * next start.
   */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#deadline);
    for (const retry of this.#retries) clearTimeout(retry);
    await this.#queue;
  }
  /** What a study coordinator asks for. @throws LENTIGO_STUDY_STATE */
  async request(type: 'start' | 'pause' | 'resume' | 'stop'): Promise<void> {
    await this.#serially(() =>
      this.#dispatch(type === 'stop' ? { type, now: this.#parts.now() } : { type }, {
        actor: 'admin',
      }),
    );
  }
  /**
   * Withdraws a clinic from the study, and from the open round with its update, in one step; and
   * ends its connection. @throws LENTIGO_CLINIC_UNKNOWN
   */
  async revoke(clinic: string): Promise<ClinicRecord> {
    const { store, presence, now } = this.#parts;
    const { id } = this.#state;
    const record = await this.#serially(async () => {
      const stepped = await this.#dispatch(
        { type: 'revoke', clinic, now: now() },
        { actor: 'admin', detail: { clinic } },
        { withdrawn: clinic },
      );
      return stepped
        ? store.clinic(id, clinic)
        : store.setClinicState(id, clinic, 'revoked', 'admin');
    });
    presence.dismiss(id, clinic);
    return record;
  }
  /** A clinic came or went: perhaps a waiting round can open. */
  presenceChanged(): void {
    if (this.#state.status === 'running' && this.#state.round?.phase === 'planned')
      this.#perform({ type: 'gather' });
  }
  notice(): StudyNotice {
    const { id, config, status, completed } = this.#state;
    return { study: id, name: config.name, status, round: completed, rounds: config.rounds };
  }
  /**
   * The open round's announcement, signed now with the time that remains, if the clinic is in its
   * cohort.
   */
  announcement(clinic: string): Signed | null {
    const { round } = this.#state;
    return round?.phase === 'open' && round.cohort.includes(clinic) ? this.#announce(round) : null;
  }
  /**
   * The round that an upload or submission is for, if this clinic may still send to it.
   * @throws LENTIGO_UPDATE_LATE, LENTIGO_ROUND_UNKNOWN, LENTIGO_UPDATE_OTHER_ROUND
   */
  openRound(clinic: string, wanted: { round: number; attempt: string }): RoundState {
    const { round } = this.#state;
    if (!round || wanted.round > round.number)
      throw new LentigoError(
        'LENTIGO_ROUND_UNKNOWN',
        `Round ${wanted.round} has not been announced.`,
      );
    if (round.attempt !== wanted.attempt || round.phase !== 'open')
      throw new LentigoError(
        'LENTIGO_UPDATE_LATE',
        `Round ${wanted.round} no longer takes updates.`,
      );
    if (round.number !== wanted.round || !round.cohort.includes(clinic)) {
      throw new LentigoError(
        'LENTIGO_UPDATE_OTHER_ROUND',
        `Clinic ${clinic} was not invited to round ${wanted.round}.`,
      );
    }
    return round;
  }
  /**
   * Counts an uploaded update, once: checks it, stores it for good, records it, and only then signs
   * the receipt.
   * The same bytes again get the same receipt.
   * @throws any LENTIGO_UPDATE_… when it is refused; the refusal is in the audit log, or counted by
   *   a later one there.
   */
  async accept(clinic: ClinicRecord, submission: Submission): Promise<Signed> {
    const known = await this.#parts.store.receipt(submission.attempt, clinic.id);
    if (known?.sha256 === submission.sha256) return known.receipt;
    const under = this.#accepting.get(clinic.id);
    if (under?.sha256 === submission.sha256) return under.receipt;
    // Counted while the database was asked: what the round counts must not be replaced on disk.
    const { round } = this.#state;
    if (
      !known &&
      round?.attempt === submission.attempt &&
      round.updates.some((u) => u.clinic === clinic.id)
    )
      return this.accept(clinic, submission);
    const receipt = this.#accept(clinic, submission, known !== null || under !== undefined);
    if (!under) this.#accepting.set(clinic.id, { sha256: submission.sha256, receipt });
    try {
      return await receipt;
    } catch (thrown) {
      const error = asLentigoError(thrown);
      this.#log.warn(
        { clinic: clinic.id, round: submission.round, code: error.code },
        `update refused: ${error.message}`,
      );
      // Nothing is wrong with the update: the clinic sends it again.
      if (WAITS.has(error.code) || error.code === 'LENTIGO_UNREACHABLE') throw thrown;
      const refusals = this.#countRefusal(clinic.id);
      if (!isRecorded(refusals)) throw thrown;
      const detail = {
        clinic: clinic.id,
        round: submission.round,
        attempt: submission.attempt,
        sha256: submission.sha256,
        code: error.code,
        refusals,
      };
      await this.#serially(() =>
        this.#parts.store.record(this.#state.id, [
          { actor: clinic.id, action: 'update-refused', detail },
        ]),
      );
      throw thrown;
    } finally {
      if (this.#accepting.get(clinic.id)?.receipt === receipt) this.#accepting.delete(clinic.id);
    }
  }

  /** @returns how often this clinic was refused since the round in flight began */
  #countRefusal(clinic: string): number {
    const attempt = this.#state.round?.attempt ?? '';
    if (this.#refused.attempt !== attempt) this.#refused = { attempt, counts: new Map() };
    const { counts } = this.#refused;
    counts.set(clinic, (counts.get(clinic) ?? 0) + 1);
    return counts.get(clinic)!;
  }

  async #accept(clinic: ClinicRecord, submission: Submission, another: boolean): Promise<Signed> {
    if (another)
      throw new LentigoError(
        'LENTIGO_UPDATE_CONFLICT',
        `Clinic ${clinic.id} already sent another update in round ${submission.round}.`,
      );
    const { store, sealed, uploads, aggregator } = this.#parts;
    const { attempt, base } = this.openRound(clinic.id, submission);
    const { id: study, config } = this.#state;
    const secretKey = await sealed.loadKey(attempt);
    // First moved to where no upload can change it, then checked. (A coordinator killed before
    // recording it left it there already.)
    const path = sealed.path(attempt, clinic.id);
    const upload = await uploads
      .finished(uploadIdOf({ attempt, clinic: clinic.id, sha256: submission.sha256 }))
      .catch(async (thrown: unknown) => {
        if (await sealed.has(attempt, clinic.id)) return null;
        throw thrown;
      });
    if (upload) await sealed.adopt(attempt, clinic.id, upload);
    const expected = {
      study,
      round: submission.round,
      attempt,
      clinic: clinic.id,
      clinicKey: clinic.key,
      base: base.sha256,
      count: this.#trainableCount(),
      encoding: config.updates.encoding,
      minSamples: config.updates.minSamples,
      maxSamples: config.updates.maxSamples,
      maxNorm: config.updates.maxNorm,
    };
    const began = performance.now();
    let checked;
    try {
      checked = await aggregator.check({ path, expected, roundSecretKey: secretKey });
      if (checked.sha256 !== submission.sha256)
        throw new LentigoError(
          'LENTIGO_UPDATE_ALTERED',
          'The uploaded bytes are not those that were submitted.',
        );
    } catch (thrown) {
      await sealed.discard(attempt, clinic.id);
      throw thrown;
    }
    this.#log.info(
      { clinic: clinic.id, round: submission.round, bytes: checked.bytes, ms: since(began) },
      'update checked',
    );
    const committed = await this.#serially(async () => {
      // the round may have closed while the update was checked
      this.openRound(clinic.id, submission);
      return this.#dispatch(
        { type: 'update', attempt, update: { clinic: clinic.id, ...checked } },
        {
          actor: clinic.id,
          detail: { clinic: clinic.id, round: submission.round, attempt, ...checked },
        },
        {
          update: {
            clinic: clinic.id,
            receipt: (audit) => {
              const receipt: Receipt = {
                study,
                round: submission.round,
                attempt,
                clinic: clinic.id,
                sha256: checked.sha256,
                samples: checked.samples,
                audit,
              };
              return signMessage(TAGS.receipt, receipt, this.#secretKey);
            },
          },
        },
      );
    });
    const again = committed?.receipt ?? (await store.receipt(attempt, clinic.id))?.receipt;
    if (!again)
      throw new LentigoError(
        'LENTIGO_UPDATE_LATE',
        `Round ${submission.round} closed while the update was checked.`,
      );
    return again;
  }

  /** The largest sealed update of this study, bytes: an upload can't announce more. */
  largestUpdate(): number {
    return (
      sealedBytes(
        ENCODINGS[this.#state.config.updates.encoding].encodedBytes(this.#trainableCount()),
      ) + HEADER_ROOM_BYTES
    );
  }

  #trainable(): ParameterSpec[] {
    return trainableSpecs(
      this.#study.architecture,
      this.#study.labels.names.length,
      this.#state.config.training.trainFrom,
    );
  }
  #trainableCount(): number {
    return this.#trainable().reduce((n, s) => n + sizeOf(s.shape), 0);
  }

  /**
   * One event through the machine: first the database, then the world. Null when the event changed
   * nothing.
   */
  async #dispatch(
    event: Event,
    audit: Omit<AuditEvent, 'action'>,
    changes: Omit<Changes, 'audit'> = {},
  ) {
    const before = this.#state;
    const { state, effects } = step(before, event);
    if (state === before) return null;
    let committed;
    try {
      committed = await this.#parts.store.transition(state, {
        ...changes,
        audit: [{ action: event.type, ...audit }],
      });
    } catch (thrown) {
      if (WAITS.has(asLentigoError(thrown).code)) {
        this.#uncertain = true;
        this.#later(() => this.#serially(async () => undefined));
      }
      throw thrown;
    }
    this.#state = state;
    this.#tell(before, state);
    for (const effect of effects) this.#perform(effect);
    return committed;
  }

  /** Goes on from what the database holds, when it is not known whether it took the last step. */
  async #reread(): Promise<void> {
    if (!this.#uncertain) return;
    const before = this.#state;
    const { state } = await this.#parts.store.study(before.id);
    this.#uncertain = false;
    this.#state = state;
    this.#tell(before, state);
    if (
      state.status === before.status &&
      state.round?.attempt === before.round?.attempt &&
      state.round?.phase === before.round?.phase
    )
      return;
    for (const effect of pending(state)) this.#perform(effect);
  }

  /** Tries again, ever more slowly, what found no database or no space. */
  #later(work: () => Promise<unknown>, after = RETRY_MS): void {
    if (this.#closed) return;
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      work().catch((thrown: unknown) => {
        if (this.#closed) return;
        this.#log.warn({ err: thrown }, 'tried again in vain');
        this.#later(work, Math.min(2 * after, LONGEST_RETRY_MS));
      });
    }, after);
    this.#retries.add(retry);
  }

  /** One after the other: no step of a study ever sees half of another. */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(async () => {
      if (this.#closed)
        throw new LentigoError('LENTIGO_UNREACHABLE', 'The coordinator is stopping.');
      await this.#reread();
      return work();
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Tells people and clinics what a step changed. */
  #tell(before: StudyState, after: StudyState): void {
    const { presence } = this.#parts;
    const { round } = after;
    if (round && round.phase !== before.round?.phase) {
      this.#log.info(
        {
          round: round.number,
          attempt: round.attempt,
          phase: round.phase,
          updates: round.updates.length,
          reason: round.reason,
        },
        `round ${round.number} ${round.phase}`,
      );
      if (round.cohort.length > 0 && (round.phase === 'closed' || round.phase === 'failed')) {
        const over: RoundOver = {
          round: round.number,
          attempt: round.attempt,
          outcome: round.phase === 'closed' ? 'aggregated' : 'failed',
        };
        presence.send(after.id, 'round-over', over);
      }
    }
    if (after.status !== before.status) {
      this.#log.info({ status: after.status, reason: after.reason }, `study ${after.status}`);
      presence.send(after.id, 'study', this.notice());
    }
  }

  #perform(effect: Effect): void {
    if (this.#closed) return;
    const attempt = this.#state.round?.attempt ?? '';
    this.#do(effect).catch(async (thrown: unknown) => {
      if (this.#closed) return;
      const { code, message, remedy } = asLentigoError(thrown);
      if (WAITS.has(code)) {
        this.#log.warn(
          { err: thrown, code, effect: effect.type },
          `${effect.type} waits: ${message} ${remedy}`,
        );
        this.#later(() => this.#again(effect));
        return;
      }
      this.#log.error({ err: thrown, effect: effect.type }, `${effect.type} failed`);
      const reason = `${effect.type} failed: ${message} (${code}) ${remedy}`;
      const record = () =>
        this.#serially(() =>
          this.#dispatch(
            { type: 'work-failed', attempt, reason },
            { actor: 'coordinator', detail: { reason } },
          ),
        );
      await record().catch((again: unknown) => {
        this.#log.fatal({ err: again }, 'the failure could not be recorded');
        this.#later(record);
      });
    });
  }

  /** An effect once more, unless the study has gone on meanwhile. */
  async #again(effect: Effect): Promise<void> {
    await this.#serially(async () => undefined);
    if (pending(this.#state).some(({ type }) => type === effect.type)) this.#perform(effect);
  }

  async #do(effect: Effect): Promise<void> {
    const { round } = this.#state;
    switch (effect.type) {
      case 'plan':
        await this.#serially(() =>
          this.#dispatch({ type: 'plan', attempt: uuidv7() }, { actor: 'coordinator' }),
        );
        return;
      case 'gather':
        await this.#serially(() => this.#gather());
        return;
      case 'announce':
        if (round && this.#served.attempt !== round.attempt)
          this.#served = { attempt: round.attempt, before: this.#servedNow() };
        if (round?.phase === 'open')
          this.#parts.presence.send(this.#state.id, 'round', this.#announce(round), round.cohort);
        this.#watchDeadline();
        return;
      case 'aggregate':
        if (round) await this.#once(`${round.attempt}/aggregate`, () => this.#aggregate(round));
        return;
      case 'evaluate':
        if (round) await this.#once(`${round.attempt}/evaluate`, () => this.#evaluate(round));
        return;
      case 'forget':
        await this.#parts.sealed.forget(effect.attempt);
        await this.#parts.uploads.forget(effect.attempt);
    }
  }

  async #once(work: string, run: () => Promise<void>): Promise<void> {
    if (this.#working === work) return;
    this.#working = work;
    try {
      await run();
    } finally {
      if (this.#working === work) this.#working = '';
    }
  }

  /**
   * Opens the planned round if enough clinics are there. Its private key is on disk before anything
   * names the public one.
   */
  async #gather(): Promise<void> {
    const { id, config, round } = this.#state;
    if (round?.phase !== 'planned' || this.#state.status !== 'running') return;
    const connected = this.#parts.presence.connected(id);
    const enough = (clinics: readonly string[]): boolean => {
      if (clinics.length >= config.cohort.minimum) return true;
      this.#log.info(
        { round: round.number, connected: clinics.length, needed: config.cohort.minimum },
        'waiting for clinics',
      );
      return false;
    };
    // Counted first, without the database: when hundreds of clinics come back at once, each of them
    // leads here.
    if (!enough(connected)) return;
    // A clinic may have been revoked while it was connecting.
    const approved = new Set(
      (await this.#parts.store.clinics(id)).filter((c) => c.state === 'approved').map((c) => c.id),
    );
    const cohort = connected.filter((clinic) => approved.has(clinic));
    if (!enough(cohort)) return;
    const key = createRoundKey();
    await this.#parts.sealed.saveKey(round.attempt, key.secretKey);
    await this.#dispatch(
      {
        type: 'open',
        attempt: round.attempt,
        cohort,
        roundKey: toBase64(key.publicKey),
        now: this.#parts.now(),
      },
      {
        actor: 'coordinator',
        detail: { round: round.number, attempt: round.attempt, cohort, base: round.base.sha256 },
      },
    );
  }

  #announce(round: RoundState): Signed {
    const { id, config, start } = this.#state;
    const announcement: Announcement = {
      protocol: PROTOCOL,
      study: id,
      round: round.number,
      attempt: round.attempt,
      roundKey: round.roundKey,
      architecture: this.#study.architecture,
      labels: this.#study.labels,
      start,
      base: round.base,
      plan: config.training,
      encoding: config.updates.encoding,
      maxNorm: config.updates.maxNorm,
      minSamples: config.updates.minSamples,
      maxSamples: config.updates.maxSamples,
      seed: config.seed,
      cohort: [...round.cohort],
      remainingMs: this.#remaining(round),
    };
    return signMessage(TAGS.announcement, announcement, this.#secretKey);
  }

  /**
   * Whole milliseconds until the deadline. The wall clock is asked once for each attempt: setting
   * it moves no deadline, and never beyond the study's time for a round.
   */
  #remaining({ attempt, deadlineAt }: RoundState): number {
    if (this.#due.attempt !== attempt) {
      const left = Math.min(
        (deadlineAt ?? 0) - this.#parts.now(),
        this.#state.config.cohort.deadlineSeconds * 1000,
      );
      this.#due = { attempt, at: performance.now() + left };
    }
    return Math.max(0, Math.ceil(this.#due.at - performance.now()));
  }

  #watchDeadline(): void {
    clearTimeout(this.#deadline);
    const { round } = this.#state;
    if (round?.phase !== 'open' || round.deadlineAt === null) return;
    const left = this.#remaining(round);
    if (left > 0) {
      this.#deadline = setTimeout(() => this.#watchDeadline(), Math.min(left, LONGEST_TIMER_MS));
      return;
    }
    const { attempt, number } = round;
    this.#serially(() =>
      this.#dispatch(
        { type: 'deadline', attempt, now: this.#parts.now() },
        { actor: 'coordinator', detail: { round: number, attempt } },
      ),
    ).catch((thrown: unknown) => {
      if (this.#closed) return;
      this.#log.error({ err: thrown }, 'the deadline could not be recorded');
      this.#deadline = setTimeout(() => this.#watchDeadline(), RETRY_MS);
    });
  }

  async #aggregate(round: RoundState): Promise<void> {
    const { store, blobs, sealed, aggregator } = this.#parts;
    clearTimeout(this.#deadline);
    const keys = new Map((await store.clinics(this.#state.id)).map((c) => [c.id, c.key]));
    const outPath = sealed.path(round.attempt, 'result');
    const began = performance.now();
    await aggregator.aggregate({
      updates: round.updates.map((u) => ({
        clinic: u.clinic,
        path: sealed.path(round.attempt, u.clinic),
        samples: u.samples,
        clinicKey: keys.get(u.clinic) ?? '',
      })),
      roundSecretKey: await sealed.loadKey(round.attempt),
      base: { path: blobs.path(round.base.sha256), sha256: round.base.sha256 },
      specs: this.#trainable(),
      encoding: this.#state.config.updates.encoding,
      outPath,
    });
    const result = await blobs.adopt(outPath);
    const bytesDown =
      this.#served.attempt === round.attempt ? this.#servedNow() - this.#served.before : 0;
    const { number, attempt } = round;
    this.#log.info(
      { round: number, updates: round.updates.length, bytesDown, ms: since(began) },
      'updates aggregated',
    );
    await this.#serially(() =>
      this.#dispatch(
        { type: 'aggregated', attempt, result, bytesDown },
        { actor: 'coordinator', detail: { round: number, attempt, result: result.sha256 } },
      ),
    );
  }

  async #evaluate(round: RoundState): Promise<void> {
    const { blobs, evaluator, now } = this.#parts;
    const { id, start, config } = this.#state;
    if (!round.result)
      throw new LentigoError('LENTIGO_INTERNAL', `round ${round.number} has nothing to evaluate`);
    const { validation, heldout, seconds } = await evaluator
      .evaluate(
        {
          start: blobs.path(start.sha256),
          result: blobs.path(round.result.sha256),
          trainFrom: config.training.trainFrom,
          data: config.evaluation.data,
          seed: config.seed,
        },
        (fraction) => {
          this.#evaluated = fraction;
          this.#parts.onEvaluating(id);
        },
      )
      .finally(() => (this.#evaluated = null));
    const score = selectionScore(validation, config.evaluation.select);
    const { number, attempt, result } = round;
    this.#log.info({ round: number, score, ms: Math.round(seconds * 1000) }, 'model evaluated');
    await this.#serially(() =>
      this.#dispatch(
        { type: 'evaluated', attempt, score, now: now() },
        {
          actor: 'coordinator',
          detail: { study: id, round: number, attempt, select: config.evaluation.select, score },
        },
        { evaluation: { attempt, validation, heldout, seconds, model: result } },
      ),
    );
  }

  /** Bytes of this round's models served so far. */
  #servedNow(): number {
    const { start, round } = this.#state;
    const { downloads } = this.#parts;
    return (
      downloads.of(start.sha256) +
      (round && round.base.sha256 !== start.sha256 ? downloads.of(round.base.sha256) : 0)
    );
  }
}
