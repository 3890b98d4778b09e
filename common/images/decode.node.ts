// Decodes bytes or a file to an upright 8-bit RGB picture, in Node (with sharp). Every kind of
// broken file gives an error that names it.
import sharp, { type Sharp } from 'sharp';
import { wholeFile } from './file-bytes.node.js';
import { heicDecoder } from './heic.js';
import { checkHeader, unreadable } from './image-error.js';
import type { Picture } from './picture.js';
import { reducedWidth } from './picture-size.js';

const decodeHeic = heicDecoder(async () => {
  const { default: start } = await import('libheif-js/libheif-wasm/libheif-bundle.mjs');
  return start();
});

/**
 * The first line of sharp's message, without its prefixes for libvips' modules ("VipsJpeg:
 * premature end of JPEG image").
 */
function reasonOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return line.replace(/^(Input buffer has corrupt header):.*$/, '$1').replace(/^\w+: /, '');
}

/**
 * Decodes a photograph (JPEG, PNG, WebP, AVIF or HEIC): EXIF orientation applied, transparency laid
 * on white, any colour space and depth converted to 8-bit sRGB; one of more than 16.7 megapixels is
 * reduced to at most that, as it is read. Warnings that don't lose pixels are accepted (phones'
 * JPEGs cause them); truncated files are not.
 * @param source the file's path or its bytes; errors call the bytes `name`
 * @throws LENTIGO_DATA_IMAGE_MISSING when there is no such file
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE when it is empty, cut short, damaged, or no picture
 * @throws LENTIGO_DATA_IMAGE_FORMAT when it is a picture or document of another format
 * @throws LENTIGO_DATA_IMAGE_TOO_LARGE by its header, before it is decoded
 */
export async function decodePicture(
  source: string | Uint8Array,
  name = typeof source === 'string' ? source : 'the image',
): Promise<Picture> {
  const bytes = typeof source === 'string' ? await wholeFile(source) : source;
  const { type, size } = checkHeader(bytes, name);
  const width = reducedWidth(size);
  try {
    if (type !== 'heic')
      return await pixelsOf(
        // The header was checked; in lines, so that a large picture is never whole in memory.
        sharp(bytes, {
          failOn: 'error',
          limitInputPixels: false,
          sequentialRead: width !== undefined,
          autoOrient: true,
        }),
        width,
      );
    const picture = await decodeHeic(bytes);
    if (width === undefined) return picture;
    const { data, ...raw } = picture;
    return await pixelsOf(sharp(data, { raw: { ...raw, channels: 3 } }), width);
  } catch (error) {
    throw unreadable(name, reasonOf(error), error);
  }
}

/** @param reduced to this width, in proportion */
async function pixelsOf(image: Sharp, reduced: number | undefined): Promise<Picture> {
  const { data, info } = await image
    .resize(reduced)
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to RGB`);
  return { width: info.width, height: info.height, data };
}
