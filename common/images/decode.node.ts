// Decodes bytes or a file to an upright 8-bit RGB picture, in Node (with sharp). Every kind of
// broken file gives an error that names it.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { LentigoError } from '../errors.js';
import type { Picture } from './picture.js';

/** 128 megapixels: accepts every phone's photographs, but no decompression bomb. */
const PIXEL_LIMIT = 128_000_000;

const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'tiff', 'heif', 'gif']);

function unreadable(name: string, reason: string, cause?: unknown): LentigoError {
  return new LentigoError('LENTIGO_DATA_IMAGE_UNREADABLE', `${name} can't be read: ${reason}`, {
    cause,
  });
}

/**
 * The first line of sharp's message, without its prefixes for libvips' modules ("VipsJpeg:
 * premature end of JPEG image").
 */
function reasonOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return line.replace(/^(Input buffer has corrupt header):.*$/, '$1').replace(/^\w+: /, '');
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new LentigoError('LENTIGO_DATA_IMAGE_MISSING', `${path} does not exist`, {
        cause: error,
      });
    throw unreadable(path, reasonOf(error), error);
  }
}

/**
 * Decodes a photograph: EXIF orientation applied, transparency laid on white, any colour space and
 * depth converted to 8-bit sRGB. Warnings that don't lose pixels are accepted (phones' JPEGs cause
 * them); truncated files are not.
 * @param source the file's path or its bytes; errors call the bytes `name`
 * @throws LENTIGO_DATA_IMAGE_MISSING when there is no such file
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE when it is empty, cut short, damaged, or not a photograph
 */
export async function decodePicture(
  source: string | Uint8Array,
  name = typeof source === 'string' ? source : 'the image',
): Promise<Picture> {
  const bytes = typeof source === 'string' ? await bytesOf(source) : source;
  if (bytes.length === 0) throw unreadable(name, 'the file is empty');
  try {
    const image = sharp(bytes, {
      failOn: 'error',
      limitInputPixels: PIXEL_LIMIT,
      autoOrient: true,
    });
    const { format } = await image.metadata();
    if (!FORMATS.has(format)) throw new Error(`${format} is not a format of photographs`);
    const { data, info } = await image
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to RGB`);
    return { width: info.width, height: info.height, data };
  } catch (error) {
    throw unreadable(name, reasonOf(error), error);
  }
}
