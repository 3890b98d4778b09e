// study.yaml: what is valid, which defaults apply, and that every mistake is named with its line.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LentigoError } from '../../../common/errors.js';
import { parseStudyYaml } from '../../../common/protocol/study.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const MINIMAL = 'name: Pilot\nmodel: start\nevaluation:\n  data: images\n';
const mistakesIn = (text: string): string => {
  try {
    parseStudyYaml(text);
  } catch (thrown) {
    if (thrown instanceof LentigoError && thrown.code === 'LENTIGO_STUDY_INVALID')
      return thrown.message;
    throw thrown;
  }
  throw new Error('it was accepted');
};

describe('study.yaml', () => {
  it('needs a name, a model and evaluation data; the rest has defaults', () => {
    const study = parseStudyYaml(MINIMAL);
    expect(study).toMatchObject({
      rounds: 10,
      seed: 1,
      privacy: 'sealed',
      cohort: { minimum: 2, quorum: 2 },
      updates: { encoding: 'int8' },
      evaluation: { select: 'balancedAccuracy' },
    });
    expect(study.training).toMatchObject({
      trainFrom: 'features.6',
      optimiser: 'adamw',
      focalGamma: 2,
    });
  });
  it("accepts the README's example", async () => {
    const readme = await readFile(join(PACKAGE_ROOT, 'README.md'), 'utf8');
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1];
    expect(parseStudyYaml(yaml ?? '').name).toBe('Two-clinic pilot');
  });
  it.each([
    ['an unknown field', `${MINIMAL}rouns: 3\n`, 'study.yaml:5: rouns: no such field'],
    [
      'an unknown field inside',
      'name: a\nmodel: b\ntraining:\n  epochs: 2\n  lerningRate: 1\nevaluation: { data: d }',
      'study.yaml:5: training.lerningRate: no such field',
    ],
    [
      'a value out of bounds',
      'name: a\nmodel: b\ntraining:\n  epochs: 0\nevaluation: { data: d }',
      'study.yaml:4: training.epochs: must be at least 1',
    ],
    [
      'a value of another kind',
      `${MINIMAL}rounds: many\n`,
      'study.yaml:5: rounds: must be a number',
    ],
    [
      'a value that is none of the choices',
      `${MINIMAL}privacy: none\n`,
      'study.yaml:5: privacy: must be',
    ],
    ['a missing field', 'name: a\nmodel: b\n', 'study.yaml: evaluation: is missing'],
    [
      'a quorum larger than the cohort',
      `${MINIMAL}cohort:\n  minimum: 2\n  quorum: 3\n`,
      "study.yaml:7: cohort.quorum: the quorum can't be larger",
    ],
    [
      'bounds that exclude everything',
      `${MINIMAL}updates: { minSamples: 9, maxSamples: 8 }\n`,
      "minSamples can't be larger",
    ],
    ['text that is no YAML', 'name: "a\nmodel: b\n', 'study.yaml:'],
    ['an empty file', '', 'name: is missing'],
    ['an empty name', MINIMAL.replace(/name: .*/, 'name: ""'), 'name: must not be empty'],
    ['a photograph', '\u0000\u0001JFIF', 'study.yaml: is no text'],
    ['a list', '- a\n- b\n', 'study: must be a group of settings'],
  ])('names %s with its line', (_, text, message) => {
    expect(mistakesIn(text)).toContain(message);
  });
  it('names every mistake at once', () => {
    expect(mistakesIn(`${MINIMAL}rounds: 0\nseed: -1\n`).split('\n')).toHaveLength(2);
  });
});
