// A heat map laid over the picture that it explains: yellow to red where it is hot, the picture
// itself where it is cold.
import { centreSquare } from '../images/prepare.js';
import type { Picture } from '../images/picture.js';
import { resizeBox } from '../images/resize.js';
import type { Explanation } from './grad-cam.js';

/** Colours: yellow where heat begins, red where it is greatest. */
const YELLOW = [255, 225, 60] as const;
const RED = [215, 25, 28] as const;
const OPACITY = 0.65;

/**
 * The heat at each pixel of size × size, 0–1: interpolated bilinearly between the centres of its
 * cells.
 */
export function enlarge(
  { heat, side }: Pick<Explanation, 'heat' | 'side'>,
  size: number,
): Float32Array {
  const places = Array.from({ length: size }, (_, i) => {
    const at = Math.min(side - 1, Math.max(0, ((i + 0.5) * side) / size - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(side - 1, low + 1), part: at - low };
  });
  const out = new Float32Array(size * size);
  for (const [y, row] of places.entries()) {
    for (const [x, column] of places.entries()) {
      const along = (line: number): number =>
        heat[line * side + column.low]! * (1 - column.part) +
        heat[line * side + column.high]! * column.part;
      out[y * size + x] = along(row.low) * (1 - row.part) + along(row.high) * row.part;
    }
  }
  return out;
}

/** The centre square that the model saw, size × size, with the heat over it. */
export function overlay(
  picture: Picture,
  explanation: Pick<Explanation, 'heat' | 'side'>,
  size: number,
): Picture {
  const { data } = resizeBox(picture, centreSquare(picture), size);
  const heat = enlarge(explanation, size);
  const out = Uint8Array.from(data);
  for (const [i, warm] of heat.entries()) {
    for (let c = 0; c < 3; c++) {
      const colour = YELLOW[c]! + warm * (RED[c]! - YELLOW[c]!);
      out[3 * i + c] = data[3 * i + c]! + OPACITY * warm * (colour - data[3 * i + c]!);
    }
  }
  return { width: size, height: size, data: out };
}
