// Decodes a photograph's bytes to an upright 8-bit RGB picture, in a browser's page or worker.
import { PICTURE_TYPES } from './file-type.js';
import { checkHeader, unreadable } from './image-error.js';
import type { Picture } from './picture.js';
import { reducedWidth, type PictureSize } from './picture-size.js';

/**
 * The photograph as the browser decodes it, upright; one of more than 16.7 megapixels is reduced to
 * at most that, which is what a phone's canvas can hold. The caller closes the bitmap. HEIC is for
 * those browsers that know it.
 * @param name what errors call the photograph
 * @returns the bitmap, and the photograph's own size (not turned)
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE when it is empty, damaged, or no picture;
 *   LENTIGO_DATA_IMAGE_FORMAT; LENTIGO_DATA_IMAGE_TOO_LARGE by its header, before it is decoded
 */
export async function openBitmap(
  file: Blob,
  name: string,
): Promise<{ readonly bitmap: ImageBitmap; readonly size: PictureSize }> {
  const { type, size } = checkHeader(new Uint8Array(await file.arrayBuffer()), name);
  const width = reducedWidth(size);
  try {
    const bitmap = await createImageBitmap(file, {
      imageOrientation: 'from-image',
      ...(width !== undefined && { resizeWidth: width, resizeQuality: 'high' }),
    });
    return { bitmap, size };
  } catch (cause) {
    throw unreadable(
      name,
      width === undefined
        ? `this browser finds no intact ${PICTURE_TYPES[type].name} in it`
        : `this browser can't decode its ${size.width} × ${size.height} pixels, or it is damaged`,
      cause,
    );
  }
}

/**
 * Decodes a photograph: EXIF orientation applied, transparency laid on white, colours converted to
 * sRGB, reduced as `openBitmap` does.
 * @param name what errors call the photograph
 * @throws what openBitmap throws
 */
export async function decodePicture(file: Blob, name: string): Promise<Picture> {
  const { bitmap } = await openBitmap(file, name);
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', {
      willReadFrequently: true,
    })!;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: withoutAlpha(context.getImageData(0, 0, width, height).data) };
  } finally {
    bitmap.close();
  }
}

/** RGBA → RGB. */
function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}
