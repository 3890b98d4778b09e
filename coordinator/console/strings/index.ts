// All that the console says, in the language that the browser's user reads.
import { type Language, LANGUAGE } from '../../../common/web/language.js';
import { de } from './de.js';
import { en, type Strings } from './en.js';
import { es } from './es.js';
import { ptBr } from './pt-br.js';

export const STRINGS: Readonly<Record<Language, Strings>> = { en, 'pt-BR': ptBr, es, de };

export const strings = STRINGS[LANGUAGE];
