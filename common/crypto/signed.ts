// JSON messages signed as text: announcements and receipts, which outlive the connection that
// carried them.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import type { Signed } from '../protocol/round.js';
import { utf8 } from './bytes.js';
import { sign, verify } from './signature.js';

/** Signs exactly the text that is sent, so no canonical form of JSON is needed. */
export function signMessage(tag: string, value: unknown, secretKey: Uint8Array): Signed {
  const body = JSON.stringify(value);
  return { body, signature: sign(tag, [utf8(body)], secretKey) };
}

/**
 * Returns the message inside, which is read only after its signature is verified.
 * @throws LENTIGO_CHALLENGE_FAILED when the signature is not of this key, tag and text;
 *   LENTIGO_MESSAGE_INVALID when the text doesn't fit the schema.
 */
export function openSigned<T extends z.ZodType>(
  tag: string,
  schema: T,
  signed: Signed,
  publicKey: Uint8Array,
): z.infer<T> {
  if (!verify(tag, [utf8(signed.body)], signed.signature, publicKey)) {
    throw new LentigoError(
      'LENTIGO_CHALLENGE_FAILED',
      `The signature of a ${tag} message is not valid.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(signed.body);
  } catch (cause) {
    throw new LentigoError('LENTIGO_MESSAGE_INVALID', `A signed ${tag} message is not JSON.`, {
      cause,
    });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_MESSAGE_INVALID',
      `A signed ${tag} message is not valid: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}
