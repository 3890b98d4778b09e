// The painter's materials for synthetic photographs: smooth random fields, soft dots and strokes,
// and a blur. All on square float32 planes.
import type { Random } from '../../random.js';

/** 0 below `from`, 1 above `to`, smooth between. */
export function smoothstep(from: number, to: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/**
 * Adds value noise to a size×size plane: random values on a lattice of `cells` cells a side,
 * smoothly interpolated, in ±amplitude.
 */
function addOctave(
  plane: Float32Array,
  size: number,
  cells: number,
  amplitude: number,
  random: Random,
): void {
  const lattice = Math.ceil(cells) + 2;
  const values = Float32Array.from({ length: lattice * lattice }, () =>
    random.uniform(-amplitude, amplitude),
  );
  const cell = new Int32Array(size);
  const part = new Float32Array(size);
  const offset = random.uniform();
  for (let x = 0; x < size; x++) {
    const at = (x / size) * cells + offset;
    cell[x] = Math.floor(at);
    const t = at - cell[x]!;
    part[x] = t * t * (3 - 2 * t);
  }
  const line = new Float32Array(lattice);
  for (let y = 0, i = 0; y < size; y++) {
    const above = cell[y]! * lattice;
    for (let c = 0; c < lattice; c++)
      line[c] =
        values[above + c]! + part[y]! * ((values[above + lattice + c] ?? 0) - values[above + c]!);
    for (let x = 0; x < size; x++, i++) {
      const left = line[cell[x]!]!;
      plane[i]! += left + part[x]! * (line[cell[x]! + 1]! - left);
    }
  }
}

/**
 * A random field, roughly in [−1, 1]: `octaves` layers of value noise, each twice as fine and half
 * as strong as the one before (fractal Brownian motion).
 */
export function noise(size: number, cells: number, octaves: number, random: Random): Float32Array {
  const plane = new Float32Array(size * size);
  const total = 2 - 2 ** (1 - octaves);
  for (let octave = 0; octave < octaves; octave++)
    addOctave(
      plane,
      size,
      Math.min(size, cells * 2 ** octave),
      1.5 / (total * 2 ** octave),
      random,
    );
  return plane;
}

/**
 * Distance to the nearest of points jittered in cells of the given width, in cell widths (Worley
 * 1996, F1): 0 at a point, about 0.7 between points.
 */
export class Cobbles {
  readonly #jitter: Float32Array;
  readonly #width: number;
  static readonly #side = 64;
  constructor(width: number, random: Random) {
    this.#width = width;
    this.#jitter = Float32Array.from({ length: 2 * Cobbles.#side ** 2 }, () =>
      random.uniform(0.1, 0.9),
    );
  }
  at(x: number, y: number): number {
    const u = x / this.#width;
    const v = y / this.#width;
    const cu = Math.floor(u);
    const cv = Math.floor(v);
    let nearest = 9;
    for (let j = cv - 1; j <= cv + 1; j++) {
      for (let i = cu - 1; i <= cu + 1; i++) {
        const at = 2 * ((j & 63) * Cobbles.#side + (i & 63));
        const du = i + this.#jitter[at]! - u;
        const dv = j + this.#jitter[at + 1]! - v;
        nearest = Math.min(nearest, du * du + dv * dv);
      }
    }
    return Math.sqrt(nearest);
  }
}

/** Raises a plane to at least `value` within a soft disc. */
export function dot(
  plane: Float32Array,
  size: number,
  x: number,
  y: number,
  radius: number,
  value: number,
): void {
  const reach = radius + 1;
  for (let j = Math.max(0, Math.ceil(y - reach)); j <= Math.min(size - 1, y + reach); j++) {
    for (let i = Math.max(0, Math.ceil(x - reach)); i <= Math.min(size - 1, x + reach); i++) {
      const cover = Math.min(1, radius + 0.5 - Math.hypot(i - x, j - y));
      if (cover > 0) plane[j * size + i] = Math.max(plane[j * size + i]!, cover * value);
    }
  }
}

export interface Stroke {
  readonly x: number;
  readonly y: number;
  /** Direction in radians, and the turn per pixel. */
  readonly heading: number;
  readonly turn: number;
  readonly length: number;
  readonly radius: number;
  readonly value: number;
}

/**
 * A curved line that thins towards its end; it wanders if `wander` > 0. Returns its points, one
 * pixel apart.
 */
export function stroke(
  plane: Float32Array,
  size: number,
  line: Stroke,
  wander: number,
  random: Random,
): [x: number, y: number, heading: number][] {
  const points: [number, number, number][] = [];
  let { x, y, heading } = line;
  for (let step = 0; step < line.length; step++) {
    dot(plane, size, x, y, line.radius * (1 - 0.6 * (step / line.length)), line.value);
    points.push([x, y, heading]);
    heading += line.turn + (wander > 0 ? random.normal(0, wander) : 0);
    x += Math.cos(heading);
    y += Math.sin(heading);
  }
  return points;
}

/** Gaussian blur of interleaved RGB, in place; sigma in pixels, edges extended. */
export function blur(rgb: Float32Array, size: number, sigma: number): void {
  const reach = Math.ceil(2.2 * sigma);
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const line = new Float32Array((size + 2 * reach) * 3);
  for (const [step, stride] of [
    [3, 3 * size],
    [3 * size, 3],
  ] as const) {
    for (let l = 0; l < size; l++) {
      for (let i = -reach, at = 0; i < size + reach; i++) {
        const from = l * stride + Math.min(size - 1, Math.max(0, i)) * step;
        line[at++] = rgb[from]!;
        line[at++] = rgb[from + 1]!;
        line[at++] = rgb[from + 2]!;
      }
      for (let i = 0; i < size; i++) {
        let r = 0;
        let g = 0;
        let b = 0;
        for (let k = 0, at = i * 3; k < kernel.length; k++) {
          const weight = kernel[k]!;
          r += weight * line[at++]!;
          g += weight * line[at++]!;
          b += weight * line[at++]!;
        }
        const to = l * stride + i * step;
        rgb[to] = r / sum;
        rgb[to + 1] = g / sum;
        rgb[to + 2] = b / sum;
      }
    }
  }
}
