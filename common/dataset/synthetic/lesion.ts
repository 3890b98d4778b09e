// The appearance of each of the six diagnoses, as numbers for the painter. They follow clinical
// descriptions, with ranges that overlap between classes as real ones do.
import type { Random } from '../../random.js';

/**
 * Absorptions are optical densities added to the skin's (Beer–Lambert); lengths are relative to the
 * lesion's radius.
 */
export interface Lesion {
  /** Radius relative to the picture's side. */
  readonly radius: number;
  /** Ratio of the long to the short axis. */
  readonly aspect: number;
  /** How far the border deviates from an ellipse, and the width over which it fades. */
  readonly irregularity: number;
  readonly fade: number;
  readonly melanin: number;
  readonly blood: number;
  /**
   * Blotches of pigment, stronger pigment on one side, fine net of pigment, blue-grey veil, pale
   * areas without pigment: amounts 0–1.
   */
  readonly mottle: number;
  readonly lopsided: number;
  readonly net: number;
  readonly veil: number;
  readonly regression: number;
  /** Relief: dome, raised rim, cobbles, roughness, and how glossy they are. */
  readonly dome: number;
  readonly rim: number;
  readonly cobbles: number;
  readonly rough: number;
  readonly gloss: number;
  /** Loose scale in flecks, thick yellow crust, raw ulcer in the middle: amounts 0–1. */
  readonly scale: number;
  readonly crust: number;
  readonly ulcer: number;
  /** Counts: branching vessels, pale milia, dark plugs, patches beside the main one. */
  readonly vessels: number;
  readonly milia: number;
  readonly plugs: number;
  readonly patches: number;
}

const PLAIN: Omit<Lesion, 'radius' | 'aspect' | 'irregularity' | 'fade' | 'melanin' | 'blood'> = {
  mottle: 0.1,
  lopsided: 0,
  net: 0,
  veil: 0,
  regression: 0,
  dome: 0,
  rim: 0,
  cobbles: 0,
  rough: 0,
  gloss: 0,
  scale: 0,
  crust: 0,
  ulcer: 0,
  vessels: 0,
  milia: 0,
  plugs: 0,
  patches: 0,
};

/** With probability p, a strength uniform in the range; otherwise 0. */
const perhaps = (random: Random, p: number, low: number, high: number): number =>
  random.chance(p) ? random.uniform(low, high) : 0;

