// Divides an archive among several clinics, as if each had treated its own patients.
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { allocatePatients, type PatientRow } from './split.js';

/**
 * Divides samples among clinics, IID: whole patients, each clinic with about the same number of
 * images and the same mix of diagnoses.
 * @returns one list per clinic, in the samples' order; together they contain every sample once
 * @throws LENTIGO_DATA_EMPTY when there are fewer patients than clinics
 */
export function partitionByPatient<T extends PatientRow>(
  samples: readonly T[],
  clinics: number,
  random: Random,
): T[][] {
  const groups = allocatePatients(
    samples,
    Array.from({ length: clinics }, () => 1 / clinics),
    random,
  );
  if (groups.size < clinics)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${groups.size} patients can't be divided among ${clinics} clinics`,
    );
  const shares = Array.from({ length: clinics }, (): T[] => []);
  for (const sample of samples) shares[groups.get(sample.patient)!]!.push(sample);
  return shares;
}
