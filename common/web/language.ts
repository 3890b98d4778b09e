// The languages of the two pages, and which of them the browser's user reads.

/** By BCP 47 tag, each under its own name. */
export const LANGUAGES = {
  en: 'English',
  'pt-BR': 'Português (Brasil)',
  es: 'Español',
  de: 'Deutsch',
} as const;
export type Language = keyof typeof LANGUAGES;

const primary = (tag: string): string => tag.toLowerCase().split('-', 1)[0]!;

/**
 * The first language that the user prefers and the pages have, whatever the region (`pt-PT` reads
 * `pt-BR`); English if there is none.
 *
 * @param preferred BCP 47 tags, the most preferred first, as `navigator.languages` has them
 */
export function languageOf(preferred: readonly string[]): Language {
  const known = Object.keys(LANGUAGES) as Language[];
  for (const tag of preferred) {
    const found = known.find((language) => primary(language) === primary(tag));
    if (found) return found;
  }
  return 'en';
}

/** The language of this page; English outside a page. */
export const LANGUAGE: Language =
  typeof document === 'undefined' ? 'en' : languageOf(navigator.languages);
