// Compares a secret that someone sends with the expected one, in constant time, through hashes of
// equal length.
import { createHash, timingSafeEqual } from 'node:crypto';

export function tokenCheck(expected: string): (given: unknown) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const wanted = hash(expected);
  return (given) => timingSafeEqual(hash(typeof given === 'string' ? given : ''), wanted);
}
