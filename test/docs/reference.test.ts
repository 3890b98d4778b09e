// The reference pages against the code they are made from, both ways.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ERRORS } from '../../common/errors.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { referencePages } from '../../docs/generate/pages.js';
import { jsonSchema, type Node, settingsPage } from '../../docs/generate/settings.js';
import { SimulationConfig } from '../../simulations/config.js';
import { filesBelow, markdownPages, readSource } from './sources.js';

describe('the reference pages', () => {
  it.each([...referencePages()])(
    '%s is what the code gives: npm run docs:reference',
    (path, text) => {
      expect(readSource(path)).toBe(text);
    },
  );
  it('are all there are in docs/reference', () => {
    expect(filesBelow('docs/reference', /./)).toEqual([...referencePages().keys()].toSorted());
  });
  it.each([
    ['study.yaml', StudyConfig],
    ['simulation.yaml', SimulationConfig],
  ])('every field of %s says what it is', (_, schema) => {
    expect(undescribed(schema)).toEqual([]);
  });
});

/** Paths of fields, at any depth, without a description. */
function undescribed(schema: z.ZodType): string[] {
  const visit = (node: Node, path: string): string[] =>
    [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap((shape) =>
      Object.entries(shape.properties ?? {}).flatMap(([name, field]) => {
        const at = path === '' ? name : `${path}.${name}`;
        // the name that chooses among shapes is described with the choice
        const chooses = field.const !== undefined || (name === 'name' && field.enum !== undefined);
        return [...(field.description || chooses ? [] : [at]), ...visit(field, at)];
      }),
    );
  return visit(jsonSchema(schema), '');
}

describe('a page of settings', () => {
  const page = (shape: z.ZodRawShape) =>
    settingsPage({ title: 'x.yaml', intro: 'Some.', schema: z.strictObject(shape) });
  it('shows the choices of a union by what tells them apart, each with its fields', () => {
    const text = page({
      rule: z
        .discriminatedUnion('name', [
          z.strictObject({ name: z.literal('mean') }),
          z.strictObject({ name: z.literal('trimmed'), share: z.number().min(0).default(0.1) }),
        ])
        .describe('How.'),
    });
    expect(text).toContain('| [`rule`](#rule) | fields | required | How. |');
    expect(text).toContain('### rule with name: trimmed');
    expect(text).toContain('| `rule.share` | number, at least 0 | `0.1` |');
  });
  it('shows the names that are registered when it is made', () => {
    const names = ['mean'];
    const shape = { rule: z.string().meta({ choices: () => names, description: 'How.' }) };
    expect(page(shape)).toContain('| `rule` | `mean` | required | How. |');
    names.push('median');
    expect(page(shape)).toContain('| `rule` | `mean`, `median` | required | How. |');
  });
  it('shows fields three levels deep, lists and shapes that mix', () => {
    const text = page({
      a: z.strictObject({ b: z.strictObject({ c: z.int().optional() }).prefault({}) }).prefault({}),
      d: z.array(z.enum(['x', 'y'])).min(1),
      e: z.union([z.literal('off'), z.number().positive()]).default('off'),
    });
    expect(text).toContain('| `a.b.c` | whole number | absent |');
    expect(text).toContain('| `d` | list of: `x`, `y`, at least 1 entries | required |');
    expect(text).toContain('| `e` | `off`, or number, above 0 | `off` |');
  });
  it('shows what is demanded of several fields together', () => {
    const schema = z
      .strictObject({ low: z.int(), high: z.int() })
      .refine((s) => s.low <= s.high, { path: ['low'], message: "low can't be above high" });
    expect(settingsPage({ title: 'x', intro: 'y', schema })).toContain(
      "- `low`: low can't be above high",
    );
  });
});

/** What the product's code is made of; common/errors.ts is the table itself. */
const code = ['common', 'coordinator', 'client', 'simulations', 'commands']
  .flatMap((folder) => filesBelow(folder, /\.tsx?$/))
  .concat('cli.ts', 'demo.ts')
  .filter((path) => path !== 'common/errors.ts')
  .map((path) => readSource(path).replaceAll(/\/\/.*$|\/\*[^]*?\*\//gm, ''))
  .join('\n');
const known = Object.keys(ERRORS);
const named = (text: string): Set<string> => new Set(text.match(/\bLENTIGO_[A-Z_]+[A-Z]\b/g));

describe('the table of errors', () => {
  it('has every code that the code throws', () => {
    const thrown = [...code.matchAll(/LentigoError\(\s*'(LENTIGO_[A-Z_]+)'/g)].map(
      ([, name]) => name!,
    );
    expect(thrown.length).toBeGreaterThan(100);
    expect(thrown.filter((name) => !known.includes(name))).toEqual([]);
  });
  it('has no code that nothing throws', () => {
    const used = named(code);
    expect(known.filter((name) => !used.has(name))).toEqual([]);
  });
  it('is on its page whole, each code once and as a heading', () => {
    const page = referencePages().get('docs/reference/errors.md')!;
    const headings = [...page.matchAll(/^### (LENTIGO_\w+)$/gm)].map(([, name]) => name!);
    expect(headings.toSorted()).toEqual(known.toSorted());
  });
  it('has every code that a page or a remedy names', () => {
    // what is no error is a variable of the environment, which some file reads or sets
    const variables = named(
      [
        code,
        ...['Dockerfile', 'docker-compose.yml', 'deployment/clinic.sh', '.ci/run'].map(readSource),
      ]
        .concat(filesBelow('test', /\.ts$/).map(readSource))
        .join('\n')
        .match(/(?:env\b.{0,5}|VARIABLE = '|\$\{?|^\s*)LENTIGO_[A-Z_]+\b/gm)
        ?.join('\n') ?? '',
    );
    // the changelog also names what is gone
    const pages = markdownPages().filter((page) => page !== 'CHANGELOG.md');
    for (const path of [...pages, 'common/errors.ts'])
      for (const name of named(readSource(path)))
        expect(known.includes(name) || variables.has(name), `${path}: ${name}`).toBe(true);
  });
});
