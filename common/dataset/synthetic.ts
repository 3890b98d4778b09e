// Synthetic lesions: a dataset of procedural photographs of the six diagnoses, painted when they
// are loaded and never stored. Sites differ in skin, light and camera, so that clinics have a real
// domain shift.
import { LentigoError } from '../errors.js';
import { PAD_UFES_LABELS, type LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import { DIAGNOSES, type Words } from './diagnoses.js';
import type { Dataset, Sample, Split } from './sample.js';
import { DEFAULT_FRACTIONS, splitByPatient } from './split.js';

import { drawClinical } from './synthetic/clinical.js';
import { drawLesion, SYNTHETIC_LABELS } from './synthetic/lesion.js';
import { drawSkin, paint, type Painting } from './synthetic/paint.js';
import { siteStyle } from './synthetic/site.js';

export interface SyntheticOptions {
  /** Names the patients: another seed gives other people with other lesions. */
  readonly seed: number;
  /**
   * The clinics' styles: 0 is neutral, each other whole number a style of its own; patients are
   * dealt to several in turn.
   */
  readonly sites: readonly number[];
  readonly images: number;
  /** Pixels a side, 256 by default. */
  readonly size?: number | undefined;
  /** All samples in this split; without it 60/20/20 by patient. */
  readonly split?: Split | undefined;
  readonly labels?: LabelSet | undefined;
}

export interface PaintedSample extends Sample {
  /**
   * The photograph, with the painter's own outline of the lesion: what a segmentation would have to
   * find.
   */
  painting(): Painting;
}

export interface PaintedDataset extends Dataset {
  readonly samples: readonly PaintedSample[];
}

/** How many of 20 lesions have each diagnosis: a mild imbalance. */
const DECK: Readonly<Record<string, number>> = { ACK: 4, BCC: 5, MEL: 2, NEV: 4, SCC: 2, SEK: 3 };

/** Diagnoses in shuffled decks, so that even a small dataset has them all. */
function* diagnoses(labels: readonly string[], random: Random): Generator<string, never> {
  const deck = labels.flatMap((label) => Array.from({ length: DECK[label]! }, () => label));
  for (;;) yield* random.shuffle(deck);
}

/**
 * A dataset of synthetic photographs: patients with one or two lesions, each photographed once or
 * twice. Other label sets use their own labels; a diagnosis without one isn't painted.
 * @throws LENTIGO_DATA_UNKNOWN_DIAGNOSIS when none of the labels can be painted
 */
export function syntheticDataset({
  seed,
  sites,
  images,
  size = 256,
  split,
  labels = PAD_UFES_LABELS,
}: SyntheticOptions): PaintedDataset {
  const words: Readonly<Record<string, Words>> = DIAGNOSES['PAD-UFES-20'];
  const labelOf = (diagnosis: string): string | undefined =>
    words[diagnosis]!.find((word) => word !== null && labels.names.includes(word)) ?? undefined;
  const painted = SYNTHETIC_LABELS.filter((diagnosis) => labelOf(diagnosis) !== undefined);
  if (painted.length === 0)
    throw new LentigoError(
      'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      `synthetic lesions exist for ${SYNTHETIC_LABELS.join(', ')}, and the label set has none of them: ${labels.names.join(', ')}`,
    );
  const name = `synthetic:site=${sites.join(',')}&images=${images}&seed=${seed}${split === undefined ? '' : `&split=${split}`}`;
  const root = new Random('synthetic lesions').fork(seed);
  const deal = diagnoses(painted, root.fork('diagnoses', ...sites));
  const drafts: Omit<PaintedSample, 'split'>[] = [];
  for (let p = 0; drafts.length < images; p++) {
    const site = sites[p % sites.length]!;
    const style = siteStyle(site);
    const patient = `site${site}-seed${seed}-patient${p}`;
    const ofPatient = root.fork(site, p);
    const skin = drawSkin(style, ofPatient.fork('skin'));
    const lesions = 1 + ofPatient.int(2);
    for (let l = 0; l < lesions; l++) {
      const label = deal.next().value;
      const lesion = drawLesion(label, ofPatient.fork('lesion', l));
      const clinical = drawClinical(
        label,
        skin.type,
        ofPatient.fork('clinical'),
        ofPatient.fork('clinical', l),
      );
      const photographs = 1 + ofPatient.int(2);
      for (let shot = 0; shot < photographs && drafts.length < images; shot++) {
        const scene = {
          lesion,
          skin,
          style,
          size,
          seed: ofPatient.fork('photograph', l, shot).seed,
        };
        drafts.push({
          id: `${patient}-lesion${l}-${shot}`,
          label: labelOf(label)!,
          patient,
          revision: String(size),
          fitzpatrick: skin.type,
          clinical,
          origin: { scene },
          painting: () => paint(scene),
          load: async () => paint(scene).picture,
        });
      }
    }
  }
  const splits =
    split === undefined ? splitByPatient(drafts, DEFAULT_FRACTIONS, root.fork('split')) : undefined;
  return {
    name,
    samples: drafts.map((draft) => ({ ...draft, split: split ?? splits!.get(draft.patient)! })),
    problems: [],
  };
}
