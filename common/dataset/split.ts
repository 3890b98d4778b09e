// Divides patients, never images, into groups with about the same mix of diagnoses: for
// train/validation/held-out, and for clinics.
import type { Random } from '../random.js';
import { SPLITS, type Split } from './sample.js';

export interface PatientRow {
  readonly patient: string;
  readonly label: string;
}

/** Shares of the images, for archives without a split of their own. */
export const DEFAULT_FRACTIONS: Readonly<Record<Split, number>> = {
  train: 0.6,
  validation: 0.2,
  heldout: 0.2,
};

function count<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/**
 * Assigns each patient to one of `fractions.length` groups, so that group g gets about fractions[g]
 * of the images of every diagnosis: iterative stratification (Sechidis et al. 2011), rarest
 * diagnosis first, each patient to the group that most lacks the patient's diagnoses.
 * @param fractions positive, summing to 1
 * @returns patient → group
 */
export function allocatePatients(
  rows: readonly PatientRow[],
  fractions: readonly number[],
  random: Random,
): Map<string, number> {
  const images = count(rows.map((row) => row.label));
  return allocateTowards(
    rows,
    fractions.map((fraction) => ({
      images: fraction * rows.length,
      byLabel: new Map([...images].map(([label, n]) => [label, fraction * n])),
    })),
    random,
  );
}

/** Target of a group: its number of images in all, and of every diagnosis. */
export interface GroupTarget {
  readonly images: number;
  readonly byLabel: ReadonlyMap<string, number>;
}

/**
 * Like `allocatePatients`, towards arbitrary targets, which need not have the same mix. Together
 * the targets are all images.
 */
export function allocateTowards(
  rows: readonly PatientRow[],
  targets: readonly GroupTarget[],
  random: Random,
): Map<string, number> {
  const patients = new Map<string, string[]>();
  for (const { patient, label } of rows) {
    const labels = patients.get(patient);
    if (labels === undefined) patients.set(patient, [label]);
    else labels.push(label);
  }
  const images = count(rows.map((row) => row.label));
  const order = random
    .shuffle([...patients].sort(([a], [b]) => (a < b ? -1 : 1)))
    .map(([patient, labels]) => ({
      patient,
      labels: [...count(labels)],
      rarest: Math.min(...labels.map((label) => images.get(label)!)),
      size: labels.length,
    }))
    .sort((a, b) => a.rarest - b.rarest || b.size - a.size);

  const lacking = targets.map((target) => ({
    images: target.images,
    byLabel: new Map(target.byLabel),
  }));
  const groups = new Map<string, number>();
  for (const { patient, labels, size } of order) {
    let best = 0;
    let bestLack = -Infinity;
    for (const [g, lack] of lacking.entries()) {
      // The group's need of the patient's diagnoses decides; its need of images in all settles near
      // ties.
      const want =
        labels.reduce((sum, [label, n]) => sum + (n / size) * lack.byLabel.get(label)!, 0) +
        0.2 * Math.sign(lack.images) * Math.min(1, Math.abs(lack.images)) +
        1e-6 * lack.images;
      if (want > bestLack) [best, bestLack] = [g, want];
    }
    groups.set(patient, best);
    const lack = lacking[best]!;
    lack.images -= size;
    for (const [label, n] of labels) lack.byLabel.set(label, lack.byLabel.get(label)! - n);
  }
  return groups;
}

/** Shares where only a part is kept for evaluation, and nothing has to be chosen on validation. */
export const keeping = (evaluationShare: number): Readonly<Record<Split, number>> => ({
  train: 1 - evaluationShare,
  validation: 0,
  heldout: evaluationShare,
});

/**
 * A split for every patient, stratified on diagnosis. The same rows (in any order) and seed give
 * the same split.
 */
export function splitByPatient(
  rows: readonly PatientRow[],
  fractions: Readonly<Record<Split, number>>,
  random: Random,
): Map<string, Split> {
  const splits = SPLITS.filter((split) => fractions[split] > 0);
  const groups = allocatePatients(
    rows,
    splits.map((split) => fractions[split]),
    random,
  );
  return new Map([...groups].map(([patient, group]) => [patient, splits[group]!]));
}
