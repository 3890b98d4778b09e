import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../../common/crypto/base64.js';
import { fileSource } from '../../../common/crypto/byte-source.node.js';
import { memorySource } from '../../support/memory-source.js';
import { concat, uint32, utf8 } from '../../../common/crypto/bytes.js';
import {
  openEnvelope,
  readEnvelope,
  sealUpdate,
  verifyEnvelope,
  type UpdateClaims,
} from '../../../common/crypto/envelope.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import { FRAME_BYTES } from '../../../common/crypto/frames.js';
import { clinicIdOf, createIdentity, createRoundKey } from '../../../common/crypto/identity.js';
import { signBytes, TAGS } from '../../../common/crypto/signature.js';

const identity = createIdentity();
const round = createRoundKey();
const claims: UpdateClaims = {
  study: '0198c0de-0000-7000-8000-000000000001',
  round: 3,
  attempt: '0198c0de-0000-7000-8000-000000000003',
  clinic: await clinicIdOf(identity.publicKey),
  base: 'ab'.repeat(32),
  encoding: 'int8',
  samples: 120,
};
const pattern = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) & 255);
const seal = (payload: Uint8Array): Promise<Uint8Array> =>
  sealUpdate({ header: claims, payload, roundKey: toBase64(round.publicKey), identity });

/** All that a coordinator does before it trusts a payload. */
async function receive(
  bytes: Uint8Array,
  publicKey = identity.publicKey,
  secretKey = round.secretKey,
): Promise<Uint8Array> {
  const envelope = await readEnvelope(memorySource(bytes));
  await verifyEnvelope(envelope, publicKey);
  const opened = await openEnvelope(envelope, secretKey);
  return await opened.read(0, opened.bytes);
}
const refusedAs = (code: string) => expect.objectContaining({ code });

