// One study at work: its parts put together, and what each effect of the machine does.
import { v7 as uuidv7 } from 'uuid';
import type { Logger } from 'pino';
import { toBase64 } from '../../common/crypto/base64.js';
import { createRoundKey } from '../../common/crypto/identity.js';
import type { ChangeStudy } from '../../common/protocol/console.js';
import { signMessage } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import type { Announcement, Signed, StudyNotice } from '../../common/protocol/round.js';
import { StudyActor } from './actor.js';
import { announce, noticeOf, roundOverOf, signTerms, termsHash } from './announcement.js';
import { Deadline } from './deadline.js';
import { Intake } from './intake.js';
import type { Effect } from './machine.js';
import type { Ports } from './ports.js';
import type { ClinicRecord, StudyRecord } from './records.js';
import { openedOf, type OpenRound, type StudyState } from './state.js';
import { studyModels } from './study-models.js';
import { RoundWork } from './work.js';

/** How soon a deadline is recorded again that the store didn't take, ms. */
const RETRY_MS = 500;

export interface RunnerParts extends Ports {
  /** Called when the evaluation of a study's model got further. */
  readonly onEvaluating: (study: string) => void;
}

export class StudyRunner {
  readonly #study: StudyRecord;
  readonly #secretKey: Uint8Array;
  readonly #parts: RunnerParts;
  readonly #log: Logger;
  readonly #actor: StudyActor;
  readonly #deadline: Deadline;
  readonly #intake: Intake;
  readonly #work: RoundWork;

