// When rounds are due: by the monotonic clock, whatever happens to the wall clock.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '../../../coordinator/rounds/deadline.js';
import type { OpenRound } from '../../../coordinator/rounds/state.js';
import { aCheckpoint, anOpenRound } from '../storage/fixtures.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let due: OpenRound[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  due = [];
});
afterEach(() => vi.useRealTimers());

const aDeadline = () => new Deadline(Date.now, (round) => due.push(round));
/** Open, and due in so many milliseconds by the wall clock. */
const dueIn = (ms: number): OpenRound =>
  anOpenRound(aCheckpoint(), { openedAt: Date.now(), deadlineAt: Date.now() + ms });

describe('a deadline', () => {
  it('comes when the time is over, not before, and once', async () => {
    const deadline = aDeadline();
    const round = dueIn(MINUTE_MS);
    deadline.watch(round);
    await vi.advanceTimersByTimeAsync(MINUTE_MS - 1);
    expect(due).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(due).toEqual([round]);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(due).toEqual([round]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([-HOUR_MS, HOUR_MS])(
    'is not moved when the wall clock is set by %d ms while it is watched',
    async (by) => {
      const deadline = aDeadline();
      const round = dueIn(MINUTE_MS);
      deadline.watch(round);
      await vi.advanceTimersByTimeAsync(20_000);
      vi.setSystemTime(Date.now() + by);
      expect(deadline.remainingMs(round)).toBe(40_000);
      deadline.watch(round); // announced again, as after a reconnection
      await vi.advanceTimersByTimeAsync(39_999);
      expect(due).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(due).toEqual([round]);
    },
  );

  it('after a restart is what the wall clock leaves of it', async () => {
    const round = dueIn(MINUTE_MS);
    await vi.advanceTimersByTimeAsync(45_000);
    const restarted = aDeadline();
    expect(restarted.remainingMs(round)).toBe(15_000);
    restarted.watch(round);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(due).toEqual([round]);
  });

  it('that passed while the coordinator was down is due at once', () => {
    const round = dueIn(-1);
    const deadline = aDeadline();
    expect(deadline.remainingMs(round)).toBe(0);
    deadline.watch(round);
    expect(due).toEqual([round]);
  });

  it('is never farther away than the round was given, wherever the wall clock was set before a restart', async () => {
    const round = dueIn(MINUTE_MS);
    vi.setSystemTime(Date.now() - 24 * HOUR_MS);
    const deadline = aDeadline();
    expect(deadline.remainingMs(round)).toBe(MINUTE_MS);
    deadline.watch(round);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(due).toEqual([round]);
  });

  it('may be farther away than a timer can be set', async () => {
    const longMs = 60 * 24 * HOUR_MS;
    expect(longMs).toBeGreaterThan(2 ** 32);
    const deadline = aDeadline();
    const round = dueIn(longMs);
    deadline.watch(round);
    await vi.advanceTimersByTimeAsync(longMs - 1);
    expect(due).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(due).toEqual([round]);
  });

  it('is told in whole milliseconds, and never as over before it is', async () => {
    const deadline = aDeadline();
    const round = dueIn(1000.25);
    expect(deadline.remainingMs(round)).toBe(1001);
    await vi.advanceTimersByTimeAsync(1000);
    expect(deadline.remainingMs(round)).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(deadline.remainingMs(round)).toBe(0);
  });

  it('of another attempt takes the place of the one that was watched', async () => {
    const deadline = aDeadline();
    const [first, second] = [dueIn(MINUTE_MS), dueIn(2 * MINUTE_MS)];
    deadline.watch(first);
    deadline.watch(second);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(due).toEqual([second]);
  });

  it('does not come once it is stopped', async () => {
    const deadline = aDeadline();
    deadline.watch(dueIn(MINUTE_MS));
    deadline.stop();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(due).toEqual([]);
  });
});
