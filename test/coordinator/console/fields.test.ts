// The form of a new study, as it is read off a schema: sections within sections, choices between
// shapes, and what is entered back as study.yaml says it.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StudyConfig } from '../../../common/protocol/study.js';
import { Registry } from '../../../common/registry.js';
import { en } from '../../../coordinator/console/strings/en.js';
import {
  fieldsOf,
  mistakes,
  nested,
  shownFields,
  standardValues,
  type Values,
  withEntry,
} from '../../../coordinator/console/create/fields.js';

const pathsOf = (schema: z.ZodType): string[] => fieldsOf(schema).map(({ path }) => path);

/** The form after these entries, in their order. */
function filled(schema: z.ZodType, entries: Values) {
  const fields = fieldsOf(schema);
  let values = standardValues(fields);
  for (const [path, value] of Object.entries(entries))
    values = withEntry(fields, values, path, value);
  return {
    shown: shownFields(fields, values).map(({ path }) => path),
    values,
    study: nested(fields, values),
    mistakes: mistakes(schema, fields, values, { ...en.create, required: 'needed' }),
  };
}

const Levels = z.strictObject({
  name: z.string().min(1),
  training: z
    .strictObject({
      epochs: z.int().min(1).max(9).default(2),
      schedule: z
        .strictObject({
          kind: z.enum(['cosine', 'flat']).default('cosine'),
          warmup: z.strictObject({ share: z.number().min(0).default(0.1) }).prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
});

const Rule = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('mean') }),
  z.strictObject({
    name: z.literal('trimmed'),
    share: z.number().min(0).max(0.5).default(0.1),
    limits: z.strictObject({ low: z.number(), high: z.number().default(1) }),
  }),
  z.strictObject({ name: z.literal('krum'), share: z.number().default(0.3), keep: z.int() }),
]);
const Shapes = z.strictObject({ rule: Rule.default({ name: 'mean' }) });

describe("study.yaml's form", () => {
  it('has a field for everything, with the defaults of the schema', () => {
    const base = { name: 'A study', 'evaluation.data': 'synthetic:images=9' };
    const { study, mistakes: wrong } = filled(StudyConfig, { ...base, model: 'start' });
    expect(wrong).toEqual({});
    const standard = StudyConfig.parse({
      name: 'A study',
      model: 'start',
      evaluation: { data: 'synthetic:images=9' },
    });
    // The learning rate is left empty, as its default depends on the optimiser.
    const { learningRate, ...training } = standard.training;
    expect(study).toEqual({ ...standard, training });
    expect(StudyConfig.parse(study).training.learningRate).toBe(learningRate);
  });

  it('offers the encodings that are registered', () => {
    const encoding = fieldsOf(StudyConfig).find(({ path }) => path === 'updates.encoding')!;
    expect(encoding).toMatchObject({
      kind: 'choice',
      choices: ['int8', 'float32'],
      standard: 'int8',
    });
  });

  it('offers the strategies that are registered', () => {
    expect(fieldsOf(StudyConfig).find(({ path }) => path === 'strategy.name')).toMatchObject({
      chooses: true,
      choices: expect.arrayContaining(['fedavg']) as string[],
      standard: 'fedavg',
    });
  });

  it('names what is missing, also in a section of which nothing was entered', () => {
    expect(filled(StudyConfig, { rounds: 0 }).mistakes).toEqual({
      name: 'needed',
      model: 'needed',
      'evaluation.data': 'needed',
      rounds: 'At least 1.',
    });
  });

  it("tells every mistake in the form's words", () => {
    const base = { name: 'A study', model: 'start', 'evaluation.data': 'synthetic:images=9' };
    const wrong = (entries: Values) => filled(StudyConfig, { ...base, ...entries }).mistakes;
    expect(
      wrong({
        rounds: 20_000,
        seed: 0.5,
        name: 'a'.repeat(121),
        'training.learningRate': 0,
        'training.momentum': 2,
        'training.trainFrom': 'Features 6',
        'cohort.quorum': 5,
        'updates.minSamples': 200_000,
        'updates.maxNorm': 'large',
      }),
    ).toEqual({
      rounds: 'At most 10,000.',
      seed: 'A whole number is needed here.',
      name: 'At most 120 characters.',
      'training.learningRate': 'More than 0.',
      'training.momentum': 'At most 0.999.',
      'training.trainFrom': 'It contains characters that are not allowed here.',
      'updates.maxNorm': 'A number is needed here.',
    });
    // What two fields break together is looked at when each is right by itself.
    expect(wrong({ 'cohort.quorum': 5, 'updates.minSamples': 200_000 })).toEqual({
      'cohort.quorum': en.create.together['cohort.quorum'],
      'updates.minSamples': en.create.together['updates.minSamples'],
    });
  });
});

describe('sections', () => {
  it('may stand three deep and more', () => {
    expect(pathsOf(Levels)).toEqual([
      'name',
      'training.epochs',
      'training.schedule.kind',
      'training.schedule.warmup.share',
    ]);
    const { study } = filled(Levels, { name: 'x', 'training.schedule.warmup.share': 0.2 });
    expect(study).toEqual({
      name: 'x',
      training: { epochs: 2, schedule: { kind: 'cosine', warmup: { share: 0.2 } } },
    });
  });

  it('tell what is wrong three deep by its path', () => {
    expect(Object.keys(filled(Levels, { 'training.schedule.warmup.share': -1 }).mistakes)).toEqual([
      'name',
      'training.schedule.warmup.share',
    ]);
  });

  it('that may be missing stay away until something is entered in them', () => {
    const schema = z.strictObject({
      privacy: z.strictObject({ epsilon: z.number(), delta: z.number().default(1e-5) }).optional(),
    });
    expect(filled(schema, {})).toMatchObject({ study: {}, mistakes: {} });
    expect(filled(schema, { 'privacy.delta': 1e-6 }).mistakes).toEqual({
      'privacy.epsilon': 'needed',
    });
    expect(filled(schema, { 'privacy.epsilon': 8 }).study).toEqual({ privacy: { epsilon: 8 } });
  });
});

