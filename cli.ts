// The `lentigo` command: assembles the sub-commands that each folder exports; prints every error with its code and remedy.
import { Command, CommanderError } from 'commander';
import { datasetCommand } from './common/dataset/command.node.js';
import { doctorCommand, engineCommand } from './common/engine/command.node.js';
import { asLentigoError } from './common/errors.js';
import { evaluateCommand, predictCommand } from './common/learning/command.node.js';
import { weightsCommand } from './common/model/command.node.js';
import { clinicCommand } from './client/agent/command.js';
import { coordinatorCommand } from './coordinator/command.js';
import { distillCommand } from './coordinator/distillation/command.js';
import { studyCommand } from './coordinator/study-command.js';
import { simulateCommand } from './simulations/command.js';

const program = new Command('lentigo')
  .description('Federated learning across clinics for skin-lesion classification on smartphone photographs.\nFor research use only: not a medical device.')
  .version('0.1.0')
  .showHelpAfterError()
  .addHelpText('after', '\nExit codes: 0 done, 1 a bug, 2 bad input, 3 refused, 4 out of reach, 5 the machine or its storage.');
for (const command of [
  coordinatorCommand(), studyCommand(), clinicCommand(), simulateCommand(), distillCommand(), evaluateCommand(), predictCommand(), datasetCommand(), weightsCommand(), doctorCommand(), engineCommand(),
]) program.addCommand(command);
inherit(program);

/** Sub-commands report usage errors as exceptions too, so that the exit code is ours. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inherit(child);
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2; // commander has said why
  else {
    const error = asLentigoError(thrown);
    process.stderr.write(`${error.message}\n  ${error.code}: ${error.remedy}\n`);
    if (error.code === 'LENTIGO_INTERNAL' || process.env['LENTIGO_DEBUG']) process.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? (error.cause.stack ?? '') : ''}\n`);
    process.exitCode = error.exitCode;
  }
}
