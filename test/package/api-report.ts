// `npm run api-report`: the public surface as a document, docs/api-report.md, made from the emitted
// declarations. A review sees in its diff what changes for programs that use Lentigo.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Comment, parseSync, type Program, type StaticExportEntry } from 'oxc-parser';
import { PACKAGE_ROOT } from '../support/shared-data.js';

export const REPORT = resolve(PACKAGE_ROOT, 'docs/api-report.md');

interface Module {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly exports: readonly StaticExportEntry[];
}

const modules = new Map<string, Module>();

function moduleAt(path: string): Module {
  const known = modules.get(path);
  if (known) return known;
  const text = readFileSync(path, 'utf8');
  const { program, comments, module, errors } = parseSync(path, text, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const made = {
    path,
    text,
    program,
    comments,
    exports: module.staticExports.flatMap(({ entries }) => entries),
  };
  modules.set(path, made);
  return made;
}

/** A module's declaration file: './x.js' → '…/x.d.ts'; undefined for another package's. */
const declarationsOf = (from: Module, specifier: string): Module | undefined =>
  specifier.startsWith('.')
    ? moduleAt(resolve(dirname(from.path), specifier.replace(/\.js$/, '.d.ts')))
    : undefined;

interface Declared {
  readonly at: Module;
  readonly name: string;
  /** Passed on as a type alone, though it may be a value where it is declared. */
  readonly typeOnly?: boolean;
}

/** Everything that a module exports, by name, with where it is declared and under which name. */
function surface(module: Module): Map<string, Declared> {
  const found = new Map<string, Declared>();
  for (const { exportName, importName, localName, moduleRequest, isType } of module.exports) {
    const source = moduleRequest ? declarationsOf(module, moduleRequest.value) : module;
    if (!source) throw new Error(`${module.path} passes on ${moduleRequest!.value}`);
    if (exportName.name === null) {
      // export * from
      for (const [name, where] of surface(source)) found.set(name, where);
      continue;
    }
    const { name } = exportName;
    const wanted = (moduleRequest ? importName.name : localName.name) ?? name;
    const declared = source === module ? localOf(module, wanted) : surface(source).get(wanted)!;
    found.set(name, moduleRequest && isType ? { ...declared, typeOnly: true } : declared);
  }
  return found;
}

/** A name of this module, followed to where it was imported from. */
function localOf(module: Module, name: string): Declared {
  for (const statement of module.program.body) {
    if (statement.type !== 'ImportDeclaration') continue;
    const specifier = statement.specifiers.find(({ local }) => local.name === name);
    const source = specifier && declarationsOf(module, statement.source.value);
    if (!source || specifier.type !== 'ImportSpecifier') continue;
    const { imported } = specifier;
    return surface(source).get(imported.type === 'Identifier' ? imported.name : imported.value)!;
  }
  return { at: module, name };
}

/** The declarations of a name: a schema and its type have two. */
function declarations({ at, name }: Declared): string[] {
  const texts: string[] = [];
  for (const statement of at.program.body) {
    const declared =
      statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (!declared) continue;
    const names =
      declared.type === 'VariableDeclaration'
        ? declared.declarations.map(({ id }) => (id.type === 'Identifier' ? id.name : undefined))
        : 'id' in declared && declared.id && 'name' in declared.id
          ? [declared.id.name]
          : [];
    if (names.includes(name)) texts.push(textOf(at, declared));
  }
  if (texts.length === 0) throw new Error(`${at.path} declares no ${name}`);
  return texts;
}

/** A declaration's text without comments and with one kind of white space. */
function textOf(
  { text, comments }: Module,
  { start, end }: { start: number; end: number },
): string {
  let result = '';
  let at = start;
  for (const comment of comments) {
    if (comment.start < start || comment.end > end) continue;
    result += text.slice(at, comment.start);
    at = comment.end;
  }
  return (result + text.slice(at, end))
    .replace(/^declare /, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

/**
 * TypeScript writes a schema that is part of another out in full: its name is put there instead,
 * so that a change shows once.
 */
function schemaNames(): (text: string) => string {
  const schemas = new Map<string, string>();
  for (const module of modules.values())
    for (const statement of module.program.body) {
      const declared =
        statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
      if (declared?.type !== 'VariableDeclaration') continue;
      const [, name, type] =
        /^const (\w+): (z\.[^]+);$/.exec(textOf(module, declared)) ?? ([] as string[]);
      if (name && type && type.length > SHORT) schemas.set(type, name);
    }
  const longestFirst = [...schemas].sort(([a], [b]) => b.length - a.length);
  const patterns = longestFirst.map(([type, name]) => {
    const words = type.split(/\s+/).map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
    return { name, pattern: new RegExp(words.join('\\s+'), 'g') };
  });
  return (text) =>
    patterns.reduce(
      (written, { name, pattern }) =>
        written.startsWith(`const ${name}:`) ? written : written.replace(pattern, `typeof ${name}`),
      text,
    );
}

/** A schema's type, characters, that is written out each time. */
const SHORT = 80;

/** The report of the compiled package. */
export function apiReport(): string {
  const { exports } = JSON.parse(readFileSync(resolve(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  const sections = Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const names = [...surface(moduleAt(resolve(PACKAGE_ROOT, target.types)))].sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    const named = schemaNames();
    const blocks = names.map(([name, where]) => {
      const from = relative(resolve(PACKAGE_ROOT, 'dist'), where.at.path).replace(
        /\.d\.ts$/,
        '.ts',
      );
      const notes = [from, where.name !== name && `as ${name}`, where.typeOnly && 'type only'];
      return `// ${notes.filter(Boolean).join(', ')}\n${declarations(where).map(named).join('\n')}`;
    });
    return [`## lentigo${entry.slice(1)}\n\n\`\`\`ts\n${blocks.join('\n\n')}\n\`\`\`\n`];
  });
  return `# What is public\n\nMade by \`npm run api-report\` from the declarations; a test compares. What isn't here may change at any time.\n\n${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(REPORT, apiReport());
