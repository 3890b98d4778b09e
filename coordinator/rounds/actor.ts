// A study's actor: the only one that changes its state, one step at a time. A step is computed by
// the machine, written to the store, and only then performed.
import type { Logger } from 'pino';
import { asLentigoError, type ErrorCode, LentigoError } from '../../common/errors.js';
import { SerialQueue } from '../../common/serial-queue.js';
import { type Effect, type Event, pending, step } from './machine.js';
import type { AuditEvent, Changes, Committed } from './records.js';
import type { StudyStore } from './ports.js';
import type { StudyState } from './state.js';

/** How soon work is tried again that found no database or no space, ms: at first, and at most. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const slower = (ms: number): number => Math.min(2 * ms, LONGEST_RETRY_MS);

/**
 * Nothing is wrong with the work: it is done as soon as the database answers, the disk has space,
 * or the study was read again.
 */
const WAITS = new Set<ErrorCode>([
  'LENTIGO_DATABASE',
  'LENTIGO_DISK_FULL',
  'LENTIGO_STUDY_CHANGED',
]);
export const waits = (thrown: unknown): boolean => WAITS.has(asLentigoError(thrown).code);

/** One event through the machine and the store. Null when the event changed nothing. */
export type Dispatch = (
  event: Event,
  audit: Omit<AuditEvent, 'action'>,
  changes?: Omit<Changes, 'audit'>,
) => Promise<Committed | null>;

export interface ActorParts {
  readonly store: Pick<StudyStore, 'study' | 'transition'>;
  readonly log: Logger;
  /** Does what the new state asks for; may be called twice with the same effect. */
  readonly perform: (effect: Effect) => Promise<void>;
  /** Hears of each new state, after it is stored and before its effects. */
  readonly onStep: (before: StudyState, after: StudyState) => void;
}

export class StudyActor {
  readonly #parts: ActorParts;
  readonly #queue = new SerialQueue();
  readonly #retries = new Set<NodeJS.Timeout>();
  #state: StudyState;
  /**
   * A step was not acknowledged by the store, which may hold it all the same: its state is read
   * again before anything else.
   */
  #uncertain = false;
  #closed = false;

  constructor(state: StudyState, parts: ActorParts) {
    this.#state = state;
    this.#parts = parts;
  }
  get state(): StudyState {
    return this.#state;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Carries on from the stored state, after creation or a restart. */
  begin(): void {
    this.#performAll(pending(this.#state));
  }
  /**
   * Waits for the step in hand, and takes no further one: what is under way carries on after the
   * next start.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const retry of this.#retries) clearTimeout(retry);
    await this.#queue.idle();
  }

  /** Work that no step of the study may come between; steps are taken by the `dispatch` it is given. */
  serially<T>(work: (dispatch: Dispatch) => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.#closed)
        throw new LentigoError('LENTIGO_UNREACHABLE', 'The coordinator is stopping.');
      await this.#reread();
      return work((event, audit, changes) => this.#dispatch(event, audit, changes));
    });
  }

  /** One event by itself. @throws LENTIGO_STUDY_STATE; what the store throws */
  apply(...step: Parameters<Dispatch>): Promise<Committed | null> {
    return this.serially((dispatch) => dispatch(...step));
  }

  /** Performs an effect off the queue; a failure pauses the study, unless waiting mends it. */
  perform(effect: Effect): void {
    this.#perform(effect, RETRY_MS);
  }

  #perform(effect: Effect, retryMs: number): void {
    if (this.#closed) return;
    const attempt = this.#state.round?.attempt;
    this.#parts.perform(effect).catch(async (thrown: unknown) => {
      if (this.#closed) return;
      const { code, message, remedy } = asLentigoError(thrown);
      const { log } = this.#parts;
      if (waits(thrown)) {
        log.warn(
          { err: thrown, code, effect: effect.type },
          `${effect.type} waits: ${message} ${remedy}`,
        );
        this.#later(() => this.#again(effect, slower(retryMs)), retryMs);
        return;
      }
      log.error({ err: thrown, effect: effect.type }, `${effect.type} failed`);
      if (attempt === undefined) return; // no round is in flight that could tell
      const reason = `${effect.type} failed: ${message} (${code}) ${remedy}`;
      const record = () =>
        this.apply(
          { type: 'work-failed', attempt, reason },
          { actor: 'coordinator', detail: { reason } },
        );
      await record().catch((again: unknown) => {
        log.fatal({ err: again }, 'the failure could not be recorded');
        this.#later(record);
      });
    });
  }

  async #dispatch(
    event: Event,
    audit: Omit<AuditEvent, 'action'>,
    changes: Omit<Changes, 'audit'> = {},
  ): Promise<Committed | null> {
    const before = this.#state;
    const { state, effects } = step(before, event);
    if (state === before) return null;
    let committed: Committed;
    try {
      committed = await this.#parts.store.transition(state, {
        ...changes,
        audit: [{ action: event.type, ...audit }],
      });
    } catch (thrown) {
      if (waits(thrown)) {
        this.#uncertain = true;
        this.#later(() => this.serially(async () => undefined));
      }
      throw thrown;
    }
    this.#state = { ...state, version: committed.version };
    this.#parts.onStep(before, this.#state);
    this.#performAll(effects);
    return committed;
  }

  /** Goes on from what the store holds, when it is not known whether it took the last step. */
  async #reread(): Promise<void> {
    if (!this.#uncertain) return;
    const before = this.#state;
    const { state } = await this.#parts.store.study(before.id);
    this.#uncertain = false;
    this.#state = state;
    this.#parts.onStep(before, state);
    if (
      state.status !== before.status ||
      state.round?.attempt !== before.round?.attempt ||
      state.round?.phase !== before.round?.phase
    )
      this.#performAll(pending(state));
  }

  /** An effect once more, unless the study has gone on meanwhile. */
  async #again(effect: Effect, retryMs: number): Promise<void> {
    await this.serially(async () => undefined);
    if (pending(this.#state).some(({ type }) => type === effect.type))
      this.#perform(effect, retryMs);
  }

  #performAll(effects: readonly Effect[]): void {
    for (const effect of effects) this.perform(effect);
  }

  /** Tries again, ever more slowly, what found no database or no space. */
  #later(work: () => Promise<unknown>, after = RETRY_MS): void {
    if (this.#closed) return;
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      work().catch((thrown: unknown) => {
        if (this.#closed) return;
        this.#parts.log.warn({ err: thrown }, 'tried again in vain');
        this.#later(work, slower(after));
      });
    }, after);
    this.#retries.add(retry);
  }
}
