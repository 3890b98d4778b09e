// Every language says everything that English says, with the same numbers and names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { en, type Strings } from '../../../client/web/strings/en.js';
import { LANGUAGE_FILES } from '../../../client/web/strings/index.js';
import { ERRORS } from '../../../common/errors.js';
import { LANGUAGES, type Language } from '../../../common/web/language.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';
import { ownWords, textsOf } from '../../support/texts.js';

/** Marks by which an argument is found in a text; each is a list too, for those that join one. */
const MARKS = Array.from({ length: 4 }, (_, i) => [`§${i}`, `¶${i}`]);
const marksIn = (text: string): string[] => MARKS.flat().filter((mark) => text.includes(mark));

/** By code: English has an error's own words. */
const isOfError = (path: string) => /^(means|remedies)\./.test(path);
const english = textsOf(en, MARKS);

/** Codes that the app can meet, as its own code and what it runs name them. */
function codesOf(...folders: readonly string[]): Set<string> {
  const codes = new Set<string>();
  for (const folder of folders)
    for (const file of readdirSync(join(PACKAGE_ROOT, folder), {
      recursive: true,
      encoding: 'utf8',
    }))
      if (/\.tsx?$/.test(file) && !file.includes('strings'))
        for (const [code] of readFileSync(join(PACKAGE_ROOT, folder, file), 'utf8').matchAll(
          /LENTIGO_[A-Z_]+[A-Z]/g,
        ))
          if (code in ERRORS) codes.add(code);
  return codes;
}

describe.each(Object.keys(LANGUAGES) as Language[])('the app in %s', (language) => {
  let strings: Strings;
  let texts: Map<string, string>;
  beforeAll(async () => {
    strings = await LANGUAGE_FILES[language]();
    texts = textsOf(strings, MARKS);
  });
  const plain = (all: Map<string, string>) =>
    [...all].filter(([path]) => !isOfError(path)).toSorted(([a], [b]) => (a < b ? -1 : 1));

  it('says everything, and nothing more', () => {
    expect(plain(texts).map(([path]) => path)).toEqual(plain(english).map(([path]) => path));
    expect([...texts].filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  it('leaves out no number and no name', () => {
    for (const [path, text] of plain(texts))
      expect([path, marksIn(text)]).toEqual([path, marksIn(english.get(path)!)]);
  });

  it('counts one and many in its own words', () => {
    const { photographs, collect } = strings;
    for (const n of [1, 2, 1000]) {
      expect(photographs(n)).toMatch(/^[\d.,\s]+ \p{L}+$/u);
      expect(collect.imported.known(n)).toContain(photographs(n));
    }
    expect(photographs(1)).not.toBe(photographs(2).replace('2', '1'));
  });

  it.skipIf(language === 'en')('leaves no sentence in English', () => {
    const left = [...texts].filter(
      ([path, text]) => text === english.get(path) && /\p{L} \p{L}/u.test(text),
    );
    expect(left).toEqual([]);
  });

  it.skipIf(language === 'en')(
    'says of every error that a clinic can meet what happened and what to do',
    () => {
      const codes = [
        ...codesOf(
          'client/web',
          'client/participation',
          'common/images',
          'coordinator/gateway',
          'coordinator/access',
        ),
      ].filter((code) => code !== 'LENTIGO_ADMIN_TOKEN' && code !== 'LENTIGO_PROXY');
      expect(codes.length).toBeGreaterThan(30);
      const silent = codes.filter((code) => !(code in strings.means && code in strings.remedies));
      expect(silent).toEqual([]);
    },
  );
});

it('no page of the app says a word of its own', () => {
  const words = ownWords('client/web');
  expect(Object.keys(words).length).toBeGreaterThan(0);
  for (const [file, own] of Object.entries(words)) expect(own, file).toEqual([]);
});
