// Retries, with growing delays, work that fails for a temporary reason: a network, a full disk.

/** Exponential backoff with jitter: 0.5 s, 1 s, 2 s, … at most 30 s, each times 0.5–1; ms. */
export const backoff = (attempt: number): number =>
  Math.min(30_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Whether an error is temporary; any other ends the retries. */
  readonly passes: (error: unknown) => boolean;
  /** Called with each failure that is followed by another attempt. */
  readonly onRetry: (error: unknown) => void;
  /** Milliseconds to wait after the first failure (0), the second (1), …. */
  readonly delay?: (attempt: number) => number;
  readonly wait?: typeof wait;
}

/**
 * What `work` returns once it succeeds.
 * @throws the signal's reason when it is aborted, else what `work` throws that doesn't pass
 * @example await retry(() => fetchBlob(ref), { signal, passes: isTransient, onRetry: log.warn });
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, passes, onRetry, delay = backoff, wait: waiting = wait } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!passes(error)) throw error;
      onRetry(error);
      await waiting(delay(attempt), signal);
    }
  }
}
