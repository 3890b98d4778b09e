// The settings in a value of --data, written as in a web address: site=1&images=60.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import '../protocol/plain-words.js';

/** A whole number in digits, within bounds. */
export const whole = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(low).max(high));

/** A share below 1 in decimals. */
export const share = z
  .string()
  .regex(/^0?\.\d{1,6}$|^0$/, 'must be a share such as 0.2')
  .transform(Number);

/**
 * Parses the settings.
 * @param spec the whole value of --data, for the error
 * @throws LENTIGO_USAGE naming the setting
 */
export function parseQuery<T>(schema: z.ZodType<T>, query: string, spec: string): T {
  const parsed = schema.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new LentigoError(
    'LENTIGO_USAGE',
    `--data ${spec}: ${path.length > 0 ? `${path[0]?.toString()}: ` : ''}${message}`,
  );
}
