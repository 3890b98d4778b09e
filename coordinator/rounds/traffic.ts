// How many bytes of models clinics download for each attempt: counted before they are served, so
// that no restart forgets them, and corrected once it is known how many they were.
import type { Logger } from 'pino';
import type { StudyStore } from './ports.js';

/** What is served within this time is stored together, ms. */
const TOGETHER_MS = 250;
/** Nobody waits longer than this for the count to be stored, ms. */
const PATIENCE_MS = 1_000;
/** How soon it is tried again when the store doesn't answer, ms. */
const RETRY_MS = 5_000;

export class Traffic {
  readonly #store: Pick<StudyStore, 'addTraffic'>;
  readonly #isCurrent: (attempt: string) => boolean;
  readonly #log: Logger;
  #waiting = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #storing: Promise<void> = Promise.resolve();

  /** @param isCurrent whether an attempt is in flight: bytes of others are not counted */
  constructor(
    store: Pick<StudyStore, 'addTraffic'>,
    isCurrent: (attempt: string) => boolean,
    log: Logger,
  ) {
    this.#store = store;
    this.#isCurrent = isCurrent;
    this.#log = log;
  }

  /**
   * Counts bytes that a clinic is about to be sent for this attempt, and resolves once that is
   * stored; where the store doesn't answer soon, it is stored later.
   * @returns how many were counted: none of an attempt that is not in flight
   */
  async announce(attempt: string, bytes: number): Promise<number> {
    if (!this.#add(attempt, bytes)) return 0;
    await Promise.race([
      this.flush(),
      new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref()),
    ]);
    return bytes;
  }

  /** Bytes that a clinic was sent for this attempt beyond those announced, or fewer (negative). */
  served(attempt: string, bytes: number): void {
    if (this.#add(attempt, bytes)) this.#later(TOGETHER_MS);
  }

  #add(attempt: string, bytes: number): boolean {
    if (bytes === 0 || !this.#isCurrent(attempt)) return false;
    this.#waiting.set(attempt, (this.#waiting.get(attempt) ?? 0) + bytes);
    return true;
  }

  /** Stores what was counted so far. Never rejects: what can't be stored now is stored later. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#storing = this.#storing.then(() => this.#save());
    return this.#storing;
  }

  async #save(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const [attempt, bytes] of waiting) {
      try {
        await this.#store.addTraffic(attempt, bytes);
      } catch (thrown) {
        this.#log.warn({ err: thrown, attempt }, 'downloaded bytes could not be counted yet');
        this.#waiting.set(attempt, (this.#waiting.get(attempt) ?? 0) + bytes);
        this.#later(RETRY_MS);
      }
    }
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), ms).unref();
  }
}
