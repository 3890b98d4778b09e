// What consoles watch: each sees a study, or the list of all, whole at first, and then its changes.
import type { Logger } from 'pino';
import type { Namespace } from 'socket.io';
import { asLentigoError } from '../../common/errors.js';
import { SerialQueue } from '../../common/serial-queue.js';
import type { LiveStudy } from '../../common/protocol/console.js';
import type { MessageHandlers, ToConsole } from '../../common/protocol/socket-events.js';
import type { Studies } from '../rounds/studies.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import { clinicsNow } from './clinics-now.js';
import { type Known, readLiveStudy } from './live-study.js';
import type { Presence } from './presence.js';

/** Changes within this time are sent together, ms. */
const TOGETHER_MS = 250;

/** The room of the consoles that watch the list. */
const LIST = 'studies';

interface Subscription {
  /** What the study's watchers already have. */
  known: Known;
  /**
   * What the watchers have yet to receive: nothing, progress of clinics and evaluation, or
   * everything.
   */
  stale: 'no' | 'progress' | 'all';
}

interface Parts {
  readonly store: Store;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly now: Clock;
  readonly log: Logger;
}

/** The consoles' namespace, with the types of its events. */
export type ConsoleNamespace = Namespace<Record<string, never>, MessageHandlers<ToConsole>>;

export class Subscriptions {
  readonly #namespace: ConsoleNamespace;
  readonly #parts: Parts;
  readonly #byStudy = new Map<string, Subscription>();
  #isListDue = false;
  readonly #queue = new SerialQueue();

  constructor(namespace: ConsoleNamespace, parts: Parts) {
    this.#namespace = namespace;
    this.#parts = parts;
    const { store, presence, studies } = parts;
    store.onChange((id) => this.#changed(id, 'all'));
    presence.onChange((id) => this.#changed(id, 'all'));
    presence.onProgress((id) => this.#changed(id, 'progress'));
    studies.onEvaluating((id) => this.#changed(id, 'progress'));
  }

  /**
   * Runs readings one after the other, both first views of a study and changes, so that each
   * console receives them in the order in which they were true.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  /** All studies, with updates from now on for whoever `join` adds to a room. */
  async list(join: (room: string) => Promise<void> | void) {
    await join(LIST);
    return this.#parts.studies.list();
  }

  /**
   * A whole study, with updates from now on for whoever `join` adds to a room. Call it through
   * `inTurn`.
   * @throws LENTIGO_STUDY_UNKNOWN
   */
  async study(id: string, join: (room: string) => Promise<void> | void): Promise<LiveStudy> {
    this.#parts.studies.runner(id); // refuses an unknown study
    const first = !this.#isWatched(id);
    const study = await readLiveStudy(this.#parts, id);
    // If others watch already, their pending changes are still to be sent; sending them twice does
    // no harm.
    if (first) this.#byStudy.set(id, { known: knownOf(study, NOTHING), stale: 'no' });
    await join(id);
    return study;
  }

  #isWatched(room: string): boolean {
    return (this.#namespace.adapter.rooms.get(room)?.size ?? 0) > 0;
  }

  #changed(id: string, what: 'progress' | 'all'): void {
    if (what === 'all' && this.#isWatched(LIST)) {
      if (!this.#isListDue) setTimeout(() => this.#publishList(), TOGETHER_MS);
      this.#isListDue = true;
    }
    const subscription = this.#byStudy.get(id);
    if (!subscription) return;
    if (subscription.stale === 'no')
      setTimeout(
        () => void this.inTurn(() => this.#publish(id, subscription)),
        TOGETHER_MS,
      ).unref();
    if (subscription.stale !== 'all') subscription.stale = what;
  }

  #publishList(): void {
    this.#isListDue = false;
    this.#namespace.to(LIST).emit('studies', this.#parts.studies.list());
  }

  /** Sends pending changes to the watchers of the study. */
  async #publish(id: string, subscription: Subscription): Promise<void> {
    const { stale } = subscription;
    subscription.stale = 'no';
    if (!this.#isWatched(id)) {
      this.#byStudy.delete(id);
      return;
    }
    if (stale === 'progress') this.#publishProgress(id);
    else await this.#publishStudy(id, subscription);
  }

  #publishProgress(id: string): void {
    const { studies, presence } = this.#parts;
    const nowOf = clinicsNow(studies.runner(id).state, presence);
    this.#namespace.to(id).emit('progress', {
      id,
      evaluated: studies.runner(id).evaluated,
      clinics: Object.fromEntries(
        presence.connected(id).map((clinic) => [clinic, nowOf(clinic).progress]),
      ),
    });
  }

  async #publishStudy(id: string, subscription: Subscription): Promise<void> {
    try {
      const study = await readLiveStudy(this.#parts, id, subscription.known);
      subscription.known = knownOf(study, subscription.known);
      this.#namespace.to(id).emit('study', study);
    } catch (thrown) {
      this.#parts.log.warn(
        { err: thrown, study: id },
        'what changed could not be sent to consoles',
      );
      if (asLentigoError(thrown).code === 'LENTIGO_DATABASE')
        setTimeout(() => this.#changed(id, 'all'), 20 * TOGETHER_MS).unref();
    }
  }
}

const NOTHING: Known = { round: 0, entry: 0 };

/** The current round and later ones may change; earlier ones are final. */
const knownOf = ({ rounds, entries }: LiveStudy, before: Known): Known => ({
  round: rounds.at(-1)?.number ?? before.round,
  entry: entries.at(-1)?.seq ?? before.entry,
});
