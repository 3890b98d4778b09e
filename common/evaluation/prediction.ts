// What a model says of one picture, in words: the row of probabilities with its labels.
import type { LabelSet } from '../model/labels.js';

export interface Prediction {
  /** The picture's name, as it was given. */
  readonly image: string;
  /** The most likely label. */
  readonly label: string;
  /** The summed probability of the malignant classes, 0–1. */
  readonly malignancy: number;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** One image's row of probabilities, named. @param row in the order of the labels */
export function predictionOf(
  image: string,
  row: readonly number[],
  { names, malignant }: LabelSet,
): Prediction {
  return {
    image,
    label: names[row.indexOf(Math.max(...row))]!,
    malignancy: row.reduce((sum, p, c) => sum + (malignant.includes(names[c]!) ? p : 0), 0),
    probabilities: Object.fromEntries(names.map((name, c) => [name, row[c]!])),
  };
}
