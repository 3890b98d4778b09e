// How photographs look at a synthetic clinic: its patients' skin, its lamps, its phone. Site 0 is
// the neutral one; all others differ from it and from each other.
import { Random } from '../../random.js';

export interface SiteStyle {
  /** Mean and standard deviation of the patients' Fitzpatrick types, 1–6. */
  readonly skin: readonly [mean: number, deviation: number];
  /**
   * Colour of the light, from −1 (cold and blue) to 1 (warm and orange), and its spread between
   * photographs.
   */
  readonly warmth: readonly [mean: number, deviation: number];
  /** Tint from −1 (magenta) to 1 (green), as with fluorescent tubes and cheap white balances. */
  readonly green: number;
  /** Factor on brightness. */
  readonly exposure: number;
  /** How much darker the far side of a photograph is, and its corners. */
  readonly gradient: number;
  readonly vignette: number;
  /** The camera's tone curve and colour. */
  readonly gamma: number;
  readonly saturation: number;
  /** Standard deviation of the blur in pixels at 256 pixels per side: lowest and highest. */
  readonly blur: readonly [low: number, high: number];
  /** Standard deviation of the sensor's noise, on a scale of 255. */
  readonly noise: number;
  /** Mean number of hairs in a photograph. */
  readonly hair: number;
  /** Factor on the size of the lesion: how close the phone is held. */
  readonly scale: number;
}

const NEUTRAL: SiteStyle = {
  skin: [2.4, 0.9],
  warmth: [0, 0.15],
  green: 0,
  exposure: 1,
  gradient: 0.12,
  vignette: 0.08,
  gamma: 1,
  saturation: 1,
  blur: [0.3, 0.9],
  noise: 3,
  hair: 4,
  scale: 1,
};

/**
 * The style of a site. The axes of sites 1, 2, 3, … follow a low-discrepancy sequence (fractional
 * parts of multiples of powers of a constant: Roberts 2018, "The unreasonable effectiveness of
 * quasirandom sequences"), so that any few neighbours differ widely.
 */
export function siteStyle(site: number): SiteStyle {
  if (site === 0) return NEUTRAL;
  const random = new Random('synthetic site').fork(site);
  const axis = (multiple: number, from: number, to: number): number => {
    const at = (0.5 + site * multiple) % 1;
    return from + (to - from) * at;
  };
  const blur = axis(0.6710436067, 0.3, 2);
  return {
    skin: [axis(0.8191725134, 1.6, 5), 0.8],
    warmth: [axis(0.7548776662, -1, 1), 0.15],
    green: axis(0.569840291, -0.6, 0.6),
    exposure: random.uniform(0.7, 1.15),
    gradient: random.uniform(0.05, 0.4),
    vignette: random.uniform(0, 0.5),
    gamma: random.uniform(0.75, 1.45),
    saturation: random.uniform(0.7, 1.3),
    blur: [blur * 0.6, blur * 1.4],
    noise: random.uniform(1, 12),
    hair: axis(0.3247179572, 0, 30),
    scale: random.uniform(0.75, 1.25),
  };
}
