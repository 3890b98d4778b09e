// The rounds of a study or a simulation as text: one row a round, the same columns wherever they
// are shown.
import type { Scores } from '../evaluation/metrics.js';

/** The data of a round in one row. */
export interface RoundRow {
  readonly round: number;
  /** Chosen by validation so far. */
  readonly best: boolean;
  readonly validation: Scores;
  readonly heldout: Scores;
  /** Clinics whose update counted, and those that were asked; null where nothing was trained. */
  readonly clinics: readonly [returned: number, asked: number] | null;
  /** Training images of those. */
  readonly samples: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** null while it isn't over. */
  readonly seconds: number | null;
}

export const ROUND_COLUMNS = [
  'round',
  'val bal.acc',
  'val AUC mal.',
  'held-out bal.acc',
  'held-out AUC mal.',
  'held-out acc',
  'clinics',
  'samples',
  'up',
  'down',
  'seconds',
] as const;

/** For cli-table3: columns apart by spaces, no lines. */
export const TABLE_STYLE = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: ' ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
};

/** A score as it is printed everywhere: three decimals, – where it isn't defined. */
export const scoreText = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3);

/** 1,536,000 → "1.5 MB"; powers of ten, as networks are sold. */
function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000
    ? `${(bytes / 1000).toFixed(0)} KB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** One cell for each of ROUND_COLUMNS. */
export function rowCells({
  round,
  best,
  validation,
  heldout,
  clinics,
  samples,
  bytesUp,
  bytesDown,
  seconds,
}: RoundRow): string[] {
  return [
    `${round}${best ? ' *' : ''}`,
    scoreText(validation.balancedAccuracy),
    scoreText(validation.malignantAuc),
    scoreText(heldout.balancedAccuracy),
    scoreText(heldout.malignantAuc),
    scoreText(heldout.accuracy),
    clinics ? `${clinics[0]}/${clinics[1]}` : '–',
    clinics ? String(samples) : '–',
    bytesText(bytesUp),
    bytesText(bytesDown),
    seconds === null ? '–' : seconds.toFixed(1),
  ];
}

/** Cells (or the columns' names) as one line, for rows that are printed as they come. */
export const rowLine = (cells: readonly string[]): string =>
  cells.map((cell, i) => cell.padStart(ROUND_COLUMNS[i]!.length)).join('  ');

interface HeadlineResult extends Scores {
  readonly samples: number;
  /** 95% intervals of the scores. */
  readonly intervals: Readonly<
    Record<string, { readonly low: number; readonly high: number } | null | undefined>
  >;
}

/** The result that counts, as a sentence: the held-out one of the round that validation chose. */
export function headlineText(round: number, heldout: HeadlineResult): string {
  const say = (name: 'balancedAccuracy' | 'malignantAuc' | 'accuracy', label: string) => {
    const interval = heldout.intervals[name];
    return `${label} ${scoreText(heldout[name])}${interval ? ` (95% ${interval.low.toFixed(3)}–${interval.high.toFixed(3)})` : ''}`;
  };
  return `Held-out result of round ${round}, ${heldout.samples} images: ${say('balancedAccuracy', 'balanced accuracy')}, ${say('malignantAuc', 'malignant AUC')}, ${say('accuracy', 'accuracy')}.`;
}
