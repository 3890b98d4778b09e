// The form's fields, derived from a schema: kind and choices; nothing is written twice. For
// a choice between shapes (a discriminated union) the form has a choice field and, for each shape,
// its fields.
import { z } from 'zod';
import { numberText } from '../format.js';
import type { Strings } from '../strings/en.js';

export interface Field {
  /** As in study.yaml, such as training.epochs. */
  readonly path: string;
  readonly kind: 'text' | 'whole' | 'number' | 'choice' | 'switch';
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly standard: Value | undefined;
  /** Whether it chooses between shapes. */
  readonly chooses: boolean;
  /** The choices under which this field exists: all of them must be made. */
  readonly when: readonly Choice[];
}

/** The field at `path` has one of these values. */
interface Choice {
  readonly path: string;
  readonly among: readonly string[];
}

type Value = string | number | boolean;
/** By path; '' where nothing was entered. */
export type Values = Readonly<Record<string, Value>>;

/** The parts of a JSON Schema that the form reads. */
const Node = z.object({
  type: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
  enum: z.array(z.string()).optional(),
  const: z.string().optional(),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
});
type Node = z.infer<typeof Node>;

/** A node's context. */
interface Place {
  readonly path: string;
  /** Whether everything around it is always present. */
  readonly required: boolean;
  /** Its default value. */
  readonly standard: unknown;
  readonly when: readonly Choice[];
}

/**
 * All fields of a schema, in its order, at any depth; those of a section have paths that begin with
 * its name. Two shapes may have fields with the same path, of which one exists at a time.
 * @throws Error when the schema has something that no field can show, such as a list
 */
export function fieldsOf(schema: z.ZodType): Field[] {
  const root = z.toJSONSchema(schema, { io: 'input' });
  return fieldsAt(root, { path: '', required: true, standard: undefined, when: [] });
}

function fieldsAt(schema: unknown, place: Place): Field[] {
  const node = Node.parse(schema);
  if (node.oneOf) return shapesAt(node.oneOf.map(asNode), place);
  const [only, ...others] = (node.anyOf ?? []).filter((each) => asNode(each).type !== 'null');
  if (only !== undefined && others.length === 0)
    return fieldsAt(only, { ...place, required: false });
  if (node.properties) return propertiesAt(node, place);
  return [leafAt(node, place)];
}

const asNode = (schema: unknown): Node => Node.parse(schema);

/** The fields of an object; `without` is a property that already has a field. */
function propertiesAt(
  { properties = {}, required }: Node,
  place: Place,
  without?: string,
): Field[] {
  return Object.entries(properties)
    .filter(([name]) => name !== without)
    .flatMap(([name, property]) => {
      const node = asNode(property);
      const always = required.includes(name) || node.default !== undefined;
      // An optional section is absent until something is entered in it, so it has no defaults.
      const standard = place.required ? (partOf(place.standard, name) ?? node.default) : undefined;
      return fieldsAt(property, {
        path: place.path === '' ? name : `${place.path}.${name}`,
        required: place.required && always,
        standard,
        when: place.when,
      });
    });
}

const partOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** A choice between shapes: the field that decides, then the fields of each shape. */
function shapesAt(shapes: readonly Node[], place: Place): Field[] {
  const first = shapes[0]?.properties ?? {};
  const name = Object.keys(first).find((key) => {
    const names = shapes.map(({ properties }) => namesOf(properties?.[key]));
    return (
      names.every(({ length }) => length > 0) && new Set(names.flat()).size === names.flat().length
    );
  });
  if (name === undefined)
    throw new Error(
      `${place.path}: no property tells its shapes apart, so that none can be chosen`,
    );
  const path = place.path === '' ? name : `${place.path}.${name}`;
  const named = typeof place.standard === 'string' ? place.standard : partOf(place.standard, name);
  const choices = shapes.flatMap(({ properties }) => namesOf(properties![name]));
  const choice = leafAt(
    { type: 'string', enum: choices, required: [] },
    { ...place, path, standard: named },
  );
  return [
    { ...choice, chooses: true },
    ...shapes.flatMap((shape) => {
      const among = namesOf(shape.properties![name]);
      const chosen = among.includes(String(named));
      return propertiesAt(
        shape,
        {
          path: place.path,
          required: true,
          standard: chosen ? place.standard : undefined,
          when: [...place.when, { path, among }],
        },
        name,
      );
    }),
  ];
}

