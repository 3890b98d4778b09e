// Decodes HEIC, the photographs of iPhones, in Node and in browsers that can't (all but Safari):
// libheif compiled to WebAssembly, 2 MB, loaded with the first such photograph.
/// <reference path="./libheif-js.d.ts" />
import type { HeifDecoder } from 'libheif-js/libheif-wasm/libheif-bundle.mjs';
import { SerialQueue } from '../serial-queue.js';
import type { Picture } from './picture.js';

/** One decoder for all, and one file at a time: its memory grows, and is never given back. */
const queue = new SerialQueue();
let loading: Promise<HeifDecoder> | undefined;
const load = async (): Promise<HeifDecoder> => {
  const { default: start } = await import('libheif-js/libheif-wasm/libheif-bundle.mjs');
  const { HeifDecoder } = start();
  return new HeifDecoder();
};

const damaged = () => new Error('this HEIC is cut short or damaged');

/**
 * The file's primary picture, turned upright by libheif, transparency laid on white.
 * @throws Error when it is damaged
 */
export function decodeHeic(bytes: Uint8Array): Promise<Picture> {
  return queue.run(async () => {
    const images = (await (loading ??= load())).decode(bytes);
    try {
      const image = images.find((each) => each.is_primary()) ?? images[0];
      if (!image) throw damaged();
      const [width, height] = [image.get_width(), image.get_height()];
      const rgba = await new Promise<Uint8ClampedArray>((resolve, reject) => {
        image.display({ data: new Uint8ClampedArray(width * height * 4), width, height }, (shown) =>
          shown ? resolve(shown.data) : reject(damaged()),
        );
      });
      return { width, height, data: onWhite(rgba) };
    } finally {
      for (const image of images) image.free();
    }
  });
}

/** RGBA → RGB. */
function onWhite(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!;
    for (let channel = 0; channel < 3; channel++)
      rgb[to + channel] =
        alpha === 255
          ? rgba[from + channel]!
          : Math.round((rgba[from + channel]! * alpha + 255 * (255 - alpha)) / 255);
  }
  return rgb;
}
