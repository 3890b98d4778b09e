// The rule for message fields that one side doesn't know yet.
import { z } from 'zod';

/** Whether a side that doesn't know the field may ignore it. */
const isOptionalExtension = (key: string): boolean => key.startsWith('x-');

/**
 * A message that later versions may extend. A side ignores an unknown field whose name begins with
 * `x-`; it refuses any other unknown field, since that may matter. A field that changes the meaning
 * of known ones needs a new protocol number instead.
 */
export const extensible = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess(
    (message) =>
      typeof message === 'object' && message !== null && !Array.isArray(message)
        ? Object.fromEntries(
            Object.entries(message).filter(([key]) => key in shape || !isOptionalExtension(key)),
          )
        : message,
    z.strictObject(shape),
  );
