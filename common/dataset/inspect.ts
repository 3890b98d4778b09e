// Inspects a dataset: counts to check before training on it.
import { imageError } from '../images/image-error.js';
import { MALIGNANCY } from './diagnoses.js';
import { SPLITS, type DataProblem, type Dataset, type Sample, type Split } from './sample.js';

export interface Inspection {
  readonly name: string;
  readonly samples: number;
  readonly patients: number;
  /** Number of samples by class, and by class and split. */
  readonly byClass: Readonly<Record<string, number>>;
  readonly bySplit: Readonly<Record<string, Readonly<Record<Split, number>>>>;
  readonly patientsByClass: Readonly<Record<string, number>>;
  readonly patientsBySplit: Readonly<Record<Split, number>>;
  /** By Fitzpatrick types 1–6 and "unknown". */
  readonly byFitzpatrick: Readonly<Record<string, number>>;
  readonly problems: readonly DataProblem[];
  /** What to know before comparing it with another archive. */
  readonly note: string;
  /** Number of images left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** What reading the data noticed and did not refuse. */
  readonly notes: readonly string[];
}

const patientsOf = (samples: readonly Sample[]): number =>
  new Set(samples.map((sample) => sample.patient)).size;

/**
 * Counts a dataset's samples. Classes are in alphabetical order; Fitzpatrick types without samples
 * count 0.
 */
export function countSamples({
  name,
  samples,
  problems,
  leftOut = {},
  notes = [],
}: Dataset): Inspection {
  const classes = [...new Set(samples.map((sample) => sample.label))].sort();
  const ofClass = (label: string): Sample[] => samples.filter((sample) => sample.label === label);
  const perClass = <T>(value: (among: readonly Sample[]) => T): Record<string, T> =>
    Object.fromEntries(classes.map((label) => [label, value(ofClass(label))]));
  const perSplit = (
    among: readonly Sample[],
    count: (of: readonly Sample[]) => number,
  ): Record<Split, number> =>
    Object.fromEntries(
      SPLITS.map((split) => [split, count(among.filter((sample) => sample.split === split))]),
    ) as Record<Split, number>;
  const images = (among: readonly Sample[]): number => among.length;
  return {
    name,
    samples: samples.length,
    patients: patientsOf(samples),
    byClass: perClass(images),
    bySplit: perClass((among) => perSplit(among, images)),
    patientsByClass: perClass(patientsOf),
    patientsBySplit: perSplit(samples, patientsOf),
    byFitzpatrick: Object.fromEntries(
      [1, 2, 3, 4, 5, 6, undefined].map((type) => [
        type ?? 'unknown',
        samples.filter((sample) => sample.fitzpatrick === type).length,
      ]),
    ),
    problems,
    note: MALIGNANCY,
    leftOut,
    notes,
  };
}

/**
 * Decodes every sample, one after the other, and counts the usable ones; the others are added to
 * the problems.
 * @param progress called after each sample with the number done
 */
export async function inspectDataset(
  dataset: Dataset,
  progress?: (done: number, of: number) => void,
): Promise<Inspection> {
  const usable: Sample[] = [];
  const problems = [...dataset.problems];
  for (const [i, sample] of dataset.samples.entries()) {
    try {
      await sample.load();
      usable.push(sample);
    } catch (error) {
      problems.push({ id: sample.id, ...imageError(error) });
    }
    progress?.(i + 1, dataset.samples.length);
  }
  return countSamples({ ...dataset, samples: usable, problems });
}
