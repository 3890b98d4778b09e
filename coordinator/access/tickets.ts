// Upload tickets: a short-lived permission, signed with HMAC, to upload exactly these bytes for
// this clinic in this attempt at a round.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import { ByteCount, ClinicId, Id, Sha256 } from '../../common/protocol/primitives.js';
import type { Clock } from '../rounds/records.js';

const Claims = z.strictObject({
  study: Id,
  attempt: Id,
  clinic: ClinicId,
  sha256: Sha256,
  bytes: ByteCount,
  expires: z.int(),
});
export type Claims = z.infer<typeof Claims>;

/** Lifetime of a ticket; a clinic on a slow line asks for another and resumes. */
const LIFETIME_MS = 60 * 60 * 1000;

/**
 * The id of the tus upload for a ticket. The same bytes of the same clinic always have the same id,
 * so that an upload can resume.
 */
export const uploadIdOf = ({
  attempt,
  clinic,
  sha256,
}: Pick<Claims, 'attempt' | 'clinic' | 'sha256'>): string => `${attempt}_${clinic}_${sha256}`;

export class Tickets {
  readonly #key: Uint8Array;
  readonly #now: Clock;
  constructor(key: Uint8Array, now: Clock) {
    this.#key = key;
    this.#now = now;
  }
  issue(claims: Omit<Claims, 'expires'>): string {
    const body = Buffer.from(
      JSON.stringify({ ...claims, expires: this.#now() + LIFETIME_MS }),
    ).toString('base64url');
    return `${body}.${this.#mac(body)}`;
  }
  /**
   * Checks the Authorization header.
   * @throws LENTIGO_UPLOAD_TICKET when the ticket is missing, forged or expired
   */
  check(authorization: string | null): Claims {
    const [body = '', mac = ''] =
      authorization?.match(/^Bearer (\S{1,2000})$/)?.[1]?.split('.') ?? [];
    const expected = Buffer.from(this.#mac(body));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new LentigoError('LENTIGO_UPLOAD_TICKET', 'The upload carries no valid ticket.');
    const claims = Claims.parse(JSON.parse(Buffer.from(body, 'base64url').toString()));
    if (claims.expires < this.#now())
      throw new LentigoError('LENTIGO_UPLOAD_TICKET', 'The upload ticket expired.');
    return claims;
  }
  #mac(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}
