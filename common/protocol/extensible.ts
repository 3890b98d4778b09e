// The rule for fields that one side doesn't know yet.
import { z } from 'zod';

/** A field that may be passed over by who doesn't know it. */
const isOptionalExtension = (key: string): boolean => key.startsWith('x-');

/**
 * A message that later versions may extend. A field whose name begins with `x-` is passed over by a
 * side that doesn't know it; any other unknown field is refused, since it may matter. A field that
 * changes what the known ones mean comes with a new protocol number instead.
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
