// What is wrong with a value, in plain words after its name ("rounds: must be a number"): takes the
// place of zod's own messages wherever a schema gives none.
import { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a group of settings, "name: value"',
  record: 'a group of settings, "name: value"',
  array: 'a list',
  date: 'a date',
  null: 'empty',
};
const UNITS: Readonly<Record<string, string>> = {
  string: ' characters long',
  array: ' entries long',
  set: ' entries long',
};

/** A limit of a number, or of the length of a text or list. */
function limit(
  { origin, inclusive }: { readonly origin: string; readonly inclusive?: boolean | undefined },
  side: 'least' | 'most',
  value: number | bigint,
): string {
  const number = value.toLocaleString('en');
  if (origin in UNITS) {
    if (side === 'least' && Number(value) === 1) return 'must not be empty';
    return `must be at ${side} ${number}${UNITS[origin]}`;
  }
  if (inclusive === false) return `must be ${side === 'least' ? 'more' : 'less'} than ${number}`;
  return `must be at ${side} ${number}`;
}

const listed = (values: readonly unknown[]): string => values.map(String).join(', ');

z.config({
  customError: (issue) => {
    switch (issue.code) {
      case 'invalid_type':
        if (issue.input === undefined) return 'is missing';
        return `must be ${KINDS[issue.expected] ?? issue.expected}`;
      case 'too_small':
        return limit(issue, 'least', issue.minimum);
      case 'too_big':
        return limit(issue, 'most', issue.maximum);
      case 'not_multiple_of':
        return `must be a multiple of ${issue.divisor}`;
      case 'invalid_value':
        return `must be ${issue.values.length === 1 ? '' : 'one of '}${listed(issue.values)}`;
      case 'unrecognized_keys':
        return `has no ${listed(issue.keys)}`;
      case 'invalid_format':
        return issue.format === 'regex'
          ? 'is not of the right form'
          : `is no valid ${issue.format}`;
      case 'invalid_union':
        return 'is none of what it may be';
      case 'invalid_key':
      case 'invalid_element':
        return 'has an entry that is not right';
      default:
        return undefined;
    }
  },
});
