// One archive → the shares of virtual clinics: alike (IID), or each with a mix of diagnoses of its
// own (Dirichlet). Patients stay whole.
import { partitionByPatient } from '../common/dataset/partition.js';
import { allocateTowards, type PatientRow } from '../common/dataset/split.js';
import { LentigoError } from '../common/errors.js';
import type { Random } from '../common/random.js';

/**
 * log of a Gamma(shape, 1) variate (Marsaglia & Tsang 2000; shapes below 1 by their boost, in
 * logarithms so that tiny shapes don't underflow).
 */
function logGamma(shape: number, random: Random): number {
  if (shape < 1) return logGamma(shape + 1, random) + Math.log(1 - random.uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v))
      return Math.log(d * v);
  }
}

/**
 * n shares that sum to 1, from the symmetric Dirichlet distribution: nearly even where alpha is
 * large, one of them nearly 1 where it is small.
 */
export function dirichlet(alpha: number, n: number, random: Random): number[] {
  const logs = Array.from({ length: n }, () => logGamma(alpha, random));
  const largest = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/**
 * Divides samples among clinics with label skew: for each diagnosis, the clinics' shares of its
 * images are drawn from Dirichlet(alpha), so that
 * clinics differ in mix and in size. (Hsu et al. 2019 introduced the Dirichlet split, over each
 * client's classes and with clients of equal size;
 * drawn for each class over the clients, as by Yurochkin et al. 2019, no image is left over.)
 *
 * Patients stay whole: rarest diagnosis first, each goes to the clinic that still lacks most images
 * of the diagnoses it brings, weighted by how
 * many it brings of each. So a patient with several diagnoses follows most of all the one with most
 * images, and where patients are large the shares are
 * met only about. A clinic that came out empty gets the smallest patient of the largest clinic.
 * @returns one list a clinic, in the samples' order; together they hold every sample once
 * @throws LENTIGO_DATA_EMPTY there are fewer patients than clinics
 */
export function partitionByDirichlet<T extends PatientRow>(
  samples: readonly T[],
  clinics: number,
  alpha: number,
  random: Random,
): T[][] {
  const patients = new Set(samples.map((s) => s.patient));
  if (patients.size < clinics)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${patients.size} patients can't be divided among ${clinics} clinics`,
    );
  const targets = Array.from({ length: clinics }, () => new Map<string, number>());
  for (const label of [...new Set(samples.map((s) => s.label))].sort()) {
    const images = samples.filter((s) => s.label === label).length;
    for (const [k, share] of dirichlet(alpha, clinics, random.fork('shares', label)).entries())
      targets[k]!.set(label, share * images);
  }
  const total = (byLabel: ReadonlyMap<string, number>) =>
    [...byLabel.values()].reduce((a, b) => a + b, 0);
  const clinicOf = allocateTowards(
    samples,
    targets.map((byLabel) => ({ images: total(byLabel), byLabel })),
    random.fork('patients'),
  );
  const shares = () => targets.map((_, k) => samples.filter((s) => clinicOf.get(s.patient) === k));
  for (
    let empty = shares().findIndex((s) => s.length === 0);
    empty >= 0;
    empty = shares().findIndex((s) => s.length === 0)
  ) {
    clinicOf.set(smallestPatient(shares()), empty);
  }
  return shares();
}

/**
 * The patient with the fewest images in the largest share that has two patients or more; among
 * equals, the first by name.
 */
function smallestPatient(shares: readonly (readonly PatientRow[])[]): string {
  const several = shares.filter((share) => share.some((s) => s.patient !== share[0]!.patient));
  const largest = several.reduce((a, b) => (b.length > a.length ? b : a));
  const images = new Map<string, number>();
  for (const { patient } of largest) images.set(patient, (images.get(patient) ?? 0) + 1);
  return [...images].sort(([a, n], [b, m]) => n - m || (a < b ? -1 : 1))[0]![0];
}

/**
 * The training samples of each clinic: IID as `DIR?clinics=…` divides them, or by Dirichlet(alpha).
 */
export const partition = <T extends PatientRow>(
  samples: readonly T[],
  { clinics, alpha, seed }: { clinics: number; alpha?: number | undefined; seed: Random },
): T[][] =>
  alpha === undefined
    ? partitionByPatient(samples, clinics, seed.fork('clinics'))
    : partitionByDirichlet(samples, clinics, alpha, seed.fork('clinics'));
