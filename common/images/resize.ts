// Resampling with a triangle filter that widens when it shrinks (antialiased bilinear, as in
// Pillow): the same pixels in Node and in every browser.
import type { Picture } from './picture.js';

/** A rectangle in pixels; fractions are allowed. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * For each of n output positions: the first input position used, and `taps` weights that sum to 1.
 */
interface Weights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

function triangleWeights(start: number, extent: number, limit: number, n: number): Weights {
  const scale = extent / n;
  const support = Math.max(1, scale);
  const taps = Math.min(limit, Math.ceil(2 * support) + 1);
  const first = new Int32Array(n);
  const weights = new Float32Array(n * taps);
  for (let i = 0; i < n; i++) {
    const centre = start + (i + 0.5) * scale;
    const from = Math.min(limit - taps, Math.max(0, Math.floor(centre - support)));
    first[i] = from;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const weight = Math.max(0, 1 - Math.abs(from + t + 0.5 - centre) / support);
      weights[i * taps + t] = weight;
      sum += weight;
    }
    for (let t = 0; t < taps; t++) weights[i * taps + t]! /= sum;
  }
  return { taps, first, weights };
}

/**
 * The part of a picture inside the box, as a size×size picture. Two separable passes, float32
 * between them.
 * @param box inside the picture; each side at least one pixel
 */
export function resizeBox(picture: Picture, box: Box, size: number): Picture {
  const { width, height, data } = picture;
  const columns = triangleWeights(box.x, box.width, width, size);
  const rows = triangleWeights(box.y, box.height, height, size);
  const top = rows.first[0]!;
  const bottom = rows.first[size - 1]! + rows.taps;
  const narrowed = new Float32Array((bottom - top) * size * 3);
  for (let y = top, out = 0; y < bottom; y++) {
    for (let i = 0; i < size; i++, out += 3) {
      let r = 0;
      let g = 0;
      let b = 0;
      let at = (y * width + columns.first[i]!) * 3;
      for (let t = 0, w = i * columns.taps; t < columns.taps; t++, w++, at += 3) {
        const weight = columns.weights[w]!;
        r += weight * data[at]!;
        g += weight * data[at + 1]!;
        b += weight * data[at + 2]!;
      }
      narrowed[out] = r;
      narrowed[out + 1] = g;
      narrowed[out + 2] = b;
    }
  }
  const resized = new Uint8Array(size * size * 3);
  const line = size * 3;
  const sums = new Float32Array(line);
  for (let i = 0; i < size; i++) {
    sums.fill(0.5);
    for (let t = 0; t < rows.taps; t++) {
      const weight = rows.weights[i * rows.taps + t]!;
      if (weight === 0) continue;
      const from = (rows.first[i]! - top + t) * line;
      for (let j = 0; j < line; j++) sums[j]! += weight * narrowed[from + j]!;
    }
    resized.set(sums, i * line);
  }
  return { width: size, height: size, data: resized };
}
