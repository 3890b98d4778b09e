// Every language says everything that English says, and with the same numbers and names.
import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '../../../common/web/language.js';
import { en } from '../../../coordinator/console/strings/en.js';
import { STRINGS } from '../../../coordinator/console/strings/index.js';
import { ownWords, textsOf } from '../../support/texts.js';

/** Marks by which an argument is found in what a text makes of it. */
const MARKS = Array.from({ length: 6 }, (_, i) => `§${i}`);

const english = textsOf(en, MARKS);
const marksIn = (text: string): string[] => MARKS.filter((mark) => text.includes(mark));

/** The same in every language: names of programs and files, and what has no words of its own. */
const ALIKE = new Set(['create.model.describe()']);

describe.each(Object.entries(STRINGS))('the console in %s', (language, strings) => {
  const texts = textsOf(strings, MARKS);

  it('says everything', () => {
    expect([...texts.keys()].toSorted()).toEqual([...english.keys()].toSorted());
    for (const [path, text] of texts)
      expect([path, text.trim() === '']).toEqual([path, english.get(path)!.trim() === '']);
  });

  it('leaves out no number and no name', () => {
    for (const [path, text] of texts)
      expect([path, marksIn(text)]).toEqual([path, marksIn(english.get(path)!)]);
  });

  it.skipIf(language === 'en')('leaves no sentence in English', () => {
    const left = [...texts].filter(
      ([path, text]) => !ALIKE.has(path) && text === english.get(path) && /\p{L} \p{L}/u.test(text),
    );
    expect(left).toEqual([]);
  });
});

it('the console speaks every language that the pages have', () => {
  expect(Object.keys(STRINGS)).toEqual(Object.keys(LANGUAGES));
});

it('no page says a word of its own', () => {
  const words = ownWords('coordinator/console');
  expect(Object.keys(words).length).toBeGreaterThan(0);
  for (const [file, own] of Object.entries(words)) expect(own, file).toEqual([]);
});
