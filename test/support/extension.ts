// An extension as somebody else would write one: an architecture, an encoding, a strategy and two
// datasets, all of them strange to Lentigo.
import { z } from 'zod';
import { registerDataset } from '../../common/dataset/registry.js';
import { rowsBy } from '../../common/dataset/archive.js';
import { imagePath, neededText } from '../../common/dataset/cells.js';
import { stemOf } from '../../common/images/file-type.js';
import { weightedMean } from '../../common/federation/rules/weighted-mean.js';
import { registerStrategy } from '../../common/federation/strategies/index.js';
import { moved, type StrategyDefinition } from '../../common/federation/strategy.js';
import { registerArchitecture } from '../../common/model/architecture.js';
import { convnext } from '../../common/model/architectures/convnext.js';
import { BINARY_LABELS } from '../../common/model/labels.js';
import { registerEncoding } from '../../common/update/encoding.js';
import { float32 } from '../../common/update/float32.js';

registerArchitecture('thimble', () =>
  convnext({ inputSize: 32, depths: [1, 1], widths: [4, 8], convolutional: false }),
);

registerEncoding({ ...float32, name: 'plain32' });

const settings = z.strictObject({ rate: z.number().positive().max(1).default(1) });
/** The server goes only a part of the way. */
const partOfTheWay: StrategyDefinition<typeof settings.shape> = {
  name: 'part-of-the-way',
  reference: 'nobody',
  settings,
  create: ({ rate }) => ({
    init: () => ({ steps: Float32Array.of(0) }),
    rule: weightedMean,
    step: ({ parameters, aggregate, state }) => ({
      parameters: moved(
        parameters,
        aggregate.map((change) => rate * change),
      ),
      state: { steps: Float32Array.of(state['steps']![0]! + 1) },
    }),
  }),
};
registerStrategy(partOfTheWay);

const Row = z.object({ picture: imagePath, person: neededText, finding: neededText });

/** A folder with a table of its own name. */
registerDataset('drawer', {
  name: 'The drawer',
  citation: 'Nobody et al., never',
  licence: 'none',
  tables: ['drawer.csv'],
  unit: 'patient',
  labels: BINARY_LABELS,
  ...rowsBy(Row, ['picture', 'person', 'finding'], 'picture', ({ picture, person, finding }) => ({
    id: stemOf(picture),
    image: picture,
    patient: person,
    diagnosis: finding,
    words: undefined,
  })),
});

/** grey:3 is three grey pictures. */
registerDataset('grey', {
  name: 'grey pictures',
  citation: 'nobody',
  licence: 'none',
  synthetic: true,
  example: 'grey:3',
  recognises: (spec) => spec.startsWith('grey:'),
  open: (spec) => ({
    name: spec,
    problems: [],
    samples: Array.from({ length: Number(spec.slice('grey:'.length)) }, (_, i) => ({
      id: `grey-${i}`,
      label: 'benign',
      patient: `p${i}`,
      split: 'heldout' as const,
      load: async () => ({
        width: 32,
        height: 32,
        data: new Uint8Array(32 * 32 * 3).fill(128),
      }),
    })),
  }),
});
