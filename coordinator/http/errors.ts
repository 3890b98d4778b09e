// Every HTTP error is sent as { error: { code, message, remedy } } with the code's status; an
// unexpected error is logged, and answered as LENTIGO_INTERNAL.
import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { publicError } from '../access/public-error.js';

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
    response
      .status(byExpress?.status ?? error.httpStatus)
      .json({ error: publicError(error).body() });
  };
}

/**
 * express marks an invalid request with a status: too large, not JSON, cut short, a range beyond
 * the end.
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
