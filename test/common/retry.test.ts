import { describe, expect, it } from 'vitest';
import { backoff, retry, wait } from '../../common/retry.js';

const passing = new Error('passing');
const final = new Error('final');
const never = new AbortController().signal;

/** Fails with these, one after the other, then returns 'done'. */
const failing = (...errors: Error[]) => {
  let calls = 0;
  return async () => {
    const error = errors[calls++];
    if (error) throw error;
    return 'done';
  };
};

describe('trying again', () => {
  it('goes on until it succeeds, tells each failure, and waits longer each time', async () => {
    const told: unknown[] = [];
    const waited: number[] = [];
    const result = await retry(failing(passing, passing, passing), {
      signal: never,
      passes: (error) => error === passing,
      onRetry: (error) => told.push(error),
      delay: (attempt) => 100 * 2 ** attempt,
      wait: async (ms) => void waited.push(ms),
    });
    expect(result).toBe('done');
    expect(told).toEqual([passing, passing, passing]);
    expect(waited).toEqual([100, 200, 400]);
  });

  it('ends with an error that does not pass', async () => {
    const told: unknown[] = [];
    const trying = retry(failing(passing, final), {
      signal: never,
      passes: (error) => error === passing,
      onRetry: (error) => told.push(error),
      wait: async () => undefined,
    });
    await expect(trying).rejects.toBe(final);
    expect(told).toEqual([passing]);
  });

  it('ends at once, with the reason, when it is aborted while it waits or works', async () => {
    for (const at of ['work', 'wait']) {
      const abort = new AbortController();
      const trying = retry(
        async () => {
          if (at === 'work') abort.abort(new Error('stopped'));
          throw passing;
        },
        {
          signal: abort.signal,
          passes: () => true,
          onRetry: () => setTimeout(() => abort.abort(new Error('stopped')), 1),
          delay: () => 60_000,
        },
      );
      await expect(trying).rejects.toThrow('stopped');
    }
  });

  it('waits half a second at most at first, and never longer than 30 s', () => {
    for (let attempt = 0; attempt < 40; attempt++) {
      const most = Math.min(30_000, 500 * 2 ** attempt);
      expect(backoff(attempt)).toBeLessThanOrEqual(most);
      expect(backoff(attempt)).toBeGreaterThanOrEqual(most / 2);
    }
  });

  it('waits no longer than it has to, and not at all once aborted', async () => {
    await wait(1, never);
    await expect(wait(60_000, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  });
});
