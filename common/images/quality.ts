// Is a photograph good enough to learn from? Measured on its centre square, which is what a model
// sees: size, sharpness, exposure, and whether something unlike the skin around it lies in the
// middle.
import type { Picture } from './picture.js';
import { prepare } from './prepare.js';

/** All but the size are measured on the centre square at this many pixels a side. */
const SIDE = 256;

export interface QualityMeasures {
  /** The shorter side of the photograph, pixels. */
  readonly side: number;
  /** 0 sharp to 1 blurred, in the direction that is more so. */
  readonly blur: number;
  /**
   * Luma (0–255) below which 95 of 100 pixels lie. Not the mean: dark skin in good light has bright
   * reflections, and a dark photograph hasn't.
   */
  readonly brightest: number;
  /** Share of pixels that are burnt out: a channel at its end, and light. */
  readonly burnt: number;
  /** How far the middle differs from the rim, in spreads of the rim. */
  readonly contrast: number;
}

export type QualityProblem = 'too-small' | 'blurred' | 'too-dark' | 'too-bright' | 'no-lesion';

export interface QualityFinding {
  readonly problem: QualityProblem;
  /** Refused for certain, as such a photograph teaches nothing. Otherwise a person decides. */
  readonly severe: boolean;
}

/**
 * Where a warning begins, and where there is no doubt. Measured:
 * test/common/images/quality.test.ts.
 */
const QUALITY_LIMITS = {
  side: { warn: 224, severe: 96 },
  blur: { warn: 0.52, severe: 0.62 },
  brightest: { warn: 60, severe: 35 },
  burnt: { warn: 0.08, severe: 0.4 },
  contrast: { warn: 0.58 },
} as const;

export function measureQuality(picture: Picture): QualityMeasures {
  const square = prepare(picture, SIDE);
  const luma = lumaOf(square);
  return {
    side: Math.min(picture.width, picture.height),
    blur: blurEffect(luma),
    brightest: percentile(luma, 0.95),
    burnt: burntShare(square),
    contrast: middleContrast(square),
  };
}

/** What is wrong with a photograph, the gravest first; empty when nothing is. */
export function judgeQuality({
  side,
  blur,
  brightest,
  burnt,
  contrast,
}: QualityMeasures): QualityFinding[] {
  const found: QualityFinding[] = [];
  const say = (problem: QualityProblem, warn: boolean, severe: boolean) => {
    if (warn) found.push({ problem, severe });
  };
  const limits = QUALITY_LIMITS;
  say('too-small', side < limits.side.warn, side < limits.side.severe);
  say('too-dark', brightest < limits.brightest.warn, brightest < limits.brightest.severe);
  say('too-bright', burnt > limits.burnt.warn, burnt > limits.burnt.severe);
  say('blurred', blur > limits.blur.warn, blur > limits.blur.severe);
  // A pale lesion on pale skin looks like no lesion, so this is never more than a question.
  say('no-lesion', contrast < limits.contrast.warn, false);
  return found.sort((a, b) => Number(b.severe) - Number(a.severe));
}

function lumaOf({ data }: Picture): Float32Array {
  const luma = new Float32Array(data.length / 3);
  for (let i = 0, p = 0; p < luma.length; i += 3, p++)
    luma[p] = 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
  return luma;
}

const percentile = (values: Float32Array, share: number): number =>
  values.slice().sort()[Math.floor(share * (values.length - 1))]!;

/**
 * Crete et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual
 * blur metric": how little the differences between neighbours lose when the image is blurred once
 * more.
 */
function blurEffect(luma: Float32Array): number {
  return Math.max(blurAlong(luma, 1, SIDE), blurAlong(luma, SIDE, 1));
}

/**
 * @param step between neighbours
 * @param line between the lines that run along them
 */
function blurAlong(luma: Float32Array, step: number, line: number): number {
  const reach = 4;
  let sharp = 0;
  let lost = 0;
  for (let l = 0; l < SIDE; l++) {
    const at = (i: number) => luma[l * line + i * step]!;
    for (let i = reach + 1; i < SIDE - reach; i++) {
      const difference = Math.abs(at(i) - at(i - 1));
      // Neighbouring windows of nine differ in their ends alone.
      const smoothed = Math.abs(at(i + reach) - at(i - reach - 1)) / (2 * reach + 1);
      sharp += difference;
      lost += Math.max(0, difference - smoothed);
    }
  }
  return sharp === 0 ? 1 : 1 - lost / sharp;
}

function burntShare({ data }: Picture): number {
  let burnt = 0;
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (Math.max(r, g, b) >= 253 && 0.299 * r + 0.587 * g + 0.114 * b > 215) burnt++;
  }
  return burnt / (data.length / 3);
}

/**
 * The rim (outside 0.9 of the inscribed circle) gives the skin's colour, its median, and its
 * spread, the median distance from it. The result is the distance that the most different fifth of
 * the middle (within 0.4) keeps, in these spreads. Distances are of optical densities (logarithms,
 * so that they don't depend on the light), with colour counting more than darkness, as shadows are
 * dark, too.
 */
function middleContrast(square: Picture): number {
  const side = 48;
  const { data } = prepare(square, side);
  const rim: number[] = [];
  const middle: number[] = [];
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i += 3) {
      const radius = Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2) / (side / 2);
      if (radius > 0.9) rim.push(i);
      else if (radius < 0.4) middle.push(i);
    }
  }
  const skin = [0, 1, 2].map((channel) =>
    percentile(
      Float32Array.from(rim, (i) => data[i + channel]!),
      0.5,
    ),
  );
  const distance = (i: number): number => {
    const [r, g, b] = skin.map((value, channel) =>
      Math.log((data[i + channel]! + 8) / (value + 8)),
    ) as [number, number, number];
    const grey = (r + g + b) / 3;
    return Math.hypot(grey, 1.5 * (r - grey), 1.5 * (g - grey), 1.5 * (b - grey));
  };
  const of = (places: readonly number[], share: number) =>
    percentile(Float32Array.from(places, distance), share);
  return of(middle, 0.8) / (of(rim, 0.5) + 0.15);
}
