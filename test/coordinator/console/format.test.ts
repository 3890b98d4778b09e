import { describe, expect, it } from 'vitest';
import {
  bytesText,
  durationText,
  enteredNumber,
  sinceText,
} from '../../../coordinator/console/format.js';
import { scaleOf, wholeTicks } from '../../../coordinator/console/study/axis.js';
import { detailText, sentenceOf } from '../../../coordinator/console/study/feed-text.js';
import { trainedWords } from '../../../coordinator/console/trained.js';
import { StudyConfig } from '../../../common/protocol/study.js';

describe('what people read', () => {
  it('has durations in seconds, minutes, hours and days', () => {
    const texts = [0, 45, 119.6, 120, 3599, 3600, 9000, 90_000, 260_000].map(durationText);
    expect(texts.map((text) => text.replaceAll('\u00a0', ' '))).toEqual([
      '0 secs',
      '45 secs',
      '2 mins',
      '2 mins',
      '1 hr',
      '1 hr',
      '2 hrs 30 mins',
      '25 hrs',
      '3 days',
    ]);
  });

  it('has the date of what was not today', () => {
    const now = new Date(2026, 10, 24, 12).getTime();
    expect(sinceText(new Date(2026, 10, 24, 9, 5).getTime(), now)).toBe('09:05');
    expect(sinceText(new Date(2026, 10, 23, 9, 5).getTime(), now)).toBe('23 Nov, 09:05');
  });

  it('has no more digits of bytes than anybody asks for', () => {
    expect([0, 999, 1000, 1_062_400, 64_900_000, 251_000_000].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.1 MB',
      '64.9 MB',
      '251 MB',
    ]);
  });

  it('says in words which part of a model is trained', () => {
    const blocks = [...Array.from({ length: 9 }, (_, i) => `features.${i}`), 'classifier'];
    expect(trainedWords(blocks, 'features.6')).toBe('the last 3 blocks and the classifier');
    expect(trainedWords(blocks, 'features.8')).toBe('the last block and the classifier');
    expect(trainedWords(blocks, 'classifier')).toBe('only the classifier');
    expect(trainedWords(blocks, 'features.0')).toBe('everything');
    expect(trainedWords(blocks, 'features.9')).toBeNull();
  });
});

describe('a number that a person writes', () => {
  it.each([
    ['1.5', 1.5],
    ['1,5', 1.5],
    ['-3', -3],
    ['−3', -3],
    ['1e-3', 0.001],
    ['1,5E-4', 0.00015],
    ['0.001', 0.001],
    ['0,001', 0.001],
    ['.5', 0.5],
    [' 12 ', 12],
    ['1000', 1000],
    ['1.000', 1],
    ['1,0000', 1],
  ])('%s is %d', (text, number) => expect(enteredNumber(text, '.')).toBe(number));

  it.each(['', '-', 'e', '1e', '1,000', '1,000.5', '1.2.3', '0x10', '12 34', '5s', '1e999', 'NaN'])(
    '%s is none',
    (text) => expect(enteredNumber(text, '.')).toBeNull(),
  );

  it('has no thousands in a language with a decimal comma', () => {
    expect([enteredNumber('1.000', ','), enteredNumber('1,125', ',')]).toEqual([null, 1.125]);
  });
});

describe('the axis of scores', () => {
  it('is zoomed to the data, with ticks at round numbers', () => {
    expect(scaleOf([0.61, 0.62, 0.63], [0.55, 0.7])).toEqual({
      low: 0.55,
      high: 0.7,
      ticks: [0.55, 0.6, 0.65, 0.7],
      digits: 2,
    });
    expect(scaleOf([0.3, 0.68], [0.2, 0.8])).toMatchObject({ low: 0.2, high: 0.8 });
  });

  it('holds every value and stays between 0 and 1', () => {
    for (const values of [[0], [1], [0, 1], [0.999], [0.5, 0.5], [null], []]) {
      const { low, high, ticks } = scaleOf(values, [0, 1]);
      expect([low >= 0, high <= 1, low < high]).toEqual([true, true, true]);
      for (const value of values)
        if (value !== null) expect([low <= value, value <= high]).toEqual([true, true]);
      expect(ticks.length).toBeLessThanOrEqual(7);
      expect([ticks[0], ticks.at(-1)]).toEqual([low, high]);
    }
  });

  it('of rounds has whole numbers', () => {
    expect(wholeTicks(1)).toEqual([0, 1]);
    expect(wholeTicks(3)).toEqual([0, 1, 2, 3]);
    expect(wholeTicks(12)).toEqual([0, 2, 4, 6, 8, 10, 12]);
    expect(wholeTicks(500).at(-1)).toBe(500);
    for (const last of [1, 7, 23, 99, 1234]) {
      expect(wholeTicks(last).every(Number.isInteger)).toBe(true);
      expect(wholeTicks(last).length).toBeLessThanOrEqual(12);
    }
  });
});

describe('the audit log', () => {
  it('shows nothing where an entry has no details, and words where it has', () => {
    expect(detailText(null)).toBe('');
    expect(detailText({ round: 3, code: null, cohort: ['a', 'b'] })).toBe(
      'round: 3; cohort: ["a","b"]',
    );
    const study = {
      clinics: [],
      rounds: [],
      config: StudyConfig.parse({ name: 's', model: 'm', evaluation: { data: 'd' } }),
    };
    const entry = { seq: 1, at: 0, actor: 'coordinator', hash: '', detail: null };
    for (const action of ['start', 'pause', 'resume', 'stop', 'plan'])
      expect(sentenceOf({ ...entry, action }, study)?.text).toMatch(/study|round/);
  });
});
