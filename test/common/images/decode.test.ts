// Photographs from phones and archives are decoded to one upright RGB form; errors name broken
// files.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../../common/images/decode.node.js';
import type { Picture } from '../../../common/images/picture.js';

/** An upright 48×32 picture with four different quarters. */
const W = 48;
const H = 32;
const QUARTERS = [
  [220, 40, 40],
  [40, 200, 60],
  [50, 60, 210],
  [230, 220, 70],
] as const;
const upright = new Uint8Array(W * H * 3);
for (let y = 0; y < H; y++)
  for (let x = 0; x < W; x++)
    upright.set(QUARTERS[(y < H / 2 ? 0 : 2) + (x < W / 2 ? 0 : 1)]!, (y * W + x) * 3);

const raw = (data: Uint8Array, width = W, height = H) =>
  sharp(data, { raw: { width, height, channels: 3 } });

/**
 * Where the upright pixel (x, y) is stored under each EXIF orientation; orientations 5–8 are stored
 * H wide and W high.
 */
const STORED: Record<number, (x: number, y: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [W - 1 - x, y],
  3: (x, y) => [W - 1 - x, H - 1 - y],
  4: (x, y) => [x, H - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [y, W - 1 - x],
  7: (x, y) => [H - 1 - y, W - 1 - x],
  8: (x, y) => [H - 1 - y, x],
};

async function jpegWithOrientation(orientation: number): Promise<Buffer> {
  const width = orientation < 5 ? W : H;
  const stored = new Uint8Array(W * H * 3);
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const [sx, sy] = STORED[orientation]!(x, y);
      stored.set(upright.subarray((y * W + x) * 3, (y * W + x) * 3 + 3), (sy * width + sx) * 3);
    }
  }
  return raw(stored, width, (W * H) / width)
    .withMetadata({ orientation })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

function largestDifference(picture: Picture, expected: Uint8Array): number {
  return picture.data.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)),
    0,
  );
}

describe('decoding', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'EXIF orientation %i gives the upright picture',
    async (orientation) => {
      const picture = await decodePicture(await jpegWithOrientation(orientation));
      expect([picture.width, picture.height]).toEqual([W, H]);
      expect(largestDifference(picture, upright)).toBeLessThanOrEqual(6);
    },
  );

  it('a PNG comes out exactly', async () => {
    const png = await raw(upright).png().toBuffer();
    expect(largestDifference(await decodePicture(png), upright)).toBe(0);
  });

  it('grey, 16-bit, palette and CMYK images become 8-bit RGB', async () => {
    const grey = await decodePicture(await raw(upright).greyscale().png().toBuffer());
    expect(grey.data).toHaveLength(W * H * 3);
    expect([grey.data[1], grey.data[2]]).toEqual([grey.data[0], grey.data[0]]);
    const deep = await decodePicture(await raw(upright).toColourspace('rgb16').png().toBuffer());
    expect(largestDifference(deep, upright)).toBeLessThanOrEqual(1);
    const deepGrey = await decodePicture(
      await raw(upright).toColourspace('grey16').png().toBuffer(),
    );
    expect(largestDifference(deepGrey, grey.data)).toBeLessThanOrEqual(1);
    expect(
      largestDifference(
        await decodePicture(await raw(upright).png({ palette: true }).toBuffer()),
        upright,
      ),
    ).toBeLessThanOrEqual(4);
    const cmyk = await decodePicture(
      await raw(upright).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
    );
    expect(cmyk.data).toHaveLength(W * H * 3);
    expect(cmyk.data[0]!).toBeGreaterThan(cmyk.data[2]! + 50);
  });

  it('transparency lies on white', async () => {
    const clear = await sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 10, g: 20, b: 30, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect([...(await decodePicture(clear)).data.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('bytes after the end of a JPEG, as phones append them, do no harm', async () => {
    const jpeg = await raw(upright).jpeg().toBuffer();
    const picture = await decodePicture(
      Buffer.concat([jpeg, Buffer.from('appended motion photo'.repeat(50))]),
    );
    expect(picture.width).toBe(W);
  });
});

describe('broken images', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lentigo-decode-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  const noisy = () =>
    raw(
      Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24),
      96,
      96,
    );

  it.each([
    ['an empty file', 'UNREADABLE', async () => Buffer.alloc(0), /the file is empty/],
    ['text', 'UNREADABLE', async () => Buffer.from('this is not an image'), /it is not a picture/],
    [
      'a JPEG cut in half',
      'UNREADABLE',
      async () => {
        const b = await noisy().jpeg().toBuffer();
        return b.subarray(0, b.length / 2);
      },
      /premature end|truncated/i,
    ],
    [
      'a JPEG cut within its header',
      'UNREADABLE',
      async () => (await noisy().jpeg().toBuffer()).subarray(0, 100),
      /./,
    ],
    [
      'a PNG cut in half',
      'UNREADABLE',
      async () => {
        const b = await noisy().png().toBuffer();
        return b.subarray(0, b.length / 2);
      },
      /./,
    ],
    [
      'a PNG with a damaged chunk',
      'UNREADABLE',
      async () => {
        const b = await noisy().png().toBuffer();
        b.fill(0x55, b.length / 2, b.length / 2 + 40);
        return b;
      },
      /./,
    ],
    [
      'a picture of 900 megapixels in a small file',
      'TOO_LARGE',
      async () => {
        const b = await noisy().png().toBuffer();
        b.writeUInt32BE(30_000, 16);
        b.writeUInt32BE(30_000, 20);
        b.writeUInt32BE(crc32(b.subarray(12, 29)), 29);
        return b;
      },
      /30,000 × 30,000 pixels, 900 megapixels; at most 256 are read/,
    ],
    [
      'an SVG',
      'FORMAT',
      async () =>
        Buffer.from(
          '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
        ),
      /is an SVG drawing/,
    ],
  ])('%s is refused, with file and reason', async (name, code, make, reason) => {
    const path = join(dir, `${name}.jpg`);
    await writeFile(path, await make());
    const refused = decodePicture(path);
    await expect(refused).rejects.toMatchObject({
      code: `LENTIGO_DATA_IMAGE_${code}`,
      message: expect.stringContaining(path),
    });
    await expect(refused).rejects.toThrow(reason);
  });

  it('a file that is not there is missing, not unreadable', async () => {
    await expect(decodePicture(join(dir, 'nowhere.png'))).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_MISSING',
      message: expect.stringContaining('nowhere.png'),
    });
  });
});
