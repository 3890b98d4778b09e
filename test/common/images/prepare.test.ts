// From a picture to the model's input, against values computed by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { augment } from '../../../common/images/augment.js';
import type { Picture } from '../../../common/images/picture.js';
import {
  centreSquare,
  normalise,
  prepare,
  toAugmentedInput,
  toInput,
} from '../../../common/images/prepare.js';
import { resizeBox } from '../../../common/images/resize.js';
import { Random } from '../../../common/random.js';

/** A grey picture from rows of values. */
function grey(rows: number[][]): Picture {
  return {
    width: rows[0]!.length,
    height: rows.length,
    data: Uint8Array.from(rows.flat().flatMap((v) => [v, v, v])),
  };
}
const reds = (picture: Picture): number[] =>
  Array.from({ length: picture.width * picture.height }, (_, i) => picture.data[3 * i]!);

function randomPicture(width: number, height: number, seed = 1): Picture {
  const random = new Random(seed);
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, () => random.int(256)),
  };
}

describe('prepare', () => {
  it('crops the centre of a wide and of a tall picture', () => {
    expect(
      reds(
        prepare(
          grey([
            [1, 2, 3, 4],
            [5, 6, 7, 8],
          ]),
          2,
        ),
      ),
    ).toEqual([2, 3, 6, 7]);
    expect(
      reds(
        prepare(
          grey([
            [1, 2],
            [3, 4],
            [5, 6],
            [7, 8],
          ]),
          2,
        ),
      ),
    ).toEqual([3, 4, 5, 6]);
    expect(centreSquare({ width: 9, height: 4, data: new Uint8Array() })).toEqual({
      x: 2,
      y: 0,
      width: 4,
      height: 4,
    });
  });

  it('halves with a triangle filter: weights 1/8, 3/8, 3/8, 1/8, cut and rescaled at the edges', () => {
    // In one dimension: output 0 uses inputs 0–2 with weights 3, 3, 1 of 7; output 1 uses 1–3 with
    // 1, 3, 3 of 7.
    const row = [0, 70, 140, 210];
    expect(reds(prepare(grey([row, row, row, row]), 2))).toEqual([50, 160, 50, 160]);
    const wide = Array.from({ length: 8 }, () => [0, 0, 0, 80, 160, 0, 0, 0]);
    // Output 1 uses inputs 1–4 with weights 1, 3, 3, 1 of 8: 3/8 · 80 + 1/8 · 160.
    expect(reds(prepare(grey(wide), 4)).slice(0, 4)).toEqual([0, 50, 70, 0]);
  });

  it('doubles by linear interpolation', () => {
    const row = [0, 100];
    expect(reds(prepare(grey([row, row]), 4)).slice(0, 4)).toEqual([0, 25, 75, 100]);
  });

  it('leaves a flat picture flat, at any size and box', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 255 }),
        (width, height, size, value) => {
          const flat: Picture = {
            width,
            height,
            data: new Uint8Array(width * height * 3).fill(value),
          };
          expect(prepare(flat, size).data).toEqual(new Uint8Array(size * size * 3).fill(value));
          expect(
            resizeBox(flat, { x: 0, y: 0, width, height }, size).data.every((v) => v === value),
          ).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('antialiases: a fine checkerboard becomes grey, not a moiré of black and white', () => {
    const board = grey(
      Array.from({ length: 256 }, (_, y) =>
        Array.from({ length: 256 }, (_, x) => ((x + y) % 2) * 255),
      ),
    );
    expect(reds(prepare(board, 56)).every((v) => Math.abs(v - 127.5) < 14)).toBe(true);
  });
});

describe('normalise', () => {
  it('gives (v/255 − mean) / std of each channel, in RGB order', () => {
    const input = normalise({
      width: 2,
      height: 1,
      data: Uint8Array.from([0, 0, 0, 255, 128, 64]),
    });
    const expected = [-2.117904, -2.035714, -1.804444, 2.248908, 0.20518, -0.688976];
    for (const [i, value] of expected.entries()) expect(input[i]!).toBeCloseTo(value, 4);
  });

  it('toInput has size × size × 3 values', () => {
    expect(toInput(randomPicture(50, 30), 24)).toHaveLength(24 * 24 * 3);
  });
});

describe('augment', () => {
  const picture = randomPicture(60, 44);

  it('the same seed gives the same variant, another seed another', () => {
    const variant = (seed: number) => toAugmentedInput(picture, 32, new Random(seed));
    expect(variant(5)).toEqual(variant(5));
    expect(variant(5)).not.toEqual(variant(6));
  });

  it('stays inside the centre square', () => {
    // Only the area outside the centre square is white: no variant may show white.
    const side = 40;
    const framed = grey(
      Array.from({ length: side }, () =>
        Array.from({ length: 90 }, (_, x) => (x < 25 || x >= 65 ? 255 : 40)),
      ),
    );
    for (let seed = 0; seed < 60; seed++)
      expect(Math.max(...augment(framed, 32, new Random(seed)).data)).toBeLessThan(100);
  });

  it('shows all eight orientations about as often', () => {
    // Corners with four brightnesses, whose order shows the orientation.
    const corners = grey(
      Array.from({ length: 64 }, (_, y) =>
        Array.from({ length: 64 }, (_, x) => 60 + 30 * ((y < 32 ? 0 : 2) + (x < 32 ? 0 : 1))),
      ),
    );
    const seen = new Map<string, number>();
    const runs = 400;
    for (let seed = 0; seed < runs; seed++) {
      const { data } = augment(corners, 16, new Random('orientation').fork(seed));
      const values = [0, 15, 240, 255].map((i) => data[3 * i + 1]!);
      const order = values.map((v) => values.filter((other) => other < v).length).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    const eight = ['0123', '1032', '2301', '3210', '0213', '2031', '1302', '3120'];
    expect([...seen.keys()].sort()).toEqual(eight.sort());
    for (const count of seen.values()) expect(count).toBeGreaterThan(runs / 8 / 2);
  });

  it('changes brightness and colour within bounds', () => {
    const flat: Picture = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).fill(128) };
    const means = Array.from(
      { length: 100 },
      (_, seed) => augment(flat, 16, new Random('colour').fork(seed)).data[0]!,
    );
    expect(Math.min(...means)).toBeGreaterThan(128 * 0.72);
    expect(Math.min(...means)).toBeLessThan(128 * 0.88);
    expect(Math.max(...means)).toBeGreaterThan(128 * 1.12);
    expect(Math.max(...means)).toBeLessThan(128 * 1.3);
  });

  it('keeps every value in 0–255 at the extremes', () => {
    const black: Picture = { width: 8, height: 8, data: new Uint8Array(192) };
    const white: Picture = { width: 8, height: 8, data: new Uint8Array(192).fill(255) };
    for (let seed = 0; seed < 50; seed++) {
      // An overflow would wrap white to black, or black to white.
      expect(Math.max(...augment(black, 8, new Random(seed)).data)).toBeLessThan(40);
      expect(Math.min(...augment(white, 8, new Random(seed)).data)).toBeGreaterThan(150);
    }
  });
});
