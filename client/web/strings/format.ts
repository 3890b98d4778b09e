// Numbers, shares, sizes and times as the language of the page writes them.
import { LANGUAGE } from '../../../common/web/language.js';

const withDigits = (digits: number) =>
  new Intl.NumberFormat(LANGUAGE, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });

export const number = (value: number): string => value.toLocaleString(LANGUAGE);
export const decimal = (value: number, digits: number): string => withDigits(digits).format(value);
/** Those of a probability as float32, nearly. */
const MOST_DIGITS = 8;
/** @param share 0–1; small shares with one decimal */
export const percent = (share: number): string =>
  new Intl.NumberFormat(LANGUAGE, {
    style: 'percent',
    maximumFractionDigits: share < 0.0995 ? 1 : 0,
  }).format(share);
/** Two shares with as many decimals as tell them apart, if they differ. */
export function percentsApart(a: number, b: number): readonly [string, string] {
  const plain = [percent(a), percent(b)] as const;
  if (a === b || plain[0] !== plain[1]) return plain;
  for (let digits = 1; ; digits++) {
    const format = new Intl.NumberFormat(LANGUAGE, {
      style: 'percent',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    const apart = [format.format(a), format.format(b)] as const;
    if (apart[0] !== apart[1] || digits === MOST_DIGITS) return apart;
  }
}
export const significant = (value: number, digits: number): string =>
  value.toLocaleString(LANGUAGE, { maximumSignificantDigits: digits });

export const date = (when: string | number, style: 'medium' | 'long'): string =>
  new Date(when).toLocaleDateString(LANGUAGE, { dateStyle: style });
export const clockTime = (when: number): string =>
  new Date(when).toLocaleTimeString(LANGUAGE, { timeStyle: 'short' });

/** @param bytes with one decimal below 10 of its unit */
export function size(bytes: number): string {
  const [value, unit] =
    bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${decimal(value, value < 10 ? 1 : 0)} ${unit}`;
}
