// The `lentigo` command: assembles the sub-commands that each folder exports, and prints every
// error with its code and remedy.
import { Command, CommanderError, Option } from 'commander';
import { commandFailure } from './commands/failure.js';
import { refuseEmpty } from './commands/options.js';
import { loadExtensions } from './common/extensions.node.js';
import { useProxy } from './common/network/use-proxy.node.js';
import { VERSION } from './common/version.js';

const COORDINATOR = 'For a study coordinator:';
const CLINIC = 'For a clinic:';
const RESEARCHER = 'For a researcher:';
const EVERYBODY = 'For everybody:';
/** For whom each command is, and an example of it: for the help. */
const HELP: Readonly<Record<string, readonly [group: string, example: string]>> = {
  coordinator: [COORDINATOR, 'lentigo coordinator --data-dir lentigo-data'],
  study: [COORDINATOR, 'lentigo study create study.yaml'],
  clinic: [CLINIC, 'lentigo clinic run --home clinic-home --data DIR'],
  simulate: [
    RESEARCHER,
    'lentigo simulate --data "synthetic:site=0&images=120" --rounds 3 --out out/simulation',
  ],
  distill: [
    RESEARCHER,
    'lentigo distill --preset trial --data "synthetic:site=0&images=120" --out out/distillation',
  ],
  evaluate: [RESEARCHER, 'lentigo evaluate --model best --data DIR --split heldout'],
  weights: [RESEARCHER, 'lentigo weights import --from efficientnet_b0.safetensors --out start'],
  predict: [EVERYBODY, 'lentigo predict --model best photo.jpg'],
  dataset: [EVERYBODY, 'lentigo dataset inspect DIR'],
  doctor: [EVERYBODY, 'lentigo doctor --bench'],
  engine: [EVERYBODY, 'lentigo engine build'],
  'study create': [COORDINATOR, 'lentigo study create study.yaml'],
  'study invite': [COORDINATOR, 'lentigo study invite ID --clinic "Clinic North"'],
  'study approve': [COORDINATOR, 'lentigo study approve ID "Clinic North"'],
  'study revoke': [COORDINATOR, 'lentigo study revoke ID "Clinic North"'],
  'study model': [COORDINATOR, 'lentigo study model ID --out best'],
  'clinic enrol': [CLINIC, 'lentigo clinic enrol INVITATION --home clinic-home'],
  'clinic run': [CLINIC, 'lentigo clinic run --home clinic-home --data DIR'],
  'clinic status': [CLINIC, 'lentigo clinic status --home clinic-home'],
  'clinic model': [CLINIC, 'lentigo clinic model --home clinic-home --out best'],
  'simulate summary': [RESEARCHER, 'lentigo simulate summary out/simulation-1 out/simulation-2'],
  'distill summary': [RESEARCHER, 'lentigo distill summary out/distillation-1 out/distillation-2'],
  'dataset inspect': [EVERYBODY, 'lentigo dataset inspect DIR'],
  'dataset compare': [EVERYBODY, 'lentigo dataset compare DIR OTHER --out differences.html'],
  'weights import': [
    RESEARCHER,
    'lentigo weights import --from efficientnet_b0.safetensors --out start',
  ],
  'weights export': [
    RESEARCHER,
    'lentigo weights export --model best --out best.safetensors --half',
  ],
  'engine build': [EVERYBODY, 'lentigo engine build'],
};

/** Groups the commands by person, and gives each the example of its own. */
function explain(command: Command, name: string): void {
  const [group, example] = HELP[name] ?? [undefined, `lentigo ${name} ID`];
  if (group !== undefined && !name.includes(' ')) command.helpGroup(group);
  command.addHelpText('after', `\nExample: ${example}`);
  for (const child of command.commands) explain(child, `${name} ${child.name()}`);
}

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
      'Clinics train one skin-lesion classifier together, and no photograph leaves a clinic.\nFor research use only: not a medical device.',
    )
    .version(VERSION)
    .addOption(extension())
    .showHelpAfterError()
    .addHelpText(
      'after',
      '\nEach explains itself: lentigo COMMAND --help. A study from beginning to end: README.md.\nExit codes: 0 done, 1 a bug, 2 bad input, 3 refused, 4 out of reach, 5 the machine or its storage.',
    );
  const asked = COMMANDS.get(name ?? '');
  for (const load of asked ? [asked] : COMMANDS.values()) {
    const command = await load();
    explain(command, command.name());
    program.addCommand(command);
  }
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
