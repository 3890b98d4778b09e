// A decoded photograph for the page: reduced pixels for the quality checks, and a small JPEG for
// lists.
import type { Picture } from '../../../common/images/picture.js';

const THUMBNAIL = 320;

/** 8-bit RGB, at most `longest` pixels on each side. */
export function pixelsOf(bitmap: ImageBitmap, longest: number): Picture {
  const { context, width, height } = draw(bitmap, longest);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from]!;
    data[to + 1] = rgba[from + 1]!;
    data[to + 2] = rgba[from + 2]!;
  }
  return { width, height, data };
}

/** A small JPEG for lists. */
export async function thumbnailOf(bitmap: ImageBitmap): Promise<Uint8Array<ArrayBuffer>> {
  const blob = await draw(bitmap, THUMBNAIL).canvas.convertToBlob({
    type: 'image/jpeg',
    quality: 0.8,
  });
  return new Uint8Array(await blob.arrayBuffer());
}

function draw(bitmap: ImageBitmap, longest: number) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  ];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { colorSpace: 'srgb', willReadFrequently: true })!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  return { canvas, context, width, height };
}
