// A picture → the model's input: centre crop, resize, ImageNet normalisation. Platform-free, so
// that a clinic's browser and the coordinator see the same numbers.
import type { Random } from '../random.js';
import { augment } from './augment.js';
import type { Picture } from './picture.js';
import { resizeBox, type Box } from './resize.js';

/**
 * Means and standard deviations of ImageNet's RGB channels in [0, 1]: what the published
 * EfficientNet weights were trained with.
 */
const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** The largest centred square. */
export function centreSquare(picture: Picture): Box {
  const side = Math.min(picture.width, picture.height);
  return {
    x: Math.floor((picture.width - side) / 2),
    y: Math.floor((picture.height - side) / 2),
    width: side,
    height: side,
  };
}

/** The centre of a picture as a size×size picture. */
export function prepare(picture: Picture, size: number): Picture {
  if (picture.width === size && picture.height === size) return picture;
  return resizeBox(picture, centreSquare(picture), size);
}

/** A channel's 256 normalised values, one table a channel. */
const NORMALISED = IMAGENET_MEAN.map((mean, channel) =>
  Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean) / IMAGENET_STD[channel]!),
);

/** (v/255 − mean) / std of every channel: float32, [height, width, 3]. */
export function normalise(picture: Picture): Float32Array {
  const [red, green, blue] = NORMALISED as [Float32Array, Float32Array, Float32Array];
  const { data } = picture;
  const input = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    input[i] = red[data[i]!]!;
    input[i + 1] = green[data[i + 1]!]!;
    input[i + 2] = blue[data[i + 2]!]!;
  }
  return input;
}

/** What a model is evaluated on: float32, [size, size, 3]. */
export function toInput(picture: Picture, size: number): Float32Array {
  return normalise(prepare(picture, size));
}

/** What a model is trained on: a random variant of the picture, float32, [size, size, 3]. */
export function toAugmentedInput(picture: Picture, size: number, random: Random): Float32Array {
  return normalise(augment(picture, size, random));
}
