// The texts of the clinic's app, in the language that its user reads.
import { en } from './en.js';

export const STRINGS = en;

export const diagnosisName = (label: string): string => STRINGS.diagnoses[label] ?? label;
/** With the study's own label beside it, if that differs. */
export const diagnosisChoice = (label: string): string =>
  diagnosisName(label).toLowerCase() === label.toLowerCase()
    ? diagnosisName(label)
    : `${diagnosisName(label)} (${label})`;
