// Paints a synthetic photograph from a lesion, a patient's skin and a site's style. Light passes
// through skin by Beer–Lambert: pigment and blood darken each channel by its own absorption.
import type { Picture } from '../../images/picture.js';
import { Random } from '../../random.js';
import { photograph, shade } from './camera.js';
import { Cobbles, dot, noise, smoothstep, stroke } from './fields.js';
import type { Lesion } from './lesion.js';
import type { SiteStyle } from './site.js';

/** One patient's skin, the same in all of the patient's photographs. */
export interface Skin {
  /** Fitzpatrick type 1–6. */
  readonly type: number;
  /** Optical densities. */
  readonly melanin: number;
  readonly blood: number;
  /** Darkness of freckles and sun damage. */
  readonly freckles: number;
  readonly hair: number;
}

/**
 * Remittance of skin without pigment or blood, and the absorption of melanin and of blood, for R,
 * G, B: chosen by eye.
 */
const DERMIS = [0.96, 0.84, 0.76] as const;
const MELANIN = [0.5, 0.85, 1.2] as const;
const BLOOD = [0.12, 1, 0.85] as const;
const MELANIN_OF_TYPE = [0.03, 0.1, 0.22, 0.42, 0.75, 1.2] as const;
const VEIL = [0.33, 0.37, 0.45] as const;
const SCALE = [0.93, 0.88, 0.8] as const;
const CRUST = [0.8, 0.62, 0.34] as const;
const MILIA = [0.95, 0.89, 0.72] as const;
const ULCER = [0.36, 0.1, 0.08] as const;

/** e^−x for x from 0 to 8, in steps of 1/512. */
const DARKEN = Float32Array.from({ length: 4097 }, (_, i) => Math.exp(-i / 512));
const darken = (density: number): number => DARKEN[Math.min(4096, Math.max(0, density * 512)) | 0]!;

export function drawSkin(style: SiteStyle, random: Random): Skin {
  const type = Math.min(6, Math.max(1, Math.round(random.normal(...style.skin))));
  return {
    type,
    melanin: MELANIN_OF_TYPE[type - 1]! * random.uniform(0.8, 1.2),
    blood: random.uniform(0.05, 0.22),
    freckles: random.uniform(0, 0.5),
    hair: random.uniform(0.1, 0.5) * (type > 2 ? 0.5 : 1),
  };
}

/** Strokes and dots inside the lesion, each kind on its own plane: 0–1 at each pixel. */
function drawMarks(
  lesion: Lesion,
  size: number,
  cx: number,
  cy: number,
  radius: number,
  random: Random,
): { vessels: Float32Array; milia: Float32Array; plugs: Float32Array } {
  const [vessels, milia, plugs] = [
    new Float32Array(size * size),
    new Float32Array(size * size),
    new Float32Array(size * size),
  ];
  const pixel = size / 256;
  const inside = (reach: number): [number, number] => {
    const angle = random.uniform(0, 2 * Math.PI);
    const distance = radius * reach * Math.sqrt(random.uniform());
    return [cx + distance * Math.cos(angle), cy + distance * Math.sin(angle)];
  };
  for (let v = 0; v < lesion.vessels; v++) {
    const angle = random.uniform(0, 2 * Math.PI);
    const width = random.uniform(0.7, 1.5) * pixel;
    const trunk = stroke(
      vessels,
      size,
      {
        x: cx + radius * 0.95 * Math.cos(angle),
        y: cy + radius * 0.95 * Math.sin(angle),
        heading: angle + Math.PI + random.normal(0, 0.5),
        turn: 0,
        length: radius * random.uniform(0.5, 1),
        radius: width,
        value: random.uniform(0.6, 1),
      },
      0.18,
      random,
    );
    for (let branch = 0; branch < 2; branch++) {
      const [x, y, heading] = random.pick(trunk);
      stroke(
        vessels,
        size,
        {
          x,
          y,
          heading: heading + (branch === 0 ? 0.8 : -0.8),
          turn: 0,
          length: radius * random.uniform(0.2, 0.5),
          radius: width * 0.7,
          value: 0.7,
        },
        0.2,
        random,
      );
    }
  }
  for (let m = 0; m < lesion.milia; m++)
    dot(milia, size, ...inside(0.8), random.uniform(0.8, 2) * pixel, random.uniform(0.5, 1));
  for (let p = 0; p < lesion.plugs; p++)
    dot(plugs, size, ...inside(0.8), random.uniform(0.8, 2.2) * pixel, random.uniform(0.5, 1));
  return { vessels, milia, plugs };
}

