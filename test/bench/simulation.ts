// Results of finished simulations: federated against centralised, paired over seeds.
import type { SimulationReport } from '../../simulations/report.js';
import { type Benchmark, table } from './benchmark.js';
import { benchmarkOfFinished } from './finished.js';

/** Simulations that differ only in their seeds. */
interface Simulations extends Pick<Benchmark, 'name' | 'title'> {
  /**
   * Environment variable with their folders, relative to the package; the default's are named after
   * the seeds.
   */
  readonly variable: string;
  readonly folder: string;
  /** The model from which all start, in words and as an argument. */
  readonly start: string;
  readonly init: (seed: number) => string;
  /** Text after the results. */
  readonly beside?: string;
}

const SEEDS = [0, 1, 2];

/**
 * PyTorch's result on the same photographs from the same weights; held-out, seeds 0, 1, 2. The
 * section says how it was trained.
 */
const PYTORCH = {
  'balanced accuracy': [0.515, 0.547, 0.523],
  'malignant AUC': [0.862, 0.818, 0.829],
  'weighted F1': [0.647, 0.622, 0.621],
  accuracy: [0.652, 0.625, 0.621],
};

const reference = Object.entries(PYTORCH).map(([metric, values]) => [
  metric,
  ...values.map((v) => v.toFixed(3)),
  (values.reduce((a, b) => a + b) / values.length).toFixed(3),
]);

export const simulation = benchmarkOf({
  name: 'simulation',
  title: 'Federated against centralised, on PAD-UFES-20',
  variable: 'LENTIGO_SIMULATIONS',
  folder: 'out/sim',
  start: "`B0_DIR`: `lentigo weights import` of an EfficientNet-B0 with torchvision's names",
  init: () => 'B0_DIR',
  beside: `The same photographs and weights in PyTorch 2.13, in one place, the whole network (14 epochs, batch 16, focal loss γ 2 with square-root inverse class weights, AdamW 5e-4 with a one-cycle schedule, crop/flip/rotate/brightness; epoch chosen on validation), held-out:

${table(['PyTorch, seed', ...SEEDS.map(String), 'mean'], reference)}`,
});

const FROM_STUDENT =
  '`at the start` is the distilled student itself. What follows trains it without a teacher, and validation chooses among what came of that alone.';

export const fromDistilled = benchmarkOf({
  name: 'distilled-study',
  title: 'Federated against centralised, from the distilled student',
  variable: 'LENTIGO_DISTILLED_STUDIES',
  folder: 'out/distilled-study',
  start:
    'the student of the same seed by logits and features, see above, which learned from these training photographs already',
  init: (seed) => `out/distilled-${seed}-logits-features/student/model`,
  beside: FROM_STUDENT,
});

export const fromChosen = benchmarkOf({
  name: 'distilled-none-study',
  title: 'Federated against centralised, from the student that validation chose',
  variable: 'LENTIGO_DISTILLED_NONE_STUDIES',
  folder: 'out/distilled-none-study',
  start:
    'the student of the same seed whose teacher read no metadata, see above, which learned from these training photographs already',
  init: (seed) => `out/distilled-${seed}-none/student/model`,
  beside: FROM_STUDENT,
});

function benchmarkOf({ folder, start, init, beside, ...runs }: Simulations): Benchmark {
  return benchmarkOfFinished({
    ...runs,
    folders: SEEDS.map((seed) => `${folder}-${seed}`),
    by: 'simulate',
    read: (json) => json as SimulationReport,
    section(reports, folders, summary) {
      const { images } = reports[0]!;
      const minutes = reports.map((report) =>
        (report.rounds.reduce((all, { seconds }) => all + seconds, 0) / 60).toFixed(0),
      );
      return `${images.train} training, ${images.validation} validation and ${images.heldout} held-out photographs, divided by patient. Each simulation was made by one of these (\`PAD_UFES_DIR\`: the published data set; ${start}); its federated rounds took ${minutes.join(', ')} minutes:

\`\`\`sh
${reports.map((report, i) => commandOf(report, init(report.config.seed), folders[i]!)).join('\n')}
\`\`\`

\`\`\`
${summary}
\`\`\`${beside === undefined ? '' : `\n\n${beside}`}`;
    },
  });
}

/** The command that produces this report. */
function commandOf(
  {
    config: { clinics, rounds, alpha, seed, training, updates, baselines },
    engine,
  }: SimulationReport,
  init: string,
  out: string,
): string {
  const { trainFrom, epochs, learningRate, batchSize } = training;
  const flags = {
    clinics,
    rounds,
    alpha,
    seed,
    'train-from': trainFrom,
    epochs,
    'learning-rate': learningRate,
    'batch-size': batchSize,
    encoding: updates.encoding,
  };
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  );
  return `LENTIGO_ENGINE=${engine} npx lentigo simulate --data PAD_UFES_DIR --init ${init} ${given.join(' ')}${baselines ? ' --baselines' : ''} --out ${out}`;
}
