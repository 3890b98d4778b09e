// Formats numbers for people.
import type { RoundRow } from '../../common/protocol/console.js';

const whole = new Intl.NumberFormat('en');
export const count = (n: number): string => whole.format(n);

export const scoreText = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3);

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]!}`;
}

export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = seconds / 3600;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} days`;
}

export const timeText = (at: number): string =>
  new Date(at).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
export const dateText = (at: number): string =>
  new Date(at).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });

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