/** Hair over the whole photograph: 0–1 at each pixel. */
function drawHair(style: SiteStyle, size: number, random: Random): Float32Array {
  const plane = new Float32Array(size * size);
  const count = Math.round(style.hair * random.uniform(0, 2));
  const lie = random.uniform(0, 2 * Math.PI);
  for (let h = 0; h < count; h++) {
    stroke(
      plane,
      size,
      {
        x: random.uniform(-0.1, 1.1) * size,
        y: random.uniform(-0.1, 1.1) * size,
        heading: lie + random.normal(0, 0.5),
        turn: random.normal(0, 0.006) * (256 / size),
        length: random.uniform(0.2, 0.6) * size,
        radius: random.uniform(0.35, 0.9) * (size / 256),
        value: random.uniform(0.5, 0.95),
      },
      0,
      random,
    );
  }
  return plane;
}

/** Everything that a photograph is painted from. */
export interface Scene {
  readonly lesion: Lesion;
  readonly skin: Skin;
  readonly style: SiteStyle;
  /** Pixels per side. */
  readonly size: number;
  /**
   * Seed of everything that differs between two photographs of one lesion: place, angle, light,
   * noise.
   */
  readonly seed: string;
}

export interface Painting {
  readonly picture: Picture;
  /** Share of each pixel that the lesion covers, 0–1, size×size. */
  readonly mask: Float32Array;
}

