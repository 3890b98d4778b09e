// The coordinator's side of one aggregation, in its own process so that its memory can be measured:
// node aggregate-once.js JOBS.json. Prints one JSON line: milliseconds, peak memory, and how long
// the event loop waited meanwhile.
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Aggregator } from '../../coordinator/aggregation/aggregator.js';
import type { AggregateJob } from '../../coordinator/aggregation/aggregate-job.js';
import type { CheckJob } from '../../coordinator/aggregation/check-update.js';
import { fromBase64 } from '../../common/crypto/base64.js';

/** The jobs, with the round's key as text. */
export interface Jobs {
  readonly roundSecretKey: string;
  readonly checks: readonly Omit<CheckJob, 'roundSecretKey'>[];
  readonly aggregate: Omit<AggregateJob, 'roundSecretKey'>;
  readonly repeats: number;
}

export interface Measured {
  /** Time of each check of an update as it arrives. */
  readonly checkMs: readonly number[];
  /** Time of each repetition of the whole aggregation. */
  readonly aggregateMs: readonly number[];
  /** Delay of a 1 ms timer while the worker aggregated: 99th percentile and maximum. */
  readonly delayMs: { readonly p99: number; readonly max: number };
  /**
   * Resident memory before the first aggregation, and the peak until the end of the last one, in
   * bytes.
   */
  readonly memory: { readonly before: number; readonly peak: number };
}

const RESOLUTION_MS = 1;

if (process.argv[2]) {
  const {
    roundSecretKey: key,
    checks,
    aggregate,
    repeats,
  } = JSON.parse(await readFile(process.argv[2], 'utf8')) as Jobs;
  const roundSecretKey = fromBase64(key);
  const aggregator = new Aggregator();
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  // As in a study: before a round is aggregated, its updates were checked in the same thread.
  const checkMs: number[] = [];
  for (const check of checks)
    checkMs.push(await timed(() => aggregator.check({ ...check, roundSecretKey })));
  const before = process.memoryUsage.rss();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const aggregateMs: number[] = [];
  for (let i = 0; i < repeats; i++)
    aggregateMs.push(await timed(() => aggregator.aggregate({ ...aggregate, roundSecretKey })));
  delay.disable();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const measured: Measured = {
    checkMs,
    aggregateMs,
    delayMs: { p99: late(delay.percentile(99)), max: late(delay.max) },
    memory: { before, peak: process.resourceUsage().maxRSS * 1024 },
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
  await aggregator.close();
}
