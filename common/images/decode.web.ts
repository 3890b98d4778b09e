// Decodes a photograph's bytes to an upright 8-bit RGB picture, in a browser's page or worker.
import { LentigoError } from '../errors.js';
import type { Picture } from './picture.js';

/**
 * Decodes any format this browser supports: EXIF orientation applied, transparency laid on white,
 * colours converted to sRGB.
 * @param name what errors call the photograph
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE when it is empty, damaged, or not a photograph
 */
export async function decodePicture(file: Blob, name: string): Promise<Picture> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(
    (cause: unknown) => {
      throw new LentigoError(
        'LENTIGO_DATA_IMAGE_UNREADABLE',
        `${name} can't be read: ${file.size === 0 ? 'the file is empty' : 'this browser finds no intact picture in it'}`,
        { cause },
      );
    },
  );
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
