// The reference pages that are made from the code, by their path in the repository.
import { StudyConfig } from '../../common/protocol/study.js';
import { SimulationFile } from '../../simulations/config.js';
import { errorsPage } from './errors.js';
import { settingsPage } from './settings.js';

const MADE =
  '<!-- Made by `npm run docs:reference` from the code: change the descriptions there. -->';

export function referencePages(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries({
      'docs/reference/study-yaml.md': settingsPage({
        title: 'study.yaml',
        intro:
          'What `lentigo study create study.yaml` and the console take. A field that is not listed here is a mistake, and every mistake is named with its line. [A study](../study.md) says how one is run.',
        schema: StudyConfig,
      }),
      'docs/reference/simulation-yaml.md': settingsPage({
        title: 'simulation.yaml',
        intro:
          'What `lentigo simulate simulation.yaml` takes; flags override it, and `data`, `init` and `out` may come as flags alone. [A simulation](../simulation.md) says what it does.',
        schema: SimulationFile,
      }),
      'docs/reference/errors.md': errorsPage(),
    }).map(([path, text]) => [path, `${MADE}\n\n${text}`]),
  );
}
