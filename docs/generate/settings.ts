// A settings file's schema as a reference page: every field with its values, its default and what
// it is, read off the schema that the program checks the file with.
import { z } from 'zod';
import { Text } from '../../common/protocol/primitives.js';

/** What is read of a JSON schema; a name that is open lists what is registered as `enum`. */
export interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** @param schema what a file may hold: an object */
export function settingsPage({
  title,
  intro,
  schema,
}: {
  readonly title: string;
  readonly intro: string;
  readonly schema: z.ZodType;
}): string {
  const rules = rulesOf(schema);
  const blocks = [`# ${title}`, intro, ...section('', jsonSchema(schema))];
  if (rules.length > 0) blocks.push('## Rules between fields', rules.join('\n'));
  return `${blocks.join('\n\n')}\n`;
}

/** The schema as JSON schema, as a file may be written: before defaults are filled in. */
export function jsonSchema(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: node }) {
      const choices: unknown = z.globalRegistry.get(zodSchema)?.['choices'];
      const names: unknown = typeof choices === 'function' ? choices() : choices;
      if (Array.isArray(names)) node.enum = names as string[];
    },
  }) as Node;
}

const isObject = (node: Node): boolean => node.properties !== undefined;
/** The shapes that a field may have. */
const shapesOf = (node: Node): readonly Node[] => node.oneOf ?? node.anyOf ?? [node];

/** An object's fields as a table, followed by a section for each field that has fields itself. */
function section(path: string, node: Node): string[] {
  const fields = Object.entries(node.properties ?? {});
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const inside = (field: Node) => shapesOf(field).filter(isObject);
  const blocks = [];
  const rows = fields.map(([name, field]) =>
    [
      inside(field).length > 0 ? `[\`${at(name)}\`](#${anchor(at(name))})` : `\`${at(name)}\``,
      valuesOf(field),
      defaultOf(field, node.required?.includes(name) ?? false),
      field.description ?? '',
    ]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  );
  if (rows.length > 0)
    blocks.push(
      ['field | values | default | what it is', '--- | --- | --- | ---', ...rows]
        .map((row) => `| ${row} |`)
        .join('\n'),
    );
  for (const [name, field] of fields) {
    const shapes = inside(field);
    if (shapes.length === 0) continue;
    blocks.push(`## ${at(name)}`);
    if (field.description) blocks.push(field.description);
    for (const shape of shapes) {
      if (shapes.length > 1) blocks.push(`### ${at(name)} with ${distinctionOf(shape)}`);
      blocks.push(...section(at(name), shape));
    }
  }
  return blocks;
}

/** GitHub's anchor of a heading that is a path. */
const anchor = (path: string): string => path.toLowerCase().replaceAll('.', '');

/** What tells one shape of a union from the others: the fields that have one value. */
function distinctionOf({ properties = {} }: Node): string {
  const fixed = Object.entries(properties).filter(([, field]) => field.const !== undefined);
  return fixed.length > 0
    ? fixed.map(([name, field]) => `${name}: ${String(field.const)}`).join(', ')
    : Object.keys(properties).join(', ');
}

const code = (value: unknown): string =>
  `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function valuesOf(node: Node): string {
  // a choice between shapes may be written by its name alone
  const named = node.properties?.['name'];
  if (named?.enum) return `${valuesOf(named)}, or fields`;
  const shapes = shapesOf(node);
  if (shapes.length > 1) return [...new Set(shapes.map(valuesOf))].join(', or ');
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  switch (node.type) {
    case 'integer':
      return `whole number${bounds(node)}`;
    case 'number':
      return `number${bounds(node)}`;
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return `text${lengths(node)}`;
    case 'array':
      return `list of: ${valuesOf(node.items ?? {})}${range(node.minItems, node.maxItems, 'entries')}`;
    case 'object':
      return 'fields';
    default:
      return 'anything';
  }
}

const WITHOUT_CONTROL_CHARACTERS = jsonSchema(Text).pattern;

const lengths = ({ minLength, maxLength, pattern }: Node): string =>
  range(minLength, maxLength, 'characters') +
  (pattern === undefined || pattern === WITHOUT_CONTROL_CHARACTERS ? '' : ` like \`${pattern}\``);

function range(from: number | undefined, to: number | undefined, of: string): string {
  if (from !== undefined && to !== undefined) return `, ${from} to ${to} ${of}`;
  if (from !== undefined) return `, at least ${from} ${of}`;
  return to === undefined ? '' : `, at most ${to} ${of}`;
}

/** An integer's schema always has bounds: those that any number has are not worth a word. */
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Node): string {
  const meant = (bound: number | undefined): number | undefined =>
    bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound;
  const [from, to, above, below] = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].map(
    meant,
  );
  if (from !== undefined && to !== undefined) return `, ${from} to ${to}`;
  return [
    from === undefined ? '' : `, at least ${from}`,
    above === undefined ? '' : `, above ${above}`,
    to === undefined ? '' : `, at most ${to}`,
    below === undefined ? '' : `, below ${below}`,
  ].join('');
}

function defaultOf(node: Node, required: boolean): string {
  if (node.default === undefined) return required ? 'required' : 'absent';
  // an object's default is that of its fields
  return JSON.stringify(node.default) === '{}' ? '' : code(node.default);
}

/** What the schema demands beyond each field by itself, with the message of who breaks it. */
function rulesOf(schema: z.ZodType): string[] {
  return (schema.def.checks ?? []).flatMap(({ _zod: { def } }) => {
    const { path, error } = def as { path?: PropertyKey[]; error?: unknown };
    if (path === undefined || typeof error !== 'function') return [];
    return [`- \`${path.join('.')}\`: ${String((error as (issue: object) => unknown)({}))}`];
  });
}
