// All that the console says, in the language that the browser's user reads.
import { LANGUAGE } from '../../../common/web/language.js';
import { en, type Strings } from './en.js';

const LANGUAGES: Readonly<Record<typeof LANGUAGE, Strings>> = {
  en,
  'pt-BR': en,
  es: en,
  de: en,
};

export const strings = LANGUAGES[LANGUAGE];
