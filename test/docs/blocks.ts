// The commands that the Markdown pages show, as a reader would type them.
import { markdownPages, readSource } from './sources.js';

/** A fenced `sh` block. */
export interface Block {
  readonly page: string;
  /** The number of the first line inside the fence, from 1. */
  readonly line: number;
  /** One for each command: continued lines joined, comments and blank lines gone. */
  readonly commands: readonly string[];
}

export function shellBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  const text = readSource(page);
  for (const match of text.matchAll(/^```sh\n([^]*?)^```$/gm))
    blocks.push({
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      commands: match[1]!
        .replaceAll('\\\n', ' ')
        .split('\n')
        .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
        .filter((line) => line !== ''),
    });
  return blocks;
}

/** `lentigo …` in running text, between backticks. */
export const inlineCommands = (page: string): string[] =>
  [
    ...readSource(page)
      .replaceAll(/^```[^]*?^```$/gm, '')
      .matchAll(/`((?:npx )?lentigo [^`\n]+)`/g),
  ].map(([, command]) => command!);

/** The words of a command, without quotes; `&&`, `|` and `>` are words. */
export const words = (command: string): string[] =>
  [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replaceAll(/["']/g, ''),
  );

/** Blocks that are not typed by the tests, by a word that only they have. */
export const NOT_TYPED: readonly (readonly [page: RegExp, word: RegExp, reason: string])[] = [
  [/^README/, /npm run demo/, 'they run this very test; test/bench/demo.ts runs the demo'],
  [/^BENCHMARKS/, /./, 'hours; npm run bench types them'],
  [/docker\.md$/, /./, 'needs a container engine; test/deployment types the steps'],
  [/(clinic|package)\.md$/, /npm install/, 'test/package packs, installs and runs it'],
  [/clinic\.md$/, /HTTPS_PROXY/, 'test/regression/b04-proxies goes through proxies'],
  [/distillation\.md$/, /./, 'minutes; test/coordinator/distillation runs the presets'],
  [/CONTRIBUTING\.md$/, /./, 'the scripts of package.json, which CI runs'],
];
export const isTyped = ({ page, commands }: Block): boolean =>
  !NOT_TYPED.some(([of, word]) => of.test(page) && word.test(commands.join('\n')));
/** A page's blocks that are typed. */
export const typedOf = (page: string): Block[] => shellBlocks(page).filter(isTyped);

export const allBlocks = (): Block[] => markdownPages().flatMap(shellBlocks);

/** Fills in a command's placeholders, each a word of its own. */
export const filled = (command: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce(
    (text, [word, value]) =>
      text.replaceAll(new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'g'), () => value),
    command,
  );
