// simulation.yaml: what a simulation is of, by the same names and with the same defaults as
// study.yaml where they mean the same.
import { z } from 'zod';
import { StudyConfig, TrainingFields } from '../common/protocol/study.js';
import { StrategyChoice } from '../common/federation/strategies/index.js';
import { parseYaml } from '../common/protocol/yaml.js';

const study = StudyConfig.shape;

export const SimulationConfig = z.strictObject({
  data: z
    .string()
    .min(1)
    .max(1000)
    .describe(
      "A data set's folder (relative to simulation.yaml), or synthetic:…; its train split is divided among the clinics.",
    ),
  init: z
    .string()
    .min(1)
    .max(1000)
    .describe("The starting model's folder, relative to simulation.yaml."),
  clinics: z
    .int()
    .min(1)
    .max(10_000)
    .default(4)
    .describe('Virtual clinics that the training patients are divided among.'),
  rounds: study.rounds,
  alpha: z
    .number()
    .min(1e-3)
    .max(1e6)
    .optional()
    .describe(
      'Concentration of the Dirichlet distribution of each diagnosis over the clinics: 0.1 very uneven, 100 nearly even. Absent: evenly (IID).',
    ),
  seed: study.seed.describe(
    'Of the partition, of all training, and of the splits where the data brings none.',
  ),
  strategy: study.strategy,
  training: study.training,
  updates: study.updates
    .unwrap()
    .pick({ encoding: true, maxNorm: true })
    .prefault({})
    .describe('How deltas are encoded, and which are accepted.'),
  select: study.evaluation.shape.select,
  baselines: z
    .boolean()
    .default(false)
    .describe('Also train on all data in one place, and at each clinic alone.'),
});
export type SimulationConfig = z.infer<typeof SimulationConfig>;

/** What a file gives; data, init and out may come as flags. */
export const SimulationFile = SimulationConfig.partial({ data: true, init: true }).extend({
  out: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe("The results' folder, relative to simulation.yaml; or --out."),
});
export type SimulationFile = z.infer<typeof SimulationFile>;

const fields = SimulationConfig.shape;
const plan = TrainingFields.shape;

const numeric = <T extends z.ZodNumber>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      const value = text.trim() === '' ? NaN : Number(text);
      if (Number.isNaN(value)) context.addIssue({ code: 'custom', message: 'must be a number' });
      return value;
    })
    .pipe(schema)
    .optional();

/** The same settings as flags give them: as text. */
export const SimulationFlags = z.strictObject({
  data: fields.data.optional(),
  init: fields.init.optional(),
  clinics: numeric(fields.clinics.unwrap()),
  rounds: numeric(fields.rounds.unwrap()),
  alpha: numeric(fields.alpha.unwrap()),
  seed: numeric(fields.seed.unwrap()),
  strategy: z
    .string()
    .transform((name): unknown => name)
    .pipe(StrategyChoice)
    .optional(),
  trainFrom: plan.trainFrom.unwrap().optional(),
  epochs: numeric(plan.epochs.unwrap()),
  learningRate: numeric(plan.learningRate.unwrap()),
  batchSize: numeric(plan.batchSize.unwrap()),
  encoding: study.updates.unwrap().shape.encoding.unwrap().optional(),
  baselines: z.literal(true).optional(),
});

/** @throws LENTIGO_SIMULATION_INVALID naming the line and the field of each mistake. */
export const parseSimulationYaml = (text: string, file: string): SimulationFile =>
  parseYaml(SimulationFile, text, {
    file,
    whole: 'simulation',
    code: 'LENTIGO_SIMULATION_INVALID',
  });
