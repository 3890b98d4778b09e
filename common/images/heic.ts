// Decodes HEIC, the photographs of iPhones, in Node and in browsers that can't (all but Safari), by
// libheif compiled to WebAssembly; where that comes from, the platform says.
import type { Libheif } from 'libheif-js/libheif-wasm/libheif-bundle.mjs';
import { SerialQueue } from '../serial-queue.js';
import type { Picture } from './picture.js';

/**
 * A decoder of the primary picture of a HEIC, upright; it throws an Error when that is damaged. One
 * photograph at a time: its memory grows, and is never given back.
 * @param load loads libheif, with the first photograph
 */
export function heicDecoder(load: () => Promise<Libheif>): (bytes: Uint8Array) => Promise<Picture> {
  const queue = new SerialQueue();
  let loading: Promise<Libheif> | undefined;
  return (bytes) =>
    queue.run(async () => {
      const heif = await (loading ??= load());
      const context = heif.heif_context_alloc();
      try {
        const read = heif.heif_context_read_from_memory(context, bytes);
        if (read.code !== heif.heif_error_code.heif_error_Ok) throw new Error(read.message);
        return await primaryPicture(heif, context);
      } finally {
        heif.heif_context_free(context);
      }
    });
}

type Held = ReturnType<Libheif['heif_context_alloc']>;

async function primaryPicture(heif: Libheif, context: Held): Promise<Picture> {
  const handle = heif.heif_js_context_get_primary_image_handle(context);
  if ('code' in handle) throw new Error(handle.message);
  try {
    const decoded = await heif.heif_js_decode_image2(
      handle,
      heif.heif_colorspace.heif_colorspace_RGB,
      heif.heif_chroma.heif_chroma_interleaved_RGB,
    );
    if ('code' in decoded) throw new Error(decoded.message);
    try {
      const { width, height, stride, data } = decoded.channels[0]!;
      const rgb = new Uint8Array(width * height * 3);
      for (let row = 0; row < height; row++)
        rgb.set(data.subarray(row * stride, row * stride + width * 3), row * width * 3);
      return { width, height, data: rgb };
    } finally {
      heif.heif_image_release(decoded.image);
    }
  } finally {
    heif.heif_image_handle_release(handle);
  }
}
