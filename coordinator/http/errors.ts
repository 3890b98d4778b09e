// Every HTTP error leaves as { error: { code, message, remedy } } with the code's status; what
// nobody foresaw is logged and told as LENTIGO_INTERNAL.
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { asLentigoError, LentigoError } from '../../common/errors.js';

export function errorHandler(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    const byExpress = fromExpress(thrown);
    const error = byExpress?.error ?? asLentigoError(thrown);
    if (error.code === 'LENTIGO_INTERNAL')
      log.error({ err: thrown, path: request.path }, 'request failed');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    response.status(byExpress?.status ?? error.httpStatus).json({ error: told(error).body() });
  };
}

/** What the other side hears of an error: of one that nobody foresaw, nothing of its inside. */
export const told = (error: LentigoError): LentigoError =>
  error.code === 'LENTIGO_INTERNAL'
    ? new LentigoError(
        'LENTIGO_INTERNAL',
        'The coordinator failed to answer this request; its log says why.',
      )
    : error;

/**
 * express marks what is wrong with a request by a status of its own: too large, not JSON, cut
 * short, a range beyond the end.
 */
function fromExpress(thrown: unknown): { status: number; error: LentigoError } | undefined {
  if (
    !(thrown instanceof Error) ||
    !('status' in thrown) ||
    typeof thrown.status !== 'number' ||
    thrown.status >= 500
  )
    return undefined;
  return {
    status: thrown.status,
    error: new LentigoError('LENTIGO_MESSAGE_INVALID', thrown.message, { cause: thrown }),
  };
}

/** A request's body by its schema. @throws LENTIGO_MESSAGE_INVALID naming the fields. */
export function bodyOf<T extends z.ZodType>(schema: T, request: Request): z.infer<T> {
  const parsed = schema.safeParse(request.body);
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_MESSAGE_INVALID',
      `${request.method} ${request.path}: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}