const DRAW: Record<string, (random: Random) => Lesion> = {
  /**
   * Actinic keratosis: faint, flat, rough reddish patches with fine scale, ill-defined, often
   * several.
   */
  ACK: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.14, 0.26),
    aspect: r.uniform(1, 1.6),
    irregularity: r.uniform(0.3, 0.6),
    fade: r.uniform(0.4, 0.8),
    melanin: r.uniform(0, 0.3),
    blood: r.uniform(0.15, 0.5),
    mottle: 0.3,
    rough: r.uniform(0.5, 1),
    scale: r.uniform(0.25, 0.8),
    crust: perhaps(r, 0.15, 0.2, 0.5),
    patches: r.int(5),
  }),
  /**
   * Basal cell carcinoma: pearly, pink, shiny, with a rolled rim and branching vessels; sometimes
   * ulcerated or pigmented.
   */
  BCC: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.12, 0.26),
    aspect: r.uniform(1, 1.4),
    irregularity: r.uniform(0.1, 0.3),
    fade: r.uniform(0.12, 0.4),
    melanin: r.chance(0.25) ? r.uniform(0.3, 0.8) : r.uniform(0, 0.2),
    blood: r.uniform(0.12, 0.45),
    mottle: r.uniform(0.1, 0.6),
    dome: r.uniform(0.2, 0.7),
    rim: perhaps(r, 0.8, 0.4, 1),
    gloss: r.uniform(0.3, 0.9),
    ulcer: perhaps(r, 0.35, 0.4, 1),
    scale: perhaps(r, 0.15, 0.1, 0.3),
    vessels: 2 + r.int(7),
  }),
  /**
   * Melanoma: asymmetric, irregular border, several colours from tan to black, veil and regression;
   * early ones look like a nevus.
   */
  MEL: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.14, 0.3),
    aspect: r.uniform(1.1, 1.8),
    irregularity: r.uniform(0.3, 0.7),
    fade: r.uniform(0.06, 0.25),
    melanin: r.uniform(0.7, 2),
    blood: r.uniform(0, 0.25),
    mottle: r.uniform(0.4, 1),
    lopsided: r.uniform(0.2, 0.9),
    net: perhaps(r, 0.5, 0.2, 0.5),
    veil: perhaps(r, 0.6, 0.3, 1),
    regression: perhaps(r, 0.4, 0.3, 0.9),
    dome: perhaps(r, 0.4, 0.3, 0.8),
    ulcer: perhaps(r, 0.12, 0.3, 0.7),
  }),
  /** Nevus: round, symmetric, sharp enough, evenly brown (or pink), flat or a gentle dome. */
  NEV: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.09, 0.22),
    aspect: r.uniform(1, 1.3),
    irregularity: r.uniform(0.04, 0.2),
    fade: r.uniform(0.1, 0.35),
    melanin: r.uniform(0.35, 1.6),
    blood: r.uniform(0, 0.3),
    mottle: r.uniform(0.05, 0.3),
    lopsided: r.uniform(0, 0.2),
    net: perhaps(r, 0.5, 0.15, 0.5),
    dome: perhaps(r, 0.6, 0.2, 0.8),
    gloss: r.uniform(0, 0.25),
  }),
  /**
   * Squamous cell carcinoma: a red, firm, raised nodule under thick yellow scale or crust,
   * sometimes bleeding.
   */
  SCC: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.14, 0.28),
    aspect: r.uniform(1, 1.5),
    irregularity: r.uniform(0.2, 0.5),
    fade: r.uniform(0.2, 0.5),
    melanin: r.uniform(0, 0.3),
    blood: r.uniform(0.3, 0.75),
    mottle: 0.4,
    dome: r.uniform(0.4, 1),
    rim: perhaps(r, 0.3, 0.2, 0.6),
    rough: r.uniform(0.2, 0.7),
    gloss: r.uniform(0, 0.3),
    scale: r.uniform(0.1, 0.5),
    crust: perhaps(r, 0.85, 0.4, 1),
    ulcer: perhaps(r, 0.35, 0.3, 0.9),
    vessels: r.int(3),
  }),
  /**
   * Seborrhoeic keratosis: waxy, stuck on, sharply bounded, cobbled, tan to nearly black, with
   * milia and dark plugs.
   */
  SEK: (r) => ({
    ...PLAIN,
    radius: r.uniform(0.12, 0.28),
    aspect: r.uniform(1, 1.6),
    irregularity: r.uniform(0.1, 0.4),
    fade: r.uniform(0.04, 0.15),
    melanin: r.uniform(0.25, 1.7),
    blood: r.uniform(0, 0.2),
    mottle: r.uniform(0.1, 0.5),
    lopsided: r.uniform(0, 0.3),
    dome: r.uniform(0.2, 0.5),
    cobbles: r.uniform(0.35, 1),
    rough: r.uniform(0, 0.5),
    gloss: r.uniform(0.1, 0.5),
    scale: perhaps(r, 0.3, 0.1, 0.3),
    milia: r.int(14),
    plugs: r.int(14),
  }),
};

/** The classes that can be painted: those of PAD-UFES-20. */
export const SYNTHETIC_LABELS: readonly string[] = Object.keys(DRAW);

/**
 * A random lesion of a class.
 * @throws RangeError for a label that isn't one of SYNTHETIC_LABELS
 */
export function drawLesion(label: string, random: Random): Lesion {
  const draw = DRAW[label];
  if (draw === undefined) throw new RangeError(`no synthetic lesion for ${label}`);
  return draw(random);
}
