// Every command, flag, script, link and picture that a page names exists; and every block of
// commands is typed by a test, or named with the reason why not.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { clinicCommand } from '../../commands/clinic.js';
import { coordinatorCommand } from '../../commands/coordinator.js';
import { datasetCommand } from '../../commands/dataset.js';
import { distillCommand } from '../../commands/distill.js';
import { doctorCommand, engineCommand } from '../../commands/engine.js';
import { evaluateCommand, predictCommand } from '../../commands/evaluate.js';
import { simulateCommand } from '../../commands/simulate.js';
import { studyCommand } from '../../commands/study.js';
import { weightsCommand } from '../../commands/weights.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { allBlocks, inlineCommands, isTyped, NOT_TYPED, shellBlocks, words } from './blocks.js';
import { filesBelow, markdownPages, readSource } from './sources.js';

const pages = markdownPages();
const blocks = allBlocks();

describe('the blocks of commands', () => {
  it('are all typed by a test, or named with the reason why not', () => {
    expect(new Set(blocks.filter(isTyped).map((b) => b.page))).toEqual(
      new Set([
        // readme.test.ts
        'README.md',
        'docs/clinic.md',
        'docs/study.md',
        // research-pages.test.ts
        'docs/data.md',
        'docs/engines.md',
        'docs/models.md',
        'docs/simulation.md',
      ]),
    );
    for (const [page, word, reason] of NOT_TYPED)
      expect(
        blocks.some((b) => page.test(b.page) && word.test(b.commands.join('\n'))),
        reason,
      ).toBe(true);
  });
});

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    clinicCommand(),
    coordinatorCommand(),
    datasetCommand(),
    distillCommand(),
    doctorCommand(),
    engineCommand(),
    evaluateCommand(),
    predictCommand(),
    simulateCommand(),
    studyCommand(),
    weightsCommand(),
  ].map((command) => [command.name(), command]),
);

/** What a `lentigo …` command names that doesn't exist: sub-commands and flags. */
function unknownIn(given: readonly string[]): string[] {
  const [name, ...rest] = given;
  if (name === undefined || name.startsWith('--'))
    return ['--help', '--version'].includes(name ?? '--help') ? [] : [name!];
  let command = COMMANDS.get(name);
  if (!command) return [name];
  const known = new Set(['--help']);
  const add = (c: Command) => c.options.forEach(({ long }) => long && known.add(long));
  add(command);
  for (const word of rest) {
    const inner: Command | undefined = command.commands.find((c) => c.name() === word);
    if (!inner) break;
    command = inner;
    add(inner);
  }
  // a command of sub-commands alone, without one that it has
  const missing =
    command.commands.length > 0 && command.registeredArguments.length === 0 && rest.length > 0
      ? rest.filter((word) => !word.startsWith('-') && command.name() === name).slice(0, 1)
      : [];
  const needsOne = !['simulate', 'distill'].includes(command.name());
  return [
    ...(needsOne ? missing : []),
    ...rest
      .filter((word) => /^--[a-z]/.test(word))
      .map((word) => word.replace(/[=,;:.)].*$/, ''))
      .filter((flag) => !known.has(flag)),
  ];
}

describe('every command that a page names', () => {
  const scripts = Object.keys(
    (JSON.parse(readSource('package.json')) as { scripts: Record<string, string> }).scripts,
  );
  it.each(pages)('%s: its `lentigo` commands and flags exist, and its scripts', (page) => {
    const commands = [
      ...shellBlocks(page).flatMap((b) => b.commands),
      ...inlineCommands(page),
    ].flatMap((command) => command.split(/ && | \| /));
    for (const command of commands) {
      const given = words(command);
      const at = given.indexOf('lentigo');
      // `… -t lentigo .` and `… lentigo lentigo-clinic` name the image
      if (at >= 0 && !/^docker (build|run)/.test(command))
        expect(unknownIn(given.slice(at + 1)), command).toEqual([]);
    }
    for (const [, script] of readSource(page).matchAll(/\bnpm run ([\w:-]+)/g))
      expect(scripts, `npm run ${script}`).toContain(script);
  });
});

describe('every file that a page names between backticks', () => {
  const files = filesBelow('.', /./);
  it.each(pages)('%s', (page) => {
    const named = [
      ...readSource(page)
        .replaceAll(/^```[^]*?^```$/gm, '')
        .matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.\w+)`/g),
    ]
      .map(([, path]) => path!)
      // made by a command, or a name to be filled in
      .filter((path) => !/^out\/|NAME|^dist\//.test(path));
    for (const path of named)
      expect(
        files.some((file) => file === path || file.endsWith(`/${path}`)),
        path,
      ).toBe(true);
  });
});

describe('every link and picture of a page', () => {
  /** GitHub's anchor of a heading. */
  const anchorOf = (heading: string): string =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  const anchorsOf = (page: string): string[] =>
    [
      ...readSource(page)
        .replaceAll(/^```[^]*?^```$/gm, '')
        .matchAll(/^#+ (.*)$/gm),
    ].map(([, heading]) => anchorOf(heading!));
  it.each(pages)('%s', (page) => {
    const text = readSource(page)
      .replaceAll(/^```[^]*?^```$/gm, '')
      .replaceAll(/`[^`\n]*`/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    for (const target of targets) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path, anchor] = target.split('#') as [string, string?];
      const file = path === '' ? page : normalize(join(dirname(page), path));
      expect(existsSync(join(PACKAGE_ROOT, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(file), target).toContain(anchor);
    }
  });
});
