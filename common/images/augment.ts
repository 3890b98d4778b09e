// Seeded random variants of a photograph for training. A lesion has no upright side, so all flips
// and quarter turns are used; colour varies as it does between phones and lamps.
import type { Random } from '../random.js';
import type { Picture } from './picture.js';
import { resizeBox, type Box } from './resize.js';

/**
 * Share of the centre square's area that a crop keeps, and the bound on its width-to-height ratio.
 */
const CROP_AREA = [0.6, 1] as const;
const CROP_RATIO = 4 / 3;
const BRIGHTNESS = 0.2;
const CONTRAST = 0.15;
const SATURATION = 0.2;
/** Applied to each channel separately: the colour of the light. */
const TINT = 0.06;
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Random resized crop (Szegedy et al. 2015, section 6) of the centre square, which is what
 * evaluation uses.
 */
function randomBox(picture: Picture, random: Random): Box {
  const side = Math.min(picture.width, picture.height);
  const area = random.uniform(...CROP_AREA) * side * side;
  const ratio = Math.exp(random.uniform(-1, 1) * Math.log(CROP_RATIO));
  const width = Math.max(1, Math.min(side, Math.sqrt(area * ratio)));
  const height = Math.max(1, Math.min(side, Math.sqrt(area / ratio)));
  return {
    x: (picture.width - side) / 2 + random.uniform() * (side - width),
    y: (picture.height - side) / 2 + random.uniform() * (side - height),
    width,
    height,
  };
}

/**
 * Brightness, contrast around mid-grey, saturation and tint as one 3×4 matrix on 0–255 RGB, with
 * rows [r, g, b, offset].
 */
function colourMatrix(random: Random): Float32Array {
  const brightness = 1 + random.uniform(-BRIGHTNESS, BRIGHTNESS);
  const contrast = 1 + random.uniform(-CONTRAST, CONTRAST);
  const saturation = 1 + random.uniform(-SATURATION, SATURATION);
  const matrix = new Float32Array(12);
  for (let row = 0; row < 3; row++) {
    const gain = brightness * contrast * (1 + random.uniform(-TINT, TINT));
    for (let column = 0; column < 3; column++)
      matrix[row * 4 + column] =
        gain * ((1 - saturation) * LUMA[column]! + (row === column ? saturation : 0));
    matrix[row * 4 + 3] = 128 * (1 - contrast);
  }
  return matrix;
}

/**
 * A random crop, orientation (all eight equally likely) and colour of a picture, as a size×size
 * picture. The same random stream gives the same variant.
 */
export function augment(picture: Picture, size: number, random: Random): Picture {
  const crop = resizeBox(picture, randomBox(picture, random), size);
  const m = colourMatrix(random);
  // An orientation: where the crop's first pixel goes, and the steps between its columns and its
  // rows.
  const transpose = random.chance(0.5);
  const mirror = random.chance(0.5);
  const flip = random.chance(0.5);
  const alongX = (transpose ? size : 1) * (mirror ? -1 : 1);
  const alongY = (transpose ? 1 : size) * (flip ? -1 : 1);
  const origin = (alongX < 0 ? -alongX * (size - 1) : 0) + (alongY < 0 ? -alongY * (size - 1) : 0);
  const from = crop.data;
  // A clamped array rounds and saturates on each store.
  const to = new Uint8ClampedArray(size * size * 3);
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0, at = (origin + y * alongY) * 3; x < size; x++, i += 3, at += alongX * 3) {
      const r = from[i]!;
      const g = from[i + 1]!;
      const b = from[i + 2]!;
      to[at] = m[0]! * r + m[1]! * g + m[2]! * b + m[3]!;
      to[at + 1] = m[4]! * r + m[5]! * g + m[6]! * b + m[7]!;
      to[at + 2] = m[8]! * r + m[9]! * g + m[10]! * b + m[11]!;
    }
  }
  return { width: size, height: size, data: new Uint8Array(to.buffer) };
}
