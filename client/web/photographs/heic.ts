// HEIC, the photographs of iPhones, becomes JPEG when it comes in: few browsers can show or decode
// it, and a photograph that one of them keeps has to open in all.
import wasm from 'libheif-js/libheif-wasm/libheif.wasm?url';
import { heicDecoder } from '../../../common/images/heic.js';
import { identify } from '../../../common/images/file-type.js';
import { checkHeader, unreadable } from '../../../common/images/image-error.js';

const decodeHeic = heicDecoder(async () => {
  const [{ default: start }, binary] = await Promise.all([
    import('libheif-js/libheif-wasm/libheif.js'),
    fetch(wasm).then((response) => response.arrayBuffer()),
  ]);
  return start({ wasmBinary: binary });
});

/**
 * The file itself, unless it is HEIC.
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE, LENTIGO_DATA_IMAGE_TOO_LARGE
 */
export async function withoutHeic(file: File): Promise<File> {
  if (identify(new Uint8Array(await file.slice(0, 512).arrayBuffer())).type !== 'heic') return file;
  const bytes = new Uint8Array(await file.arrayBuffer());
  checkHeader(bytes, file.name);
  // Safari knows it, and is quicker.
  const bitmap =
    (await createImageBitmap(file).catch(() => undefined)) ?? (await decoded(bytes, file.name));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
  bitmap.close();
  const jpeg = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
  return new File([jpeg], file.name.replace(/\.hei[cf]$/i, '.jpg'), { type: 'image/jpeg' });
}

async function decoded(bytes: Uint8Array, name: string): Promise<ImageBitmap> {
  const { width, height, data } = await decodeHeic(bytes).catch((cause: unknown) => {
    throw unreadable(name, 'this HEIC is cut short or damaged', cause);
  });
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4)
    rgba.set(data.subarray(from, from + 3), to);
  return await createImageBitmap(new ImageData(rgba, width, height));
}