describe('a sealed update', () => {
  it('opens to the same payload, of any length around the frame size', async () => {
    for (const length of [
      0,
      1,
      1000,
      FRAME_BYTES - 1,
      FRAME_BYTES,
      FRAME_BYTES + 1,
      2 * FRAME_BYTES,
    ]) {
      const payload = pattern(length);
      expect(Buffer.compare(await receive(await seal(payload)), payload)).toBe(0);
    }
  });

  it('never seals the same payload to the same bytes', async () => {
    const [a, b] = [await seal(pattern(10)), await seal(pattern(10))];
    expect(a).not.toEqual(b);
  });

  it('opens any range without the rest, from memory and from a file', async () => {
    const payload = pattern(2 * FRAME_BYTES + 500);
    const sealed = await seal(payload);
    const folder = await mkdtemp(join(tmpdir(), 'lentigo-'));
    await writeFile(join(folder, 'update'), sealed);
    let read = 0;
    const file = await fileSource(join(folder, 'update'));
    const counted = {
      bytes: file.bytes,
      read: (start: number, end: number) => ((read += end - start), file.read(start, end)),
    };
    const opened = await openEnvelope(await readEnvelope(counted), round.secretKey);
    const before = read;
    expect(await opened.read(FRAME_BYTES + 7, FRAME_BYTES + 9)).toEqual(
      payload.slice(FRAME_BYTES + 7, FRAME_BYTES + 9),
    );
    expect(read - before).toBe(FRAME_BYTES + 16);

    const inMemory = await openEnvelope(await readEnvelope(memorySource(sealed)), round.secretKey);
    await fc.assert(
      fc.asyncProperty(fc.nat(payload.length), fc.nat(payload.length), async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        for (const source of [opened, inMemory]) {
          expect(Buffer.compare(await source.read(start, end), payload.subarray(start, end))).toBe(
            0,
          );
        }
      }),
      { numRuns: 15 },
    );
    await expect(opened.read(0, payload.length + 1)).rejects.toThrow(RangeError);
    await rm(folder, { recursive: true });
  });

  it('is refused with one byte altered anywhere', async () => {
    const sealed = await seal(pattern(300));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sealed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const altered = sealed.slice();
          altered[at]! ^= flip;
          await expect(receive(altered)).rejects.toMatchObject({
            code: expect.stringMatching(
              /^LENTIGO_(UPDATE_(MALFORMED|SIGNATURE)|PROTOCOL_VERSION)$/,
            ),
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('does not open with one byte of its frames altered, even where nobody looks at the signature', async () => {
    const sealed = await seal(pattern(300));
    const { framesStart } = await readEnvelope(memorySource(sealed));
    for (let at = framesStart; at < sealed.length; at += 7) {
      const altered = sealed.slice();
      altered[at]! ^= 1;
      const opened = await openEnvelope(await readEnvelope(memorySource(altered)), round.secretKey);
      await expect(opened.read(0, 300)).rejects.toThrow(refusedAs('LENTIGO_UPDATE_ALTERED'));
    }
  });

  it('does not open under another header, or with its frames exchanged', async () => {
    const sealed = await seal(pattern(2 * FRAME_BYTES));
    const envelope = await readEnvelope(memorySource(sealed));
    const otherHeader = {
      ...envelope,
      headerBytes: utf8(JSON.stringify({ ...envelope.header, samples: 9999 })),
    };
    await expect((await openEnvelope(otherHeader, round.secretKey)).read(0, 1)).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_ALTERED'),
    );

    const size = FRAME_BYTES + 16;
    const frames = sealed.slice(envelope.framesStart);
    const exchanged = concat(
      sealed.subarray(0, envelope.framesStart),
      frames.subarray(size),
      frames.subarray(0, size),
    );
    const opened = await openEnvelope(await readEnvelope(memorySource(exchanged)), round.secretKey);
    await expect(opened.read(0, 1)).rejects.toThrow(refusedAs('LENTIGO_UPDATE_ALTERED'));
  });

  it('is refused when cut short or with bytes appended', async () => {
    const sealed = await seal(pattern(300));
    for (const length of [0, 3, 8, 71, 72, 200, sealed.length - 1]) {
      await expect(receive(sealed.slice(0, length))).rejects.toThrow(
        refusedAs('LENTIGO_UPDATE_MALFORMED'),
      );
    }
    await expect(receive(concat(sealed, Uint8Array.of(0)))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_MALFORMED'),
    );
    await expect(receive(pattern(1000))).rejects.toThrow(refusedAs('LENTIGO_UPDATE_MALFORMED'));
  });

  it('signed by another clinic is refused', async () => {
    await expect(receive(await seal(pattern(10)), createIdentity().publicKey)).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_SIGNATURE'),
    );
  });

  it("sealed for another round's key does not open", async () => {
    await expect(
      receive(await seal(pattern(10)), identity.publicKey, createRoundKey().secretKey),
    ).rejects.toThrow(refusedAs('LENTIGO_UPDATE_ALTERED'));
  });

  it('of another protocol, or with a field too many, is refused although signed', async () => {
    const rewritten = async (change: object): Promise<Uint8Array> => {
      const { header, source, framesStart } = await readEnvelope(
        memorySource(await seal(pattern(10))),
      );
      const bytes = utf8(JSON.stringify({ ...header, ...change }));
      const frames = await source.read(framesStart, source.bytes);
      return concat(
        utf8('LTG1'),
        uint32(bytes.length),
        bytes,
        signBytes(TAGS.update, [bytes], identity.secretKey),
        frames,
      );
    };
    await expect(receive(await rewritten({ protocol: PROTOCOL + 1 }))).rejects.toThrow(
      refusedAs('LENTIGO_PROTOCOL_VERSION'),
    );
    await expect(receive(await rewritten({ surprise: 1 }))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_MALFORMED'),
    );
    await expect(receive(await rewritten({ samples: -1 }))).rejects.toThrow(
      refusedAs('LENTIGO_UPDATE_MALFORMED'),
    );
  });
});
