// The page on which the demo ends: held-out lesions as the model flags them, right and wrong, with
// what that means.
import sharp from 'sharp';
import type { Sample } from './common/dataset/sample.js';
import { type Evaluated } from './common/evaluation/evaluate.js';
import { malignancyOf } from './common/evaluation/operating-point.js';
import { escapeHtml } from './common/html.js';
import { prepare } from './common/images/prepare.js';
import type { LabelSet } from './common/model/labels.js';

/** Of each kind at most so many are shown. */
const SHOWN = 6;
const PIXELS = 160;

/** What happens to a lesion at a threshold, in the order of the page. */
const KINDS = [
  { malignant: true, flagged: true, right: true, title: 'Malignant, and found' },
  { malignant: true, flagged: false, right: false, title: 'Malignant, and missed' },
  { malignant: false, flagged: true, right: false, title: 'Benign, and a false alarm' },
  { malignant: false, flagged: false, right: true, title: 'Benign, and no alarm' },
] as const;

export interface Flagged {
  /** Of each kind of KINDS: which images, and of how many that are malignant, or benign. */
  readonly kinds: readonly { readonly images: readonly number[]; readonly of: number }[];
  readonly malignancy: readonly number[];
}

/** Sorts predictions by what is true and what the model says at a threshold. */
export function flaggedBy(
  { labels, probabilities }: Evaluated,
  set: LabelSet,
  threshold: number,
): Flagged {
  const { values, positive } = malignancyOf(labels, probabilities, set);
  const kinds = KINDS.map(({ malignant, flagged }) => ({
    images: values.flatMap((value, i) =>
      positive[i] === malignant && value >= threshold === flagged ? [i] : [],
    ),
    of: positive.filter((is) => is === malignant).length,
  }));
  return { kinds, malignancy: values };
}

/** In one sentence. */
export function flaggedText({ kinds: [found, , alarms] }: Flagged): string {
  return `it finds ${found!.images.length} of ${found!.of} malignant lesions, and raises ${alarms!.images.length} false ${alarms!.images.length === 1 ? 'alarm' : 'alarms'} among ${alarms!.of} benign ones`;
}

/** @param samples those of the predictions, by id */
export async function heldoutPage(
  predictions: Evaluated,
  flagged: Flagged,
  samples: ReadonlyMap<string, Sample>,
  {
    names,
    threshold,
    summary,
  }: { names: readonly string[]; threshold: number; summary: readonly string[] },
): Promise<string> {
  const figure = async (i: number): Promise<string> => {
    const { data, width, height } = prepare(await samples.get(predictions.ids[i]!)!.load(), PIXELS);
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 85 })
      .toBuffer();
    const row = predictions.probabilities[i]!;
    const likeliest = names[row.indexOf(Math.max(...row))]!;
    const truth = names[predictions.labels[i]!]!;
    const malignant = `${Math.round(100 * flagged.malignancy[i]!)} %`;
    return `<figure><img src="data:image/jpeg;base64,${jpeg.toString('base64')}" width="${PIXELS}" height="${PIXELS}" alt="A lesion labelled ${escapeHtml(truth)}"><figcaption>It is <b>${escapeHtml(truth)}</b>.<br>The model says <b>${escapeHtml(likeliest)}</b>,<br>malignant to ${malignant}.</figcaption></figure>`;
  };
  const sections = await Promise.all(
    KINDS.map(async ({ title, right }, k) => {
      const { images, of } = flagged.kinds[k]!;
      const shown = spread(images);
      const figures = await Promise.all(shown.map(figure));
      return `<section class="${right ? 'right' : 'wrong'}"><h2>${right ? '✓' : '✗'} ${title}: ${images.length} of ${of}</h2>${figures.length > 0 ? `<div>${figures.join('')}</div>` : '<p>None.</p>'}${images.length > shown.length ? `<p>${shown.length} of them, taken evenly.</p>` : ''}</section>`;
    }),
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Lentigo demo: held-out lesions</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; line-height: 1.3 } h2 { font-size: 1.1rem; margin: 0 0 .75rem }
section { border-left: .35rem solid; padding: .25rem 0 .25rem 1rem; margin: 1.5rem 0 }
.right { border-color: #2b8a3e } .wrong { border-color: #c92a2a }
section > div { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; width: ${PIXELS}px } img { display: block; border-radius: .5rem }
figcaption { font-size: .85rem; margin-top: .4rem }
</style>
<h1>Lesions that no clinic trained on, and what the study's best model says of them</h1>
${summary.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}
<p>A lesion is flagged when its malignant diagnoses together reach a probability of ${(100 * threshold).toFixed(1)} %: the threshold that serves best on the coordinator's validation images. A lower one would miss fewer malignant lesions, and raise more false alarms.</p>
${sections.join('\n')}
<p><b>For research use only. Lentigo is not a medical device, and its predictions are not a diagnosis.</b></p>
`;
}

/** At most SHOWN of them, at even distances. */
const spread = (images: readonly number[]): number[] =>
  images.length <= SHOWN
    ? [...images]
    : Array.from({ length: SHOWN }, (_, k) => images[Math.floor((k * images.length) / SHOWN)]!);
