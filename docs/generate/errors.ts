// The table of errors as a reference page, by exit code; each code is a heading, and so an anchor.
import { ERRORS } from '../../common/errors.js';

/** What the exit codes of the `lentigo` command mean. */
const EXITS = [
  [2, 'Bad input', 'What was given is wrong, and nothing was done.'],
  [3, 'Refused', 'The other side, or the state that things are in, does not allow it.'],
  [4, 'Out of reach', 'The other side could not be reached.'],
  [5, 'The machine or its storage', 'This machine lacks something: space, a port, an engine.'],
  [1, 'Anything else', 'A mistake in Lentigo.'],
] as const;

export function errorsPage(): string {
  const blocks = [
    '# Errors',
    'Every error that Lentigo reports has a code that stays the same, a message that says what happened and where, and a remedy. The codes are grouped by the exit code of the `lentigo` command. Where the coordinator answers a request with an error, the HTTP status is the one named here, and the body holds `code`, `message` and `remedy`, as a socket.io acknowledgement does.',
    EXITS.map(
      ([exit, name]) =>
        `- [${name} (exit code ${exit})](#${`${name} exit code ${exit}`.toLowerCase().replaceAll(' ', '-')})`,
    ).join('\n'),
  ];
  for (const [exit, name, meaning] of EXITS) {
    blocks.push(`## ${name} (exit code ${exit})`, meaning);
    for (const [code, error] of Object.entries(ERRORS)) {
      if (error.exit !== exit) continue;
      blocks.push(
        `### ${code}`,
        `${error.means} HTTP status ${error.http}.`,
        `**What to do.** ${error.remedy}`,
      );
    }
  }
  return `${blocks.join('\n\n')}\n`;
}
