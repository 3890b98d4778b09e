// When an open round is due. The wall clock is asked once for each attempt; from then on the
// monotonic clock counts, so that setting the coordinator's clock moves no deadline.
import type { Clock } from './records.js';
import type { OpenRound } from './state.js';

/** setTimeout takes at most 2³¹−1 ms; a longer deadline is looked at again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Deadline {
  readonly #now: Clock;
  readonly #onDue: (round: OpenRound) => void;
  /** By the monotonic clock, ms. */
  #due: { readonly attempt: string; readonly at: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: Clock, onDue: (round: OpenRound) => void) {
    this.#now = now;
    this.#onDue = onDue;
  }

  /** Whole milliseconds until the round is due, at least 0. */
  remainingMs({ attempt, openedAt, deadlineAt }: OpenRound): number {
    if (this.#due?.attempt !== attempt) {
      // Never more than the round was given, wherever the wall clock was set meanwhile.
      const left = Math.min(deadlineAt - this.#now(), deadlineAt - openedAt);
      this.#due = { attempt, at: performance.now() + left };
    }
    return Math.max(0, Math.ceil(this.#due.at - performance.now()));
  }

  /** Calls `onDue` once when the round is due, instead of for any round watched before. */
  watch(round: OpenRound): void {
    this.stop();
    const left = this.remainingMs(round);
    if (left === 0) this.#onDue(round);
    else this.#timer = setTimeout(() => this.watch(round), Math.min(left, LONGEST_TIMER_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
