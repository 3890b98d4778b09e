// Node's Ed25519 and tweetnacl's give the same signatures, and the same answer to every signature,
// including those that no honest signer makes.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createIdentity } from '../../../common/crypto/identity.js';
import { ed25519, portable } from '../../../common/crypto/ed25519.js';

const RUNS = { numRuns: 60 };
const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g)!, (h) => parseInt(h, 16));
/**
 * Points of small order and non-canonical encodings (Chalkias, Garillot and Nikolaenko 2020,
 * "Taming the many EdDSAs", table 2), and bytes that are not a point.
 */
const ODD = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0200000000000000000000000000000000000000000000000000000000000000',
].map(hex);

it("uses Node's implementation", () => {
  expect(ed25519).not.toBe(portable);
});

it('gives the same signature as the other, which accepts it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (message) => {
      const { publicKey, secretKey } = createIdentity();
      const signature = ed25519.sign(message, secretKey);
      expect(signature).toEqual(portable.sign(message, secretKey));
      expect([
        ed25519.verify(message, signature, publicKey),
        portable.verify(message, signature, publicKey),
      ]).toEqual([true, true]);
    }),
    RUNS,
  );
});

it('refuses what the other refuses, wherever a bit of message, signature or key was changed', () => {
  const { publicKey, secretKey } = createIdentity();
  const flipped = (bytes: Uint8Array, bit: number) =>
    bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      fc.nat(511),
      fc.constantFrom('message', 'signature', 'key'),
      (message, bit, what) => {
        const signature = portable.sign(message, secretKey);
        const altered = [
          what === 'message' ? flipped(message, bit % (8 * message.length)) : message,
          what === 'signature' ? flipped(signature, bit) : signature,
          what === 'key' ? flipped(publicKey, bit % 256) : publicKey,
        ] as const;
        expect([ed25519.verify(...altered), portable.verify(...altered)]).toEqual([false, false]);
      },
    ),
    RUNS,
  );
});

it('answers like the other if key and signature are points of small order or not canonical', () => {
  const message = new Uint8Array([1, 2, 3]);
  const zero = new Uint8Array(32);
  const taken: number[] = [];
  for (const [k, key] of ODD.entries()) {
    for (const first of ODD) {
      const signature = Uint8Array.of(...first, ...zero);
      const answer = ed25519.verify(message, signature, key);
      expect(answer, `key ${k}`).toBe(portable.verify(message, signature, key));
      if (answer) taken.push(k);
    }
  }
  expect(taken.length).toBeGreaterThan(0); // the cases reach the equation itself
});
