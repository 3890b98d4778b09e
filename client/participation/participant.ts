// A clinic in a study: keeps the connection, takes part in each round it is announced, and ends
// when the study does.
import { fingerprint, type Identity } from '../../common/crypto/identity.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { networkError } from '../../common/network/failure.js';
import type { Announcement, RoundOver, StudyNotice } from '../../common/protocol/round.js';
import { SerialQueue } from '../../common/serial-queue.js';
import { openAnnouncement } from './announcement.js';
import { Connection, type ConnectionOptions } from './connection.js';
import type { Enrolment } from './enrolment.js';
import type { ParticipationEvent } from './events.js';
import { Journal } from './journal.js';
import {
  FATAL,
  type RoundContext,
  MISSED,
  retrying,
  send,
  takePart,
  type Trainer,
} from './round.js';
import type { Store } from './store.js';
import { askModels, fetchModels, isOver } from './study-models.js';

export interface ParticipantOptions extends ConnectionOptions {
  readonly enrolment: Enrolment;
  readonly identity: Identity;
  readonly store: Store;
  readonly train: Trainer;
  onEvent(event: ParticipationEvent): void;
}

const PROGRESS_MS = 250;
/**
 * On connect, the announcement of an open round comes first; only then the participant asks for an
 * old update's receipt.
 */
const SETTLE_MS = 1_000;
/** How long a study that is over is waited for to hand out its models. */
const MODELS_MS = 120_000;

interface Job {
  readonly round: number;
  readonly attempt: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Aborts a job for a reason that is not an error. */
class Over extends Error {}

export class Participant {
  readonly #options: ParticipantOptions;
  readonly #connection: Connection;
  readonly #context: RoundContext;
  #job: Job | undefined;
  #lastProgress = 0;
  #ending = false;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #end!: { resolve(notice: StudyNotice | undefined): void; reject(error: LentigoError): void };
  readonly #ended = new Promise<StudyNotice | undefined>(
    (resolve, reject) => (this.#end = { resolve, reject }),
  );