/** The values of an enumerated property. */
function namesOf(property: unknown): readonly string[] {
  const node = Node.safeParse(property).data;
  return node?.const !== undefined ? [node.const] : (node?.enum ?? []);
}

function leafAt(node: Node, { path, required, standard, when }: Place): Field {
  const choices = namesOf(node);
  const kind = choices.length > 0 ? 'choice' : KINDS[node.type ?? ''];
  if (!kind) throw new Error(`${path}: no field can show the type ${node.type ?? 'of this'}`);
  return {
    path,
    kind,
    required,
    choices,
    standard: ['string', 'number', 'boolean'].includes(typeof standard)
      ? (standard as Value)
      : undefined,
    chooses: false,
    when,
  };
}

const KINDS: Readonly<Record<string, Field['kind'] | undefined>> = {
  string: 'text',
  integer: 'whole',
  number: 'number',
  boolean: 'switch',
};

/** The fields that exist under the current choices. */
export const shownFields = (fields: readonly Field[], values: Values): Field[] =>
  fields.filter(({ when }) =>
    when.every(({ path, among }) => among.includes(String(values[path] ?? ''))),
  );

/** The form's initial values. */
export function standardValues(fields: readonly Field[]): Values {
  const values: Record<string, Value> = {};
  // A choice precedes the fields of its shapes.
  for (const field of fields)
    if (shownFields([field], values).length > 0) values[field.path] = field.standard ?? '';
  return values;
}

/**
 * The values after an entry. If it chose another shape, that shape's fields start with their
 * defaults.
 */
export function withEntry(
  fields: readonly Field[],
  before: Values,
  path: string,
  value: Value,
): Values {
  const shown = new Set(shownFields(fields, before));
  const values: Record<string, Value> = { ...before, [path]: value };
  for (const field of fields)
    if (!shown.has(field) && shownFields([field], values).length > 0)
      values[field.path] = field.standard ?? '';
  return values;
}

/** The study as nested in study.yaml, without empty fields and those of other shapes. */
export function nested(fields: readonly Field[], values: Values): Record<string, unknown> {
  const study: Record<string, unknown> = {};
  for (const { path, required } of shownFields(fields, values)) {
    const value = values[path] ?? '';
    if (value === '' && !required) continue;
    const names = path.split('.');
    const last = names.pop()!;
    let section = study;
    for (const name of names) section = (section[name] ??= {}) as Record<string, unknown>;
    if (value !== '') section[last] = value;
  }
  return study;
}

/** What the form says of a mistake; numbers as people write them. */
interface Words {
  readonly required: string;
  readonly wrong: Strings['create']['wrong'];
  readonly together: Strings['create']['together'];
}

/** The mistakes in the form's own words, by the path of the field to blame. */
export function mistakes(
  schema: z.ZodType,
  fields: readonly Field[],
  values: Values,
  words: Words,
): Record<string, string> {
  const parsed = schema.safeParse(nested(fields, values));
  if (parsed.success) return {};
  const shown = shownFields(fields, values);
  const found: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const path = issue.path.join('.');
    const field =
      shown.find((each) => each.path === path) ??
      shown.find((each) => each.path.startsWith(`${path}.`));
    const blamed = field?.path ?? path;
    found[blamed] ??=
      String(values[blamed] ?? '').trim() === ''
        ? words.required
        : wordsOf(issue, field?.kind, words);
  }
  return found;
}

function wordsOf(
  issue: z.core.$ZodIssue,
  kind: Field['kind'] | undefined,
  { wrong, together }: Words,
): string {
  switch (issue.code) {
    case 'too_small': {
      const least = numberText(Number(issue.minimum));
      if (kind === 'text') return wrong.shortest(least);
      return issue.inclusive === false ? wrong.above(least) : wrong.atLeast(least);
    }
    case 'too_big': {
      const most = numberText(Number(issue.maximum));
      if (kind === 'text') return wrong.longest(most);
      return issue.inclusive === false ? wrong.below(most) : wrong.atMost(most);
    }
    case 'invalid_type':
      return kind === 'whole' ? wrong.whole : kind === 'number' ? wrong.number : wrong.other;
    case 'invalid_format':
      return wrong.characters;
    case 'invalid_value':
    case 'invalid_union':
      return wrong.choice;
    default:
      return together[issue.path.join('.')] ?? wrong.other;
  }
}