/** Paints a photograph of size×size pixels. The same scene gives the same bytes. */
export function paint({ lesion, skin, style, size, seed }: Scene): Painting {
  const random = new Random(seed);
  const near = style.scale * random.uniform(0.85, 1.2);
  const radius = lesion.radius * near * size;
  const cx = size * random.normal(0.5, 0.035);
  const cy = size * random.normal(0.5, 0.035);
  const angle = random.uniform(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  const stretch = Math.sqrt(lesion.aspect);
  const cells = (size / radius) * 1.1;

  const border = noise(size, cells, 3, random.fork('border'));
  const blotch = noise(size, cells * 0.9, 2, random.fork('blotch'));
  const veil = noise(size, cells * 0.8, 1, random.fork('veil'));
  const fine = noise(size, 48 / near, 2, random.fork('fine'));
  const medium = noise(size, 14 / near, 2, random.fork('medium'));
  const broad = noise(size, 3, 2, random.fork('broad'));
  const { vessels, milia, plugs } = drawMarks(lesion, size, cx, cy, radius, random.fork('marks'));
  const hair = drawHair(style, size, random.fork('hair'));
  const cobbles =
    lesion.cobbles > 0
      ? new Cobbles(radius * random.uniform(0.18, 0.3), random.fork('cobbles'))
      : undefined;
  const patches = Array.from({ length: lesion.patches }, () => {
    const turn = random.uniform(0, 2 * Math.PI);
    const away = random.uniform(0.9, 2);
    return { u: away * Math.cos(turn), v: away * Math.sin(turn), r: random.uniform(0.25, 0.6) };
  });

  const rgb = new Float32Array(size * size * 3);
  const height = new Float32Array(size * size);
  const inLesion = new Float32Array(size * size);
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0; x < size; x++, i++) {
      // (u, v): lesion coordinates. d is 0 at the border and negative inside.
      const u = (cos * (x - cx) + sin * (y - cy)) / stretch;
      const v = (cos * (y - cy) - sin * (x - cx)) * stretch;
      const r0 = Math.sqrt(u * u + v * v);
      let d = r0 - 1;
      for (const patch of patches) d = Math.min(d, Math.hypot(u - patch.u, v - patch.v) - patch.r);
      // The middle deviates less, because strong irregularity would tear holes in it.
      d += lesion.irregularity * border[i]! * (0.3 + 0.7 * Math.min(1, r0));
      const mask = 1 - smoothstep(-lesion.fade, lesion.fade, d);

      let melanin =
        skin.melanin * (1 + 0.12 * broad[i]!) +
        0.3 * skin.freckles * smoothstep(0.1, 1.1, 0.7 * medium[i]! + 0.5 * fine[i]!);
      let blood = skin.blood * (1 + 0.4 * broad[i]! + 0.25 * medium[i]!) + 0.02 * fine[i]!;
      let relief = 0.25 * fine[i]!;
      const at = 3 * i;
      if (mask > 0) {
        const blotches =
          1 + lesion.mottle * 0.9 * blotch[i]! + lesion.lopsided * 0.7 * u + lesion.net * fine[i]!;
        const pale = 1 - lesion.regression * smoothstep(0.1, 0.5, -veil[i]!);
        melanin += mask * lesion.melanin * Math.max(0.1, blotches) * pale;
        blood +=
          mask *
          lesion.blood *
          Math.max(0.2, 1 + lesion.mottle * 0.6 * blotch[i]! + 0.3 * medium[i]!);
        relief += mask * lesion.rough * 1.1 * (fine[i]! + 0.6 * medium[i]!);
        const rise = Math.max(0, -d);
        relief +=
          radius *
          0.5 *
          (lesion.dome * (1 - (1 - Math.min(1, rise)) ** 2) +
            lesion.rim * 0.35 * darken(((d + 0.25) / 0.16) ** 2));
        if (cobbles !== undefined) {
          const stone = cobbles.at(x + 4 * medium[i]!, y + 4 * medium[i]!);
          relief += mask * lesion.cobbles * radius * 0.1 * (0.7 - stone);
          melanin += mask * lesion.cobbles * 0.55 * (stone - 0.4);
        }
        melanin += mask * 1.6 * plugs[i]!;
        blood += mask * 0.8 * vessels[i]!;
      }
      let r = DERMIS[0] * darken(melanin * MELANIN[0] + blood * BLOOD[0]);
      let g = DERMIS[1] * darken(melanin * MELANIN[1] + blood * BLOOD[1]);
      let b = DERMIS[2] * darken(melanin * MELANIN[2] + blood * BLOOD[2]);
      if (mask > 0) {
        const cover = (colour: readonly [number, number, number], amount: number): void => {
          r += amount * (colour[0] - r);
          g += amount * (colour[1] - g);
          b += amount * (colour[2] - b);
        };
        if (lesion.veil > 0)
          cover(
            VEIL,
            mask * lesion.veil * 0.65 * smoothstep(-0.05, 0.7, veil[i]! + 0.2 * medium[i]!),
          );
        if (lesion.ulcer > 0)
          cover(
            ULCER,
            mask *
              Math.min(1, lesion.ulcer * 1.2) *
              0.85 *
              smoothstep(-0.15, 0.15, 0.5 * lesion.ulcer - 0.35 - (d + 0.55) + 0.35 * medium[i]!),
          );
        if (lesion.crust > 0) {
          const crust =
            mask *
            0.9 *
            smoothstep(
              0.05,
              0.25,
              lesion.crust * 0.8 - (d + 0.95) + 0.6 * medium[i]! + 0.3 * blotch[i]!,
            );
          cover(CRUST, crust * (0.75 + 0.25 * fine[i]!));
          cover(SCALE, crust * 0.8 * smoothstep(0, 0.5, fine[i]!));
          relief += crust * (2 + 2 * medium[i]! + 1.5 * fine[i]!);
        }
        if (lesion.scale > 0) {
          const flakes =
            mask *
            smoothstep(
              0.45 - 0.45 * lesion.scale,
              1.05 - 0.45 * lesion.scale,
              0.65 * fine[i]! + 0.55 * medium[i]!,
            );
          cover(SCALE, 0.75 * flakes);
          relief += 0.6 * flakes;
        }
        if (milia[i]! > 0) cover(MILIA, mask * 0.8 * milia[i]!);
      }
      rgb[at] = r;
      rgb[at + 1] = g;
      rgb[at + 2] = b;
      height[i] = relief;
      inLesion[i] = mask;
    }
  }
  shade(rgb, height, inLesion, lesion.gloss, size, random.fork('lamp'));
  const coat = 0.16 + skin.hair * 0.5;
  for (let i = 0; i < hair.length; i++) {
    const cover = hair[i]!;
    if (cover === 0) continue;
    rgb[3 * i]! += cover * (coat - rgb[3 * i]!);
    rgb[3 * i + 1]! += cover * (coat * 0.8 - rgb[3 * i + 1]!);
    rgb[3 * i + 2]! += cover * (coat * 0.65 - rgb[3 * i + 2]!);
  }
  return { picture: photograph(rgb, style, size, random.fork('camera')), mask: inLesion };
}