  constructor(study: StudyRecord, secretKey: Uint8Array, parts: RunnerParts) {
    const { id } = study.state;
    this.#study = study;
    this.#secretKey = secretKey;
    this.#parts = parts;
    this.#log = parts.log.child({ study: id });
    this.#actor = new StudyActor(study.state, {
      store: parts.store,
      log: this.#log,
      perform: (effect) => this.#perform(effect),
      onStep: (before, after) => this.#tell(before, after),
    });
    const shared = { ...parts, study, secretKey, actor: this.#actor, log: this.#log };
    this.#deadline = new Deadline(parts.now, (round) => this.#onDeadline(round));
    this.#intake = new Intake(shared);
    this.#work = new RoundWork({ ...shared, onEvaluating: () => parts.onEvaluating(id) });
  }

  get state(): StudyState {
    return this.#actor.state;
  }
  /** The share of the evaluation in flight that is done, 0–1; null when none is. */
  get evaluated(): number | null {
    return this.#work.evaluated;
  }
  get intake(): Intake {
    return this.#intake;
  }
  /** Carries on from the stored state, after creation or a restart. */
  begin(): void {
    this.#actor.begin();
  }
  /** Waits for the step in hand; what is under way carries on after the next start. */
  async close(): Promise<void> {
    this.#deadline.stop();
    await this.#actor.close();
  }

  /** What a study coordinator asks for. @throws LENTIGO_STUDY_STATE */
  async request(type: 'start' | 'pause' | 'resume' | 'stop'): Promise<void> {
    const event = type === 'stop' ? { type, now: this.#parts.now() } : { type };
    await this.#actor.apply(event, { actor: 'admin' });
  }

  /**
   * Changes a paused or completed study; the audit log has what changed, from and to.
   * @throws LENTIGO_STUDY_STATE, LENTIGO_STUDY_INVALID
   */
  async change(change: ChangeStudy): Promise<void> {
    await this.#actor.serially(async (dispatch) => {
      const { rounds, cohort } = this.state.config;
      const { quorum, deadlineSeconds } = cohort;
      const before = Object.entries({ rounds, quorum, deadlineSeconds }).filter(
        ([name, value]) => (change[name as keyof ChangeStudy] ?? value) !== value,
      );
      const from = Object.fromEntries(before);
      const to = Object.fromEntries(
        before.map(([name]) => [name, change[name as keyof ChangeStudy]]),
      );
      await dispatch({ type: 'change', change }, { actor: 'admin', detail: { from, to } });
    });
  }

  /**
   * Withdraws a clinic from the study, and from the open round with its update, in one step; and
   * ends its connection. @throws LENTIGO_CLINIC_UNKNOWN
   */
  async revoke(clinic: string): Promise<ClinicRecord> {
    const { store, presence, now } = this.#parts;
    const { id } = this.state;
    const record = await this.#actor.serially(async (dispatch) => {
      const stepped = await dispatch(
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
    const { status, round } = this.state;
    if (status === 'running' && round?.phase === 'planned') this.#actor.perform({ type: 'gather' });
  }
  notice(): StudyNotice {
    return noticeOf(this.state);
  }
  /** The open round's announcement with the time that remains, if the clinic is in its cohort. */
  announcement(clinic: string): Announcement | null {
    const { round } = this.state;
    return round?.phase === 'open' && round.cohort.includes(clinic) ? this.#announce(round) : null;
  }

  /** What its clinics are told about its models, signed; made once for all that ask after a step. */
  async models(): Promise<Signed> {
    const { version } = this.state;
    if (this.#models?.version !== version) {
      const signed = studyModels(this.state, this.#parts.store).then((models) =>
        signMessage(TAGS.models, models, this.#secretKey),
      );
      this.#models = { version, signed };
      signed.catch(() => (this.#models = undefined));
    }
    return await this.#models.signed;
  }
  #models: { readonly version: number; readonly signed: Promise<Signed> } | undefined;

  async #perform(effect: Effect): Promise<void> {
    const { round } = this.state;
    switch (effect.type) {
      case 'plan':
        await this.#actor.apply({ type: 'plan', attempt: uuidv7() }, { actor: 'coordinator' });
        return;
      case 'gather':
        await this.#gather();
        return;
      case 'announce':
        if (round?.phase !== 'open') return;
        this.#parts.presence.send(this.state.id, 'round', this.#announce(round), round.cohort);
        this.#deadline.watch(round);
        return;
      case 'aggregate':
        this.#deadline.stop();
        if (round?.phase === 'aggregating') await this.#work.aggregate(round);
        return;
      case 'evaluate':
        if (round?.phase === 'evaluating') await this.#work.evaluate(round);
        return;
      case 'forget':
        await this.#parts.files.forget(effect.attempt);
        await this.#parts.inbox.forget(effect.attempt);
    }
  }

  /**
   * Opens the planned round if enough clinics are there. Its private key is on disk before anything
   * names the public one.
   */
  #gather(): Promise<void> {
    return this.#actor.serially(async (dispatch) => {
      const { id, config, round, status } = this.state;
      const { store, files, presence, now } = this.#parts;
      if (round?.phase !== 'planned' || status !== 'running') return;
      const enough = (clinics: readonly string[]): boolean => {
        if (clinics.length >= config.cohort.minimum) return true;
        this.#log.info(
          { round: round.number, connected: clinics.length, needed: config.cohort.minimum },
          'waiting for clinics',
        );
        return false;
      };
      // Counted first, without the database: when hundreds of clinics come back at once, each of
      // them leads here.
      const connected = presence.connected(id);
      if (!enough(connected)) return;
      // A clinic may have been revoked while it was connecting.
      const clinics = await store.clinics(id);
      const approved = new Set(clinics.filter((c) => c.state === 'approved').map((c) => c.id));
      const cohort = connected.filter((clinic) => approved.has(clinic));
      if (!enough(cohort)) return;
      const { attempt, number, from } = round;
      const key = createRoundKey();
      await files.saveKey(attempt, key.secretKey);
      const roundKey = toBase64(key.publicKey);
      const study = { ...this.#study, state: this.state };
      const terms = signTerms(study, round, { cohort, roundKey }, this.#secretKey);
      const detail = {
        round: number,
        attempt,
        cohort,
        base: from.parameters.sha256,
        terms: termsHash(terms),
      };
      await dispatch(
        { type: 'open', attempt, cohort, roundKey, terms, now: now() },
        { actor: 'coordinator', detail },
      );
    });
  }

  #announce(round: OpenRound): Announcement {
    return announce(round, this.#deadline.remainingMs(round), this.#secretKey);
  }

  #onDeadline({ attempt, number }: OpenRound): void {
    const event = { type: 'deadline', attempt, now: this.#parts.now() } as const;
    const audit = { actor: 'coordinator', detail: { round: number, attempt } };
    this.#actor.apply(event, audit).catch((thrown: unknown) => {
      if (this.#actor.closed) return;
      this.#log.error({ err: thrown }, 'the deadline could not be recorded');
      setTimeout(() => {
        const { round } = this.state;
        if (round?.phase === 'open' && !this.#actor.closed) this.#deadline.watch(round);
      }, RETRY_MS).unref();
    });
  }

  /** Tells people and clinics what a step changed. */
  #tell(before: StudyState, after: StudyState): void {
    const { presence } = this.#parts;
    const { round } = after;
    if (round && round.phase !== before.round?.phase) {
      const { number, attempt, phase } = round;
      const updates = openedOf(round)?.updates.length ?? 0;
      const reason = phase === 'failed' ? round.reason : undefined;
      this.#log.info(
        { round: number, attempt, phase, updates, reason },
        `round ${number} ${phase}`,
      );
      const over = roundOverOf(round);
      if (over) presence.send(after.id, 'round-over', over);
    }
    if (after.status !== before.status) {
      this.#log.info({ status: after.status, reason: after.reason }, `study ${after.status}`);
      presence.send(after.id, 'study', noticeOf(after));
    }
  }
}
