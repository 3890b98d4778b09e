// The `lentigo` command: assembles the sub-commands that each folder exports, and prints every
// error with its code and remedy.
import { Command, CommanderError, Option } from 'commander';
import { commandFailure } from './commands/failure.js';
import { refuseEmpty } from './commands/options.js';
import { loadExtensions } from './common/extensions.node.js';
import { useProxy } from './common/network/use-proxy.node.js';
import { VERSION } from './common/version.js';

/** In the order of the help. Loaded on demand: one takes a fraction of the time of all. */
const COMMANDS = new Map<string, () => Promise<Command>>(
  Object.entries({
    coordinator: async () => (await import('./commands/coordinator.js')).coordinatorCommand(),
    study: async () => (await import('./commands/study.js')).studyCommand(),
    clinic: async () => (await import('./commands/clinic.js')).clinicCommand(),
    simulate: async () => (await import('./commands/simulate.js')).simulateCommand(),
    distill: async () => (await import('./commands/distill.js')).distillCommand(),
    evaluate: async () => (await import('./commands/evaluate.js')).evaluateCommand(),
    predict: async () => (await import('./commands/evaluate.js')).predictCommand(),
    dataset: async () => (await import('./commands/dataset.js')).datasetCommand(),
    weights: async () => (await import('./commands/weights.js')).weightsCommand(),
    doctor: async () => (await import('./commands/engine.js')).doctorCommand(),
    engine: async () => (await import('./commands/engine.js')).engineCommand(),
  }),
);

/** Parsed before anything else, because commands offer what extensions register. */
const extension = (): Option =>
  new Option(
    '--extension <module>',
    'a module that registers architectures, encodings, datasets or strategies of your own; once for each, or LENTIGO_EXTENSIONS',
  )
    .default([], 'none')
    .argParser((module, before: string[]) => [...before, module]);

async function run(): Promise<void> {
  const early = new Command().exitOverride().allowUnknownOption().addOption(extension());
  const [name] = early.parseOptions(process.argv.slice(2)).operands;
  await loadExtensions(early.opts<{ extension: string[] }>().extension);
  const program = new Command('lentigo')
    .description(
      'Federated learning across clinics for skin-lesion classification on smartphone photographs.\nFor research use only: not a medical device.',
    )
    .version(VERSION)
    .addOption(extension())
    .showHelpAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a bug, 2 bad input, 3 refused, 4 out of reach, 5 the machine or its storage.',
    );
  const asked = COMMANDS.get(name ?? '');
  for (const load of asked ? [asked] : COMMANDS.values()) program.addCommand(await load());
  inherit(program);
  program.hook('preAction', async (_, command) => {
    refuseEmpty(command);
    await useProxy(command.opts<{ proxy?: string }>().proxy);
  });
  await program.parseAsync();
}

/** Sub-commands report usage errors as exceptions too, so that the exit code is ours. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inherit(child);
}

try {
  await run();
} catch (thrown) {
  // commander has already printed the reason.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  else {
    const error = commandFailure(thrown);
    process.stderr.write(`${error.message}\n  ${error.code}: ${error.remedy}\n`);
    if (error.code === 'LENTIGO_INTERNAL' || process.env['LENTIGO_DEBUG'])
      process.stderr.write(
        `${error.stack ?? ''}\n${error.cause instanceof Error ? (error.cause.stack ?? '') : ''}\n`,
      );
    process.exitCode = error.exitCode;
  }
}
