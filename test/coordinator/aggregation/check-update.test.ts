import * as fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../../common/crypto/base64.js';
import { sealUpdate } from '../../../common/crypto/envelope.js';
import { createRoundKey } from '../../../common/crypto/identity.js';
import { Random } from '../../../common/random.js';
import { encodings } from '../../../common/update/encoding.js';
import { checkUpdate, type ExpectedUpdate } from '../../../coordinator/aggregation/check-update.js';
import {
  ATTEMPT,
  claimsOf,
  COUNT,
  createClinic,
  normals,
  refusedAs,
  ROUND_KEY,
  sha256,
  STUDY,
  writeFresh,
  writeSealed,
} from './sealed-updates.js';

const clinic = await createClinic();
const delta = normals(COUNT, 'delta');
const encoded = encodings.get('int8').encode(delta, new Random(1));
const expected: ExpectedUpdate = {
  study: STUDY,
  round: 3,
  attempt: ATTEMPT,
  clinic: clinic.id,
  clinicKey: clinic.key,
  base: 'ab'.repeat(32),
  encoding: 'int8',
  minSamples: 10,
  maxSamples: 1000,
  maxNorm: 100,
  count: COUNT,
};
const check = (path: string, change: Partial<ExpectedUpdate> = {}) =>
  checkUpdate({ path, expected: { ...expected, ...change }, roundSecretKey: ROUND_KEY.secretKey });
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0));

describe('an update that arrives', () => {
  it('is accepted with its hash, length, samples and norm', async () => {
    const path = await writeSealed(clinic, encoded);
    const bytes = await readFile(path);
    const checked = await check(path);
    expect(checked).toEqual({
      sha256: sha256(bytes),
      bytes: bytes.length,
      samples: 120,
      norm: expect.any(Number),
    });
    expect(checked.norm).toBeCloseTo(norm(encodings.get('int8').decode(encoded)), 6);
  });

  it('is accepted in both encodings where it is longer than one read', async () => {
    const long = normals(1024 * 1024 + 5000, 'long', 1e-3);
    for (const encoding of ['int8', 'float32'] as const) {
      const path = await writeSealed(clinic, encodings.get(encoding).encode(long, new Random(1)), {
        encoding,
      });
      expect((await check(path, { count: long.length, encoding })).norm).toBeCloseTo(norm(long), 2);
    }
  });

  it.each([
    [
      'another study',
      { study: '0198c0de-0000-7000-8000-000000000002' },
      'LENTIGO_UPDATE_OTHER_ROUND',
    ],
    ['a past round', { round: 2 }, 'LENTIGO_UPDATE_OTHER_ROUND'],
    [
      'another attempt',
      { attempt: '0198c0de-0000-7000-8000-000000000004' },
      'LENTIGO_UPDATE_OTHER_ROUND',
    ],
    ['another base model', { base: 'cd'.repeat(32) }, 'LENTIGO_UPDATE_OTHER_BASE'],
    ['too few samples', { samples: 9 }, 'LENTIGO_UPDATE_SAMPLES'],
    ['too many samples', { samples: 1001 }, 'LENTIGO_UPDATE_SAMPLES'],
    ['another encoding', { encoding: 'float32' as const }, 'LENTIGO_UPDATE_MALFORMED'],
    ["another clinic's name", { clinic: '0'.repeat(32) }, 'LENTIGO_UPDATE_SIGNATURE'],
  ])('with %s is refused', async (_, change, code) => {
    await expect(check(await writeSealed(clinic, encoded, change))).rejects.toThrow(
      refusedAs(code),
    );
  });

  it("replayed from a past round, sealed for that round's key, is named as such", async () => {
    const past = await sealUpdate({
      header: claimsOf(clinic, { round: 2 }),
      payload: encoded,
      roundKey: toBase64(createRoundKey().publicKey),
      identity: clinic.identity,
    });
    await expect(check(await writeFresh(past))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_OTHER_ROUND'),
    );
  });

  it('sealed for another key is refused', async () => {
    const other = await sealUpdate({
      header: claimsOf(clinic),
      payload: encoded,
      roundKey: toBase64(createRoundKey().publicKey),
      identity: clinic.identity,
    });
    await expect(check(await writeFresh(other))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_ALTERED'),
    );
  });

  it('signed by another clinic is refused', async () => {
    const other = await createClinic();
    await expect(
      check(await writeSealed({ ...clinic, identity: other.identity }, encoded)),
    ).rejects.toThrow(refusedAs('LENTIGO_UPDATE_SIGNATURE'));
  });

  it('of wrong length is refused', async () => {
    for (const count of [COUNT - 1, COUNT + 1, 0]) {
      const path = await writeSealed(
        clinic,
        encodings.get('int8').encode(normals(count, 1), new Random(1)),
      );
      await expect(check(path)).rejects.toThrow(refusedAs('LENTIGO_UPDATE_LENGTH'));
    }
  });

  it('with NaN or infinity is refused, in both encodings', async () => {
    const scale = encoded.slice();
    new DataView(scale.buffer).setFloat32(0, NaN, true);
    await expect(check(await writeSealed(clinic, scale))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_NOT_FINITE'),
    );
    for (const bad of [NaN, Infinity]) {
      const bytes = new Uint8Array(
        Float32Array.from(delta, (v, i) => (i === COUNT - 1 ? bad : v)).buffer,
      );
      await expect(
        check(await writeSealed(clinic, bytes, { encoding: 'float32' }), { encoding: 'float32' }),
      ).rejects.toThrow(refusedAs('LENTIGO_UPDATE_NOT_FINITE'));
    }
  });

  it('beyond the norm is refused', async () => {
    await expect(
      check(await writeSealed(clinic, encoded), { maxNorm: norm(delta) / 2 }),
    ).rejects.toThrow(refusedAs('LENTIGO_UPDATE_NORM'));
  });

  it('with one byte altered anywhere is refused, and not as something else', async () => {
    const sealed = await readFile(await writeSealed(clinic, encoded));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sealed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const altered = new Uint8Array(sealed);
          altered[at]! ^= flip;
          await expect(check(await writeFresh(altered))).rejects.toMatchObject({
            code: expect.stringMatching(
              /^LENTIGO_(UPDATE_(MALFORMED|SIGNATURE)|PROTOCOL_VERSION)$/,
            ),
          });
        },
      ),
      { numRuns: 100 },
    );
  });
});
