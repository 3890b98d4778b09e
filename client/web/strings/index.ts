// The texts of the clinic's app, in the language that its user reads.
import type { ErrorBody } from '../../../common/errors.js';
import { LANGUAGE, type Language } from '../../../common/web/language.js';
import { en, type Strings } from './en.js';

/** Each language is a file of its own, which a browser loads only to read it. */
export const LANGUAGE_FILES: Readonly<Record<Language, () => Promise<Strings>>> = {
  en: async () => en,
  'pt-BR': async () => (await import('./pt-br.js')).ptBr,
  es: async () => (await import('./es.js')).es,
  de: async () => (await import('./de.js')).de,
};

export const STRINGS = await LANGUAGE_FILES[LANGUAGE]();

export const diagnosisName = (label: string): string => STRINGS.diagnoses[label] ?? label;
/** With the study's own label beside it, if that differs. */
export const diagnosisChoice = (label: string): string =>
  diagnosisName(label).toLowerCase() === label.toLowerCase()
    ? diagnosisName(label)
    : `${diagnosisName(label)} (${label})`;

/** What a person reads of an error: in English its own words, else those of its code. */
export function errorTexts({ code, message, remedy }: ErrorBody): {
  readonly happened: string;
  readonly remedy: string;
  /** The error's own words where they are not shown already. */
  readonly exact?: string;
} {
  const means = STRINGS.means[code];
  return {
    happened: means ?? message,
    remedy: STRINGS.remedies[code] ?? remedy,
    ...(means !== undefined && { exact: message }),
  };
}
