// Comparing a secret that someone sends with the one expected: in constant time, by hashes of equal
// length.
import { createHash, timingSafeEqual } from 'node:crypto';

export function tokenCheck(expected: string): (given: unknown) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const wanted = hash(expected);
  return (given) => timingSafeEqual(hash(typeof given === 'string' ? given : ''), wanted);
}
