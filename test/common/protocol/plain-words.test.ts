import { expect, it } from 'vitest';
import { z } from 'zod';
import '../../../common/protocol/plain-words.js';

it.each([
  [z.string().min(1), '', 'must not be empty'],
  [z.string().max(3), 'abcd', 'must be at most 3 characters long'],
  [z.array(z.int()).min(2), [1], 'must be at least 2 entries long'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.number(), 'many', 'must be a number'],
  [z.number(), undefined, 'is missing'],
  [z.number().min(1000), 1, 'must be at least 1,000'],
  [z.number().gt(0), 0, 'must be more than 0'],
  [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  [z.object({ a: z.int() }), [], 'must be a group of settings, "name: value"'],
  [z.union([z.int(), z.boolean()]), 'x', 'is none of what it may be'],
  [z.string().min(3, 'is too short a name'), 'a', 'is too short a name'],
])('says plainly what is wrong with a value (%#)', (schema, value, words) => {
  expect(schema.safeParse(value).error?.issues[0]?.message).toBe(words);
});
