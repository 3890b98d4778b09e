// Photographs as phones and programs write them: 200 megapixels, HEIC, WebP, AVIF, and what is no
// photograph at all. Each is decoded in bounded memory, or named as what it is.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../common/images/decode.node.js';
import { identify } from '../../common/images/file-type.js';
import { pictureSize, reducedWidth } from '../../common/images/picture-size.js';
import { CASES, HAS_CASES, PACKAGE_ROOT } from '../support/shared-data.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-formats-'));
});
afterAll(() => rm(dir, { recursive: true }));

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#c89682' }, limitInputPixels: false });

/** A black PNG that says it is this large; its content is so many bytes, compressed. */
function png(width: number, height: number, content: number, interlaced = 0): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, interlaced], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(content), { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('large photographs', () => {
  it.each(['jpeg', 'png'] as const)(
    'one of 200 megapixels is decoded to at most 16.7, in less than 500 MB: %s',
    async (format) => {
      const path = join(dir, `200.${format}`);
      if (format === 'png') await writeFile(path, png(16_320, 12_240, 12_240 * 16_321));
      else await plain(16_320, 12_240).greyscale().jpeg().toFile(path);
      const code = `
        const { decodePicture } = await import(${JSON.stringify(join(PACKAGE_ROOT, 'dist/common/images/decode.node.js'))});
        const { width, height, data } = await decodePicture(${JSON.stringify(path)});
        console.log(JSON.stringify({ width, height, first: [...data.subarray(0, 3)], peak: process.resourceUsage().maxRSS / 1000 }));`;
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--input-type=module',
        '-e',
        code,
      ]);
      const { width, height, first, peak } = JSON.parse(stdout) as {
        width: number;
        height: number;
        first: number[];
        peak: number;
      };
      const [long, short] = [Math.max(width, height), Math.min(width, height)];
      expect(width * height).toBeLessThanOrEqual(4096 * 4096);
      expect(long / short).toBeCloseTo(16_320 / 12_240, 2);
      const grey = format === 'png' ? 0 : 157;
      expect(Math.max(...first.map((v) => Math.abs(v - grey)))).toBeLessThan(6);
      expect(peak).toBeLessThan(500);
    },
  );

  it('a reduced one is upright', async () => {
    const jpeg = await plain(5000, 4000).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { width, height } = await decodePicture(jpeg);
    expect(width * height).toBeLessThanOrEqual(4096 * 4096);
    expect(height / width).toBeCloseTo(1.25, 2);
  });

  it('keeps its size up to 16.7 megapixels', () => {
    expect(reducedWidth({ width: 4096, height: 4096 })).toBeUndefined();
    expect(reducedWidth({ width: 4000, height: 3000 })).toBeUndefined();
    expect(reducedWidth({ width: 3060, height: 4080 * 2 })).toBeLessThan(3060);
  });

  it.each([
    ['60,000 × 60,000', png(60_000, 60_000, 1e6)],
    ['interlaced 13,000 × 10,000', png(13_000, 10_000, 1e6, 1)],
  ])('%s in a small file is refused by its header', async (size, bytes) => {
    expect(bytes.length).toBeLessThan(10_000);
    const before = process.memoryUsage().rss;
    await expect(decodePicture(bytes, 'bomb.png')).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_TOO_LARGE',
      message: expect.stringMatching(
        new RegExp(`^bomb.png is too large: it has ${size.replace('interlaced ', '')} pixels`),
      ),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});

describe('formats', () => {
  it.each(['jpeg', 'png', 'webp', 'avif'] as const)(
    '%s is known by its content, sized by its header, and read under any name',
    async (format) => {
      const bytes = await plain(300, 200).toFormat(format).toBuffer();
      expect(identify(bytes)).toEqual({ type: format });
      expect(pictureSize(bytes, format)).toMatchObject({ width: 300, height: 200 });
      const path = join(dir, `${format}.JPG`);
      await writeFile(path, bytes);
      const picture = await decodePicture(path);
      expect([picture.width, picture.height]).toEqual([300, 200]);
      expect(Math.abs(picture.data[0]! - 200)).toBeLessThan(6);
    },
  );

  it.each([{ lossless: true }, { alphaQuality: 50 }])(
    'every kind of WebP has its size read: %j',
    async (options) => {
      const bytes = await plain(123, 77).ensureAlpha(0.5).webp(options).toBuffer();
      expect(pictureSize(bytes, 'webp')).toMatchObject({ width: 123, height: 77 });
    },
  );

  it('a progressive JPEG with large segments before its frame has its size read', async () => {
    const bytes = await plain(640, 480)
      .withIccProfile('p3')
      .withExif({ IFD0: { ImageDescription: 'x'.repeat(60_000) } })
      .jpeg({ progressive: true })
      .toBuffer();
    expect(pictureSize(bytes, 'jpeg')).toEqual({ width: 640, height: 480, whole: true });
  });

  it.skipIf(!HAS_CASES)('HEIC is read, under any name', async () => {
    const bytes = await readFile(join(CASES, 'B14-heic/app/IMG_0001.HEIC'));
    expect(identify(bytes)).toEqual({ type: 'heic' });
    const path = join(dir, 'IMG_0.jpg');
    await writeFile(path, bytes);
    const { width, height, data } = await decodePicture(path);
    expect([width, height, data.length]).toEqual([400, 400, 400 * 400 * 3]);
    expect(new Set(data).size).toBeGreaterThan(100);
    await expect(decodePicture(bytes.subarray(0, 9000), 'half.heic')).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_UNREADABLE',
      message: expect.stringContaining('half.heic'),
    });
    // Whoever cannot read one can read the next.
    expect((await decodePicture(bytes)).width).toBe(400);
  });

  const text = (content: string) => Buffer.from(content);
  it.each([
    ['a TIFF or a camera raw file', () => plain(9, 9).tiff().toBuffer()],
    ['a GIF', () => plain(9, 9).gif().toBuffer()],
    ['a BMP', async () => Buffer.concat([text('BM'), Buffer.alloc(60)])],
    ['a DICOM file', async () => Buffer.concat([Buffer.alloc(128), text('DICM')])],
    ['a PDF', async () => text('%PDF-1.7\n')],
    ['an SVG drawing', async () => text('<?xml version="1.0"?>\n<svg xmlns="">')],
    ['a web page', async () => text('<!DOCTYPE html><title>Log in</title>')],
    ['a camera raw file', async () => text('II*\0\x10\0\0\0CR\x02\0')],
    ['a film', async () => text('\0\0\0\x14ftypqt  \0\0\0\0qt  ')],
    ['the resource fork of a Mac', async () => Buffer.from('0005160700020000', 'hex')],
    ['a pointer of Git LFS', async () => text('version https://git-lfs.github.com/spec/v1\n')],
    ['a pointer of git-annex', async () => text('/annex/objects/SHA256E-s1--00.jpg\n')],
  ])('%s is named', async (is, make) => {
    await expect(decodePicture(await make(), 'IMG_0.jpg')).rejects.toMatchObject({
      code: 'LENTIGO_DATA_IMAGE_FORMAT',
      message: expect.stringContaining(`IMG_0.jpg is ${is}`),
    });
  });
});
