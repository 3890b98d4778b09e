import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fromBase64, toBase64 } from '../../../common/crypto/base64.js';
import { sha256Hex, utf8 } from '../../../common/crypto/bytes.js';
import {
  clinicIdOf,
  createIdentity,
  fingerprint,
  identityFrom,
} from '../../../common/crypto/identity.js';
import { sign, TAGS, verify } from '../../../common/crypto/signature.js';
import { openSigned, signMessage } from '../../../common/crypto/signed.js';
import { ClinicId, PublicKey, Signature } from '../../../common/protocol/primitives.js';

describe('base64 and SHA-256', () => {
  it('gives back the bytes, as Node writes them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it('refuses other encodings of the same bytes', () => {
    for (const text of ['AA==\n', 'AA', 'AB==', 'A', '*AAA'])
      expect(() => fromBase64(text)).toThrow(/base64/);
  });

  it('hashes like the published example', async () => {
    expect(await sha256Hex(utf8('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('hashes shared memory, which WebCrypto itself refuses', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set(utf8('abc'));
    expect(await sha256Hex(shared)).toMatch(/^ba7816bf/);
  });
});

describe('identities and signatures', () => {
  const identity = createIdentity();

  it("derives a clinic's id from its key, and its fingerprint in groups", async () => {
    const id = await clinicIdOf(identity.publicKey);
    expect(ClinicId.parse(id)).toBe(id);
    expect(fingerprint(id)).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
    expect(PublicKey.parse(toBase64(identity.publicKey))).toHaveLength(44);
    expect(identityFrom(identity.secretKey).publicKey).toEqual(identity.publicKey);
  });

  it('verifies exactly what was signed', () => {
    const signature = sign('tag', [utf8('one'), utf8('two')], identity.secretKey);
    expect(Signature.parse(signature)).toBe(signature);
    expect(verify('tag', [utf8('one'), utf8('two')], signature, identity.publicKey)).toBe(true);
    expect(verify('gat', [utf8('one'), utf8('two')], signature, identity.publicKey)).toBe(false);
    expect(verify('tag', [utf8('onetwo')], signature, identity.publicKey)).toBe(false);
    expect(verify('tag', [utf8('on'), utf8('etwo')], signature, identity.publicKey)).toBe(false);
    expect(verify('tag', [utf8('one'), utf8('two')], signature, createIdentity().publicKey)).toBe(
      false,
    );
    expect(verify('tag', [utf8('one'), utf8('two')], 'nonsense', identity.publicKey)).toBe(false);
  });

  it('refuses the same signature with S + L, which tweetnacl would accept', () => {
    const bytes = fromBase64(sign('tag', [utf8('one')], identity.secretKey));
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = bytes.subarray(32).reduceRight((n, b) => (n << 8n) | BigInt(b), 0n) + order;
    for (let i = 32; i < 64; i++, s >>= 8n) bytes[i] = Number(s & 255n);
    expect(verify('tag', [utf8('one')], toBase64(bytes), identity.publicKey)).toBe(false);
  });
});

describe('signed messages', () => {
  const identity = createIdentity();
  const schema = z.strictObject({ round: z.int() });
  const code = (f: () => unknown): unknown => {
    try {
      return f();
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  it("open with the signer's key, under the same tag", () => {
    const signed = signMessage(TAGS.terms, { round: 3 }, identity.secretKey);
    expect(openSigned(TAGS.terms, schema, signed, identity.publicKey)).toEqual({ round: 3 });
    expect(code(() => openSigned(TAGS.receipt, schema, signed, identity.publicKey))).toBe(
      'LENTIGO_CHALLENGE_FAILED',
    );
    expect(code(() => openSigned(TAGS.terms, schema, signed, createIdentity().publicKey))).toBe(
      'LENTIGO_CHALLENGE_FAILED',
    );
  });

  it('are refused once altered, before they are even parsed', () => {
    const signed = signMessage(TAGS.terms, { round: 3 }, identity.secretKey);
    expect(
      code(() =>
        openSigned(TAGS.terms, schema, { ...signed, body: '{"round":4}' }, identity.publicKey),
      ),
    ).toBe('LENTIGO_CHALLENGE_FAILED');
    expect(
      code(() => openSigned(TAGS.terms, schema, { ...signed, body: '{' }, identity.publicKey)),
    ).toBe('LENTIGO_CHALLENGE_FAILED');
  });

  it('that break the schema are refused although signed', () => {
    const signed = signMessage(TAGS.terms, { round: 'three' }, identity.secretKey);
    expect(code(() => openSigned(TAGS.terms, schema, signed, identity.publicKey))).toBe(
      'LENTIGO_MESSAGE_INVALID',
    );
  });
});
