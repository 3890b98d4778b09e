// Clinical metadata of synthetic patients, in PAD-UFES-20's columns: values that depend on the
// diagnosis, with gaps.
import type { Random } from '../../random.js';
import type { Clinical } from '../sample.js';

/**
 * Mean age, mean diameter in millimetres, and the probability that the patient reports itching,
 * growth, pain, change, bleeding, elevation.
 */
const TYPICAL: Readonly<
  Record<string, readonly [age: number, diameter: number, ...answers: number[]]>
> = {
  ACK: [65, 8, 0.6, 0.3, 0.15, 0.1, 0.05, 0.4],
  BCC: [66, 11, 0.7, 0.7, 0.25, 0.15, 0.55, 0.8],
  MEL: [60, 13, 0.4, 0.8, 0.15, 0.7, 0.2, 0.6],
  NEV: [35, 5, 0.15, 0.15, 0.05, 0.1, 0.02, 0.4],
  SCC: [70, 14, 0.7, 0.8, 0.55, 0.2, 0.5, 0.85],
  SEK: [63, 10, 0.35, 0.3, 0.05, 0.1, 0.03, 0.8],
};
const QUESTIONS = ['itch', 'grew', 'hurt', 'changed', 'bleed', 'elevation'] as const;
const REGIONS = ['FACE', 'BACK', 'FOREARM', 'CHEST', 'ARM', 'NOSE', 'NECK', 'HAND'] as const;
const BACKGROUNDS = ['POMERANIA', 'GERMANY', 'ITALY', 'BRAZIL', 'PORTUGAL', 'UNK'] as const;
const YES_OR_NO = [
  'smoke',
  'drink',
  'pesticide',
  'skin_cancer_history',
  'cancer_history',
  'has_piped_water',
  'has_sewage_system',
] as const;
/** Share of the patients of whom only age, region and the lesion's signs are recorded. */
const UNASKED = 0.3;

const yesOrNo = (random: Random, p: number): string => (random.chance(p) ? 'True' : 'False');

/**
 * Draws a record.
 * @param patient random stream, the same for all lesions of one person
 * @param lesion random stream of this lesion
 */
export function drawClinical(
  label: string,
  fitspatrick: number,
  patient: Random,
  lesion: Random,
): Clinical {
  const [age, diameter, ...answers] = TYPICAL[label]!;
  const asked = !patient.chance(UNASKED);
  const known = <T>(value: T): T | undefined => (asked ? value : undefined);
  const signs = QUESTIONS.map((question, q) => [
    question,
    lesion.chance(0.05) ? 'UNK' : yesOrNo(lesion, answers[q]!),
  ]);
  return {
    age: Math.round(Math.min(95, Math.max(8, patient.normal(0, 10) + age))),
    gender: known(patient.pick(['FEMALE', 'MALE'])),
    background_father: known(patient.pick(BACKGROUNDS)),
    background_mother: known(patient.pick(BACKGROUNDS)),
    ...Object.fromEntries(YES_OR_NO.map((column) => [column, known(yesOrNo(patient, 0.4))])),
    fitspatrick: known(fitspatrick),
    diameter_1: known(Math.max(1, Math.round(lesion.normal(diameter, diameter / 3)))),
    diameter_2: known(Math.max(1, Math.round(lesion.normal(diameter * 0.8, diameter / 3)))),
    region: lesion.pick(REGIONS),
    ...Object.fromEntries(signs),
  };
}