describe('a choice between shapes', () => {
  it('is a field with all of them, and shows the fields of the one that is chosen', () => {
    const [rule] = fieldsOf(Shapes);
    expect(rule).toMatchObject({
      path: 'rule.name',
      kind: 'choice',
      choices: ['mean', 'trimmed', 'krum'],
      standard: 'mean',
      chooses: true,
    });
    expect(filled(Shapes, {}).shown).toEqual(['rule.name']);
    expect(filled(Shapes, { 'rule.name': 'trimmed' }).shown).toEqual([
      'rule.name',
      'rule.share',
      'rule.limits.low',
      'rule.limits.high',
    ]);
    expect(filled(Shapes, { 'rule.name': 'krum' }).shown).toEqual([
      'rule.name',
      'rule.share',
      'rule.keep',
    ]);
  });

  it('begins each shape with its own defaults, and drops what belongs to another', () => {
    const { study, values } = filled(Shapes, {
      'rule.name': 'trimmed',
      'rule.limits.low': 0,
      'rule.share': 0.4,
    });
    expect(study).toEqual({ rule: { name: 'trimmed', share: 0.4, limits: { low: 0, high: 1 } } });
    const fields = fieldsOf(Shapes);
    const krum = withEntry(fields, values, 'rule.name', 'krum');
    expect(nested(fields, krum)).toEqual({ rule: { name: 'krum', share: 0.3 } });
    expect(mistakes(Shapes, fields, krum, { ...en.create, required: 'needed' })).toEqual({
      'rule.keep': 'needed',
    });
  });

  it('begins with the shape and the values of its default', () => {
    const schema = z.strictObject({ rule: Rule.default({ name: 'krum', share: 0.9, keep: 4 }) });
    expect(filled(schema, {}).study).toEqual({ rule: { name: 'krum', share: 0.9, keep: 4 } });
  });

  it('that may be missing can be left, and made', () => {
    const schema = z.strictObject({ rule: Rule.optional() });
    expect(fieldsOf(schema)[0]).toMatchObject({ required: false, standard: undefined });
    expect(filled(schema, {})).toMatchObject({ study: {}, mistakes: {} });
    expect(filled(schema, { 'rule.name': 'mean' }).study).toEqual({ rule: { name: 'mean' } });
  });

  it('may stand within a shape', () => {
    const schema = z.strictObject({
      outer: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('plain') }),
        z.strictObject({ kind: z.literal('ruled'), rule: Rule }),
      ]),
    });
    const entries = { 'outer.kind': 'ruled', 'outer.rule.name': 'krum', 'outer.rule.keep': 2 };
    expect(filled(schema, entries).study).toEqual({
      outer: { kind: 'ruled', rule: { name: 'krum', share: 0.3, keep: 2 } },
    });
    expect(filled(schema, { ...entries, 'outer.kind': 'plain' }).shown).toEqual(['outer.kind']);
  });

  it('may be between what a registry holds when the form is made', () => {
    const settings = new Registry<z.ZodObject>('strategy', 'LENTIGO_USAGE');
    const shapes = () =>
      settings.names().map((name) =>
        z.toJSONSchema(z.strictObject({ name: z.literal(name), ...settings.get(name).shape }), {
          io: 'input',
        }),
      );
    const strategy = z
      .preprocess(
        (value) => (typeof value === 'string' ? { name: value } : value),
        z.looseObject({ name: settings.nameSchema() }),
      )
      .transform(({ name, ...given }) => ({ name, ...settings.get(name).parse(given) }))
      .meta({
        get oneOf() {
          return shapes();
        },
      });
    const schema = z.strictObject({ strategy: strategy.prefault('fedavg') });
    settings.register('fedavg', z.strictObject({}));
    settings.register('fedadam', z.strictObject({ learningRate: z.number().default(0.01) }));
    expect(filled(schema, {}).study).toEqual({ strategy: { name: 'fedavg' } });
    expect(filled(schema, { 'strategy.name': 'fedadam' }).study).toEqual({
      strategy: { name: 'fedadam', learningRate: 0.01 },
    });
  });
});

describe('a field', () => {
  it('has the kind and the choices of its schema', () => {
    const schema = z.strictObject({
      text: z.string().optional(),
      whole: z.int().min(-3).max(4).default(1),
      positive: z.number().positive().optional(),
      choice: z.enum(['a', 'b']).optional(),
      only: z.literal('sealed').default('sealed'),
      on: z.boolean().default(true),
      none: z.int().min(0).nullable().default(null),
    });
    expect(
      fieldsOf(schema).map(({ path, kind, choices, required }) => [path, kind, choices, required]),
    ).toEqual([
      ['text', 'text', [], false],
      ['whole', 'whole', [], true],
      ['positive', 'number', [], false],
      ['choice', 'choice', ['a', 'b'], false],
      ['only', 'choice', ['sealed'], true],
      ['on', 'switch', [], true],
      ['none', 'whole', [], false],
    ]);
    expect(filled(schema, { on: false }).study).toEqual({ whole: 1, only: 'sealed', on: false });
  });

  it('that can not be shown is an error that names it, and no gap in the form', () => {
    expect(() =>
      fieldsOf(z.strictObject({ a: z.strictObject({ list: z.array(z.int()) }) })),
    ).toThrow('a.list: no field can show the type array');
  });
});
