// An error on its way to the other side: the same fields in the body of an HTTP answer and in a
// socket's acknowledgement.
import { z } from 'zod';
import { ERRORS, type ErrorCode, LentigoError } from '../errors.js';

export const ErrorName = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

export const ErrorBody = z.object({
  code: ErrorName,
  message: z.string().max(10_000),
  remedy: z.string().max(1000),
});

/** The body of every HTTP answer that is an error. */
const ErrorAnswer = z.object({ error: ErrorBody });

/** The error in the body of an HTTP answer, or undefined where the body is something else. */
export function errorInBody(text: string): LentigoError | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = ErrorAnswer.safeParse(value);
  return parsed.success
    ? new LentigoError(parsed.data.error.code, parsed.data.error.message)
    : undefined;
}
