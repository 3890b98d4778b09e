import { expect, it } from 'vitest';
import { languageOf } from '../../../common/web/language.js';

it.each([
  [['de-AT', 'en'], 'de'],
  [['pt-PT'], 'pt-BR'],
  [['fr', 'es-419', 'de'], 'es'],
  [['ES'], 'es'],
  [['est', 'dev'], 'en'],
  [[], 'en'],
])('a user who prefers %j reads %s', (preferred, language) => {
  expect(languageOf(preferred)).toBe(language);
});
