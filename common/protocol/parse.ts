// Parses messages from the other side, over HTTP or a socket.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { PROTOCOL } from './primitives.js';

const Versioned = z.object({ protocol: z.int() });

/**
 * Checks the protocol number before the rest of a message is read, so that another version gets a
 * clear answer.
 * @param what the message's name in errors
 * @throws LENTIGO_PROTOCOL_VERSION when the message says that it is of another protocol
 */
export function checkProtocol(message: unknown, what: string): void {
  const version = Versioned.safeParse(message);
  if (version.success && version.data.protocol !== PROTOCOL)
    throw new LentigoError(
      'LENTIGO_PROTOCOL_VERSION',
      `${what} uses protocol ${version.data.protocol}; this side uses protocol ${PROTOCOL}.`,
    );
}

/**
 * Parses a message by its schema.
 * @param what the message's name in errors
 * @throws LENTIGO_PROTOCOL_VERSION; LENTIGO_MESSAGE_INVALID naming the wrong fields
 */
export function parseMessage<T extends z.ZodType>(
  schema: T,
  message: unknown,
  what: string,
): z.infer<T> {
  checkProtocol(message, what);
  const parsed = schema.safeParse(message);
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_MESSAGE_INVALID',
      `${what} is not valid: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}
