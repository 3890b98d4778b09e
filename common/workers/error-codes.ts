// Errors that keep their code on the way between threads that speak by comlink.
import { transferHandlers } from 'comlink';
import { type ErrorCode, LentigoError } from '../errors.js';

interface Sent {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack: string | undefined;
}

const isOurs = (sent: unknown): sent is Sent =>
  typeof sent === 'object' && sent !== null && 'code' in sent;

/**
 * By itself comlink carries an error's message and name; after this, in both threads, a LentigoError
 * arrives as one, with the stack of the other thread as its cause.
 */
export function keepErrorCodes(): void {
  const plain = transferHandlers.get('throw')!;
  transferHandlers.set('throw', {
    canHandle: (value): value is unknown => plain.canHandle(value),
    serialize: (thrown) => {
      const { value } = thrown as { value: unknown };
      if (!(value instanceof LentigoError)) return plain.serialize(thrown);
      const { code, message, cause } = value;
      const { stack } = cause instanceof Error ? cause : value;
      return [{ code, message, stack } satisfies Sent, []];
    },
    deserialize: (sent: unknown) => {
      if (isOurs(sent)) throw new LentigoError(sent.code, sent.message, { cause: sent.stack });
      return plain.deserialize(sent);
    },
  });
}
