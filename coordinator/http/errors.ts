// Every HTTP error leaves as { error: { code, message, remedy } } with the code's status; what nobody foresaw is logged and told as LENTIGO_INTERNAL.
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { asLentigoError, LentigoError } from '../../common/errors.js';

export function errorHandler(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    const error = fromBodyParser(thrown) ?? asLentigoError(thrown);
    if (error.code === 'LENTIGO_INTERNAL') log.error({ err: thrown, path: request.path }, 'request failed');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const told = error.code === 'LENTIGO_INTERNAL' ? new LentigoError('LENTIGO_INTERNAL', 'The coordinator failed to answer this request; its log says why.') : error;
    response.status(told.httpStatus).json({ error: told.body() });
  };
}

/** express's body parser marks what is wrong with a body by its own status: too large, not JSON, cut short. */
function fromBodyParser(thrown: unknown): LentigoError | undefined {
  if (!(thrown instanceof Error) || !('status' in thrown) || typeof thrown.status !== 'number' || thrown.status >= 500) return undefined;
  return new LentigoError('LENTIGO_MESSAGE_INVALID', thrown.message, { cause: thrown });
}

/** A request's body by its schema. @throws LENTIGO_MESSAGE_INVALID naming the fields. */
export function bodyOf<T extends z.ZodType>(schema: T, request: Request): z.infer<T> {
  const parsed = schema.safeParse(request.body);
  if (!parsed.success) throw new LentigoError('LENTIGO_MESSAGE_INVALID', `${request.method} ${request.path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
