// The axes of a chart of scores by round: zoomed to the data, with ticks at round numbers.

const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2] as const;
/** At most this many intervals between ticks. */
const INTERVALS = 6;

export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: number[];
  /** Decimals that tell the ticks apart. */
  readonly digits: number;
}

/** A scale of scores (0 to 1) that shows every value and the whole band around them. */
export function scaleOf(values: readonly (number | null)[], band: readonly number[]): Scale {
  const known = values.filter((v) => v !== null);
  const [least, most] = known.length === 0 ? [0, 1] : [Math.min(...known), Math.max(...known)];
  const from = Math.max(0, Math.min(least, ...band));
  const to = Math.min(1, Math.max(most, ...band));
  const step = STEPS.find((each) => (to - from) / each <= INTERVALS - 1) ?? 0.2;
  const first = Math.floor(from / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(to / step - 1e-9));
  const at = (i: number) => Number((i * step).toFixed(3));
  return {
    low: at(first),
    high: at(last),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => at(first + i)),
    digits: step < 0.01 ? 3 : step < 0.1 ? 2 : 1,
  };
}

/** Whole numbers from 0 to `last`, at most a dozen. */
export function wholeTicks(last: number): number[] {
  const step =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].find((each) => last / each <= 11) ?? last;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}