  constructor(options: ParticipantOptions) {
    const { enrolment, identity, store, train } = options;
    this.#options = options;
    this.#connection = new Connection(
      enrolment,
      identity,
      {
        onProven: (notice) => this.#onProven(notice),
        onFailure: (error) => this.#onFailure(error),
        messages: {
          round: (signed) => this.#heed(() => this.#onRound(signed)),
          'round-over': (over) => this.#heed(() => this.#onRoundOver(over)),
          study: (notice) => this.#heed(async () => this.#onStudy(notice)),
        },
      },
      options,
    );
    this.#context = {
      enrolment,
      identity,
      store,
      train,
      journal: new Journal(store),
      connection: this.#connection,
      report: (event) => this.#report(event),
      progress: (at, phase, progress) => {
        const now = Date.now();
        if (now - this.#lastProgress < PROGRESS_MS) return;
        this.#lastProgress = now;
        const { fraction, loss } = progress;
        this.#connection.tell('progress', {
          round: at.round,
          attempt: at.attempt,
          phase,
          fraction,
          ...(loss !== undefined && Number.isFinite(loss) && { loss }),
        });
        this.#report({ event: phase, round: at.round, ...progress });
      },
    };
  }

  /**
   * Runs until the study is completed or stopped (resolves with its last notice) or the signal
   * stops it (resolves with undefined; the journal is intact).
   * @throws LENTIGO_CHALLENGE_FAILED, LENTIGO_CLINIC_REVOKED, LENTIGO_CLINIC_ELSEWHERE,
   *   LENTIGO_CLINIC_UNKNOWN, LENTIGO_STUDY_UNKNOWN, LENTIGO_PROTOCOL_VERSION, LENTIGO_HOME_INVALID
   */
  async run(signal: AbortSignal): Promise<StudyNotice | undefined> {
    const stop = () => {
      this.#stopped.abort();
      this.#end.resolve(undefined);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else this.#connection.open();
    try {
      return await this.#ended;
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(this.#settling);
      this.#stopped.abort();
      this.#connection.close();
      await this.#stopJob('the participant stops');
    }
  }

  /** Handles one message after the other: two rounds announced at once must not both start. */
  #inTurn(work: () => Promise<void>): void {
    this.#turns.run(work).catch((error: unknown) => this.#onFailure(asLentigoError(error)));
  }
  readonly #turns = new SerialQueue();

  #report(event: ParticipationEvent): void {
    this.#options.onEvent(event);
  }

  #onProven(notice: StudyNotice): void {
    this.#report({ event: 'connected', ...notice });
    if (this.#endsWith(notice)) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#inTurn(() => this.#settle()), SETTLE_MS);
  }

  #onFailure(error: LentigoError): void {
    if (FATAL.has(error.code)) return this.#end.reject(error);
    if (error.code === 'LENTIGO_CLINIC_NOT_APPROVED') {
      const { clinic } = this.#options.enrolment;
      return this.#report({ event: 'waiting-approval', clinic, fingerprint: fingerprint(clinic) });
    }
    this.#report({ event: 'error', ...error.body() });
  }

  /** An invalid message is reported and ignored; it doesn't end the participant. */
  #heed(work: () => Promise<void>): void {
    this.#inTurn(() =>
      work().catch((error: unknown) =>
        this.#report({ event: 'error', ...asLentigoError(error).body() }),
      ),
    );
  }

  #onStudy(notice: StudyNotice): void {
    this.#report({ event: 'study', ...notice });
    this.#endsWith(notice);
  }

  /** When the study is over, ends; after asking for the receipts of what may have been counted. */
  #endsWith(notice: StudyNotice): boolean {
    const over = isOver(notice.status);
    if (over && !this.#ending) {
      this.#ending = true;
      clearTimeout(this.#settling);
      this.#inTurn(() =>
        this.#settleAll()
          .then(() => this.#learnModels(true))
          .then(
            () => this.#end.resolve(notice),
            (thrown: unknown) => this.#end.reject(asLentigoError(thrown)),
          ),
      );
    }
    return over;
  }

  async #onRound(message: Announcement): Promise<void> {
    const { enrolment } = this.#options;
    const announced = await openAnnouncement(message, enrolment);
    const { cohort, attempt, round } = announced.terms;
    if (!cohort.includes(enrolment.clinic)) return;
    if (this.#job && (this.#job.attempt === attempt || this.#job.round > round)) return;
    await this.#stopJob('another round was announced');
    void this.#start({ round, attempt }, (signal) => takePart(announced, this.#context, signal));
  }

  async #onRoundOver(over: RoundOver): Promise<void> {
    if (this.#job?.attempt === over.attempt) await this.#stopJob('the round is over');
    this.#report({ event: 'round-over', ...over });
    // A failed attempt is repeated, and what was trained for it can be sealed again.
    if (over.outcome !== 'aggregated') return;
    await this.#context.journal.forgetBefore(over.round + 1);
    void this.#learnModels(false);
  }

  /**
   * A sealed update whose receipt never came, and whose round wasn't announced again: asks once
   * more.
   */
  async #settle(): Promise<void> {
    void this.#learnModels(false);
    const open = (await this.#context.journal.entries()).findLast(
      (e) => e.step === 'uploaded' || e.step === 'sealed',
    );
    if (open && !this.#job) void this.#start(open, (signal) => send(open, this.#context, signal));
  }

  async #settleAll(): Promise<void> {
    await this.#stopJob('the study is over');
    const sent = (await this.#context.journal.entries()).filter((e) => e.step === 'uploaded');
    for (const entry of sent)
      await this.#start(entry, (signal) => send(entry, this.#context, signal));
  }

  /**
   * Asks which models the study has made; when it is over, fetches them too. What doesn't come is
   * reported, and changes nothing else.
   */
  async #learnModels(over: boolean): Promise<void> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(MODELS_MS)]);
    const ask = () => askModels(this.#connection, this.#context, signal);
    try {
      const told = over
        ? await retrying(this.#context, signal, async () => {
            const told = await ask();
            await fetchModels(told, this.#context, signal);
            return told;
          })
        : await ask();
      const { select, best, last, models } = told;
      if (models.length > 0) this.#report({ event: 'models', select, best, last, models, over });
    } catch (thrown) {
      const error =
        thrown instanceof LentigoError ? thrown : networkError(this.#options.enrolment.url, thrown);
      // A connection that broke is reported by itself, and asked again when it is back.
      if (this.#stopped.signal.aborted || (!over && error.code === 'LENTIGO_UNREACHABLE')) return;
      this.#report({ event: 'error', ...error.body() });
    }
  }
  /** Aborts with the participant. */
  readonly #stopped = new AbortController();

  #start(
    { round, attempt }: { round: number; attempt: string },
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const abort = new AbortController();
    const done = work(abort.signal)
      .catch((thrown: unknown) => {
        if (thrown instanceof Over || abort.signal.aborted) return;
        const error = asLentigoError(thrown);
        if (FATAL.has(error.code)) this.#end.reject(error);
        else if (MISSED.has(error.code)) this.#report({ event: 'missed', round, ...error.body() });
        else this.#report({ event: 'error', round, ...error.body() });
      })
      .finally(() => {
        if (this.#job?.abort === abort) this.#job = undefined;
      });
    this.#job = { round, attempt, abort, done };
    return done;
  }

  async #stopJob(why: string): Promise<void> {
    const job = this.#job;
    if (!job) return;
    job.abort.abort(new Over(why));
    await job.done;
  }
}
