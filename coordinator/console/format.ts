// Formats numbers, times and durations for people, as their language writes them.
import type { RoundRow } from '../../common/protocol/console.js';
import { LANGUAGE } from '../../common/web/language.js';

/** English dates have the day before the month: the audience is not one country's. */
const LOCALE = LANGUAGE === 'en' ? 'en-GB' : LANGUAGE;

const whole = new Intl.NumberFormat(LOCALE);
export const count = (n: number): string => whole.format(n);

const plain = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 12 });
/** A number as it is, with all its decimals. */
export const numberText = (n: number): string => plain.format(n);
/** Between whole numbers and decimals: "." or ",". */
const DECIMAL_SEPARATOR = plain.format(0.5).replaceAll(/\d/g, '');

/** A number as it stands in a field: nothing between thousands. */
export const entryOf = (n: number): string => String(n).replace('.', DECIMAL_SEPARATOR);

/**
 * The number that a person wrote, with a point or a comma before the decimals, perhaps with an
 * exponent; null where it is none, or could be meant as thousands ("1,000" where "." is before
 * decimals).
 */
export function enteredNumber(text: string, separator = DECIMAL_SEPARATOR): number | null {
  const entry = text.trim().replace('−', '-');
  if (!/^[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?$/i.test(entry)) return null;
  const thousands = /^[-+]?[1-9]\d{0,2}([.,])\d{3}$/.exec(entry)?.[1];
  if (thousands !== undefined && thousands !== separator) return null;
  const number = Number(entry.replace(',', '.'));
  return Number.isFinite(number) ? number : null;
}

/** With this many decimals. */
export const decimal = (value: number, digits: number): string =>
  value.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const scoreText = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : decimal(value, 3);

/** "85%", of a share from 0 to 1. */
export const percentText = (share: number): string =>
  share.toLocaleString(LOCALE, { style: 'percent' });

/** "0.55–0.67"; empty where there is no interval. */
export const intervalText = (low: number | null, high: number | null): string =>
  low === null || high === null ? '' : `${decimal(low, 2)}–${decimal(high, 2)}`;

/** With its sign: "+0.042", "−0.010". */
export const differenceText = (value: number): string =>
  `${value < 0 ? '−' : '+'}${decimal(Math.abs(value), 3)}`;

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** unit;
  return `${decimal(value, unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]!}`;
}

/** One unit of a duration, in the language's short form: "5 min", "3 Tage". */
const unitText = (n: number, unit: 'second' | 'minute' | 'hour' | 'day'): string =>
  n.toLocaleString(LOCALE, {
    style: 'unit',
    unit,
    unitDisplay: unit === 'day' ? 'long' : 'short',
  });

/** Seconds below two minutes, then minutes, then hours and minutes, from two days on days. */
export function durationText(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 120) return unitText(rounded, 'second');
  const minutes = Math.round(rounded / 60);
  if (minutes < 60) return unitText(minutes, 'minute');
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 48) return unitText(Math.round(hours / 24), 'day');
  return rest === 0
    ? unitText(hours, 'hour')
    : `${unitText(hours, 'hour')} ${unitText(rest, 'minute')}`;
}

const clock = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(LOCALE, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const exact = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'short', timeStyle: 'medium' });

export const dateText = (at: number): string => full.format(at);
/** To the second. */
export const exactText = (at: number): string => exact.format(at);

/** The time alone if it is of the same day as `now`, else with its date. */
export const sinceText = (at: number, now: number): string =>
  new Date(at).toDateString() === new Date(now).toDateString()
    ? clock.format(at)
    : `${day.format(at)}, ${clock.format(at)}`;

/** What a round sent and received in all its attempts: a repeated one downloads no model again. */
export const roundTraffic = (
  rounds: readonly RoundRow[],
  number: number,
): { readonly up: number; readonly down: number } => {
  const attempts = rounds.filter((r) => r.number === number);
  return {
    up: attempts.reduce((n, r) => n + r.bytesUp, 0),
    down: attempts.reduce((n, r) => n + r.bytesDown, 0),
  };
};

/**
 * How long a round took since its announcement (for the first round: since its plan), in seconds.
 */
export const roundSeconds = ({ openedAt, plannedAt, closedAt }: RoundRow): number | null =>
  closedAt === null ? null : (closedAt - (openedAt ?? plannedAt)) / 1000;

/**
 * Estimated seconds left of a study, at the pace of its last rounds; null before a round has
 * closed.
 */
export function secondsLeft(
  rounds: readonly RoundRow[],
  completed: number,
  total: number,
): number | null {
  const recent = rounds
    .filter((r) => r.phase === 'closed' && r.number > 0)
    .slice(-5)
    .map((r) => (r.closedAt! - r.plannedAt) / 1000)
    .toSorted((a, b) => a - b);
  return recent.length === 0 ? null : recent[Math.floor(recent.length / 2)]! * (total - completed);
}
