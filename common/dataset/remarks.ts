// What has to be said of a dataset that was read, beside its samples: what reading it noticed, what
// is left out, and what can't be used.
import type { Dataset } from './sample.js';

/** Images named one by one; the others are counted. */
const NAMED = 20;

/** A sentence each. */
export const remarks = ({ notes = [], leftOut = {}, problems }: Dataset): string[] => [
  ...notes,
  ...Object.entries(leftOut)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, n]) => `${n} ${n === 1 ? 'image' : 'images'} left out: ${reason}`),
  ...problems.slice(0, NAMED).map(({ message }) => message),
  ...(problems.length > NAMED
    ? [`and ${problems.length - NAMED} more of ${problems.length} images that can't be used`]
    : []),
];
