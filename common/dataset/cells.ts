// What the cells of a table may hold, as spreadsheets and statistics programs write it: words for
// missing values, decimal commas, skin types in Roman numbers. Each message says what is wrong with
// the cell, and follows "column age".
import { z } from 'zod';
import { SPLITS } from './sample.js';

/** In lower case. `UNK` isn't among them: in PAD-UFES-20 it is an answer. */
const MISSING = new Set([
  '',
  ...'na n/a n.a. n.a nan -nan nat none null nil undefined missing unknown'.split(' '),
  ...'<na> <null> (null) [null] \\n . .. - -- --- – — ? ??'.split(' '),
  ...'n/d n.d. k.a. s/d'.split(' '),
  // Excel's errors, in English, German, and Portuguese or Spanish.
  ...'#n/a #null! #value! #ref! #div/0! #name? #num! #nv #n/d'.split(' '),
  'not available',
  'not applicable',
]);
const LONGEST_MISSING = Math.max(...[...MISSING].map((word) => word.length));

/** A cell's text without the spaces around it; '' if it is a word for missing. */
export function cleaned(cell: string): string {
  const value = cell.trim();
  return value.length <= LONGEST_MISSING && MISSING.has(value.toLowerCase()) ? '' : value;
}

const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** 1.234,5 and 1,234.5 */
const GROUPED_NUMBER = /^[+-]?\d{1,3}(?:(?:\.\d{3})+,|(?:,\d{3})+\.)\d+$/;

/** The number that a text is, with a point or a comma before the decimals. */
export function numberOf(text: string): number | undefined {
  if (PLAIN_NUMBER.test(text)) return Number(text);
  let digits = text.replace('−', '-');
  if (GROUPED_NUMBER.test(digits)) {
    const mark = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
    digits = `${digits.slice(0, mark).replaceAll(/[.,]/g, '')}.${digits.slice(mark + 1)}`;
  } else digits = digits.replace(',', '.');
  return PLAIN_NUMBER.test(digits) ? Number(digits) : undefined;
}

/** A text, '' where it is missing. */
export const text = z.string().overwrite(cleaned).max(200, 'is longer than 200 characters');
export const optionalText = text.optional();
/** A text that must not be missing. */
export const neededText = text.min(1, 'is empty');

/** A number of which some are right; undefined where it is missing. */
const numeric = (
  read: (value: string) => number | undefined,
  right: (value: number) => boolean,
  what: string,
) =>
  text
    .transform((cell) => {
      if (cell === '') return undefined;
      const value = read(cell);
      return value !== undefined && right(value) ? value : Number.NaN;
    })
    .pipe(z.number({ error: `is no ${what}` }).optional())
    .optional();

export const number = (low: number, high: number) =>
  numeric(
    numberOf,
    (value) => value >= low && value <= high,
    `number from ${low} to ${high.toLocaleString('en')}`,
  );

const ROMAN = ['i', 'ii', 'iii', 'iv', 'v', 'vi'];
/** Fitzpatrick skin type I–VI as 1–6: "3", "3.0", "III", "type III". */
export const skinType = numeric(
  (value) => {
    const bare = value.toLowerCase().replace(/^(fitzpatrick\s*)?(skin\s*)?(type\s*)?/, '');
    return ROMAN.includes(bare) ? ROMAN.indexOf(bare) + 1 : numberOf(bare);
  },
  (value) => [1, 2, 3, 4, 5, 6].includes(value),
  'skin type from 1 to 6',
);

/**
 * An image's file name, or its path: any program's slashes; '' where there is none. It is compared
 * with the files that were found, and never opened: one that leads out of the folder finds none.
 */
export const imagePath = z
  .string()
  .overwrite((value) =>
    cleaned(value)
      .replaceAll('\\', '/')
      .replace(/^(file:\/\/)?([a-z]:)?(\.?\/)+/i, ''),
  )
  .max(1000, 'is longer than 1,000 characters');

/** What tables call our splits. */
const SPLIT_WORDS: Readonly<Record<string, (typeof SPLITS)[number] | 'test'>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  heldout: 'heldout',
  'held-out': 'heldout',
  held_out: 'heldout',
  holdout: 'heldout',
  'hold-out': 'heldout',
  test: 'test',
  testing: 'test',
};
/** The split that a word names: ours, or `test` where there may be only train and test. */
export const splitOf = (word: string): (typeof SPLITS)[number] | 'test' | undefined => {
  const name = word.toLowerCase();
  return Object.hasOwn(SPLIT_WORDS, name) ? SPLIT_WORDS[name] : undefined;
};
/** The split that a table itself gives. */
export const splitWord = text
  .transform((value) => (value === '' ? undefined : (splitOf(value) ?? null)))
  .pipe(z.enum([...SPLITS, 'test'], { error: `is none of ${SPLITS.join(', ')}` }).optional())
  .optional();
