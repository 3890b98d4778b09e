// study.yaml: everything a study coordinator decides, with defaults that work; and the training
// plan that clinics receive.
import { z } from 'zod';
import { NamedStrategy, StrategyChoice } from '../federation/strategies/index.js';
import { RegistryName } from '../registry.js';
import { Encoding } from '../update/encoding.js';
import { Text } from './primitives.js';
import { parseYaml } from './yaml.js';

/** The learning rate of a plan that names none, by its optimiser. */
export const LEARNING_RATES = { adamw: 2e-4, sgd: 0.01 } as const;

/** A training plan's fields as a file may give them. */
export const TrainingFields = z.strictObject({
  trainFrom: z
    .string()
    .regex(/^[a-z]\w{0,40}(\.\w{1,40})?$/)
    .default('features.6')
    .describe(
      "The first trainable block, by its name in the model's architecture (efficientnet_b0: features.0 … features.8, classifier). The blocks before it are frozen, and don't travel.",
    ),
  epochs: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe("Passes over the clinic's own training images in one round."),
  batchSize: z.int().min(1).max(256).default(8).describe('Images in one optimiser step.'),
  optimiser: z
    .enum(['adamw', 'sgd'])
    .default('adamw')
    .describe("The clinics' optimiser; its state begins anew in each round."),
  learningRate: z
    .number()
    .positive()
    .max(10)
    .optional()
    .describe(
      `The clinics' learning rate. Absent: ${LEARNING_RATES.adamw} with AdamW, ${LEARNING_RATES.sgd} with SGD.`,
    ),
  momentum: z.number().min(0).max(0.999).default(0.9).describe('Momentum of SGD; AdamW has none.'),
  weightDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('Decoupled weight decay (AdamW), or L2 (SGD); not applied to biases and batch norm.'),
  focalGamma: z
    .number()
    .min(0)
    .max(10)
    .default(2)
    .describe('The focusing exponent γ of the focal loss; 0 is cross-entropy.'),
  balance: z
    .enum(['none', 'inverse-sqrt', 'inverse', 'logit-adjustment'])
    .default('logit-adjustment')
    .describe(
      "How the loss makes up for rare diagnoses, from the clinic's own counts: class weights 1/√count or 1/count, or logits adjusted by the log of their shares, each diagnosis counted as a tenth of an image more.",
    ),
  variants: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      'How many augmented variants of each image a clinic draws from; their frozen features are computed once and kept. 1: the plain image.',
    ),
});

/** How every clinic trains in a round. */
export const TrainingPlan = TrainingFields.transform((plan) => ({
  ...plan,
  learningRate: plan.learningRate ?? LEARNING_RATES[plan.optimiser],
}));
export type TrainingPlan = z.infer<typeof TrainingPlan>;

/** A metric that validation can decide by. */
export const SelectionMetric = z.enum([
  'balancedAccuracy',
  'accuracy',
  'weightedF1',
  'macroF1',
  'malignantAuc',
  'aucOvr',
]);
export type SelectionMetric = z.infer<typeof SelectionMetric>;

/** What an update must be before it counts. */
export const UpdateSettings = z.strictObject({
  encoding: Encoding.default('int8').describe(
    'How a delta travels: quantised to 8 bits a value (int8), or as it is (float32).',
  ),
  maxNorm: z
    .number()
    .positive()
    .max(1e9)
    .default(100)
    .describe('An update whose L2 norm is beyond this is refused.'),
  minSamples: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(1)
    .describe('An update trained on fewer images is refused.'),
  maxSamples: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('An update said to be trained on more images is refused.'),
});
export type UpdateSettings = z.infer<typeof UpdateSettings>;

export const StudyConfig = z
  .strictObject({
    name: Text.trim().min(1).max(120).describe("The study's name, as clinics see it."),
    model: Text.min(1)
      .max(1000)
      .describe("The starting model's folder, relative to study.yaml; its labels are the study's."),
    rounds: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('Rounds to run, unless the study stops earlier.'),
    seed: z
      .int()
      .min(0)
      .max(0xffffffff)
      .default(1)
      .describe('Of all that is drawn at random: augmentation, the order of images, the splits.'),
    strategy: StrategyChoice.prefault('fedavg').describe(
      "How the clinics' deltas become the next model: a strategy's name, or its name with settings.",
    ),
    training: TrainingPlan.prefault({}).describe('How every clinic trains in a round.'),
    cohort: z
      .strictObject({
        minimum: z
          .int()
          .min(1)
          .max(100_000)
          .default(2)
          .describe('A round opens when this many approved clinics are connected.'),
        quorum: z
          .int()
          .min(1)
          .max(100_000)
          .default(2)
          .describe(
            'At the deadline, a round with at least this many updates is aggregated; with fewer it fails and is tried again.',
          ),
        deadlineSeconds: z
          .int()
          .min(5)
          .max(7 * 86_400)
          .default(3600)
          .describe('Seconds from announcing a round to its deadline.'),
        attempts: z
          .int()
          .min(1)
          .max(100)
          .default(3)
          .describe('A round that misses its quorum this many times in a row pauses the study.'),
      })
      .prefault({})
      .describe('Which clinics a round needs, and how long it waits for them.'),
    updates: UpdateSettings.prefault({}).describe('How updates travel, and which are accepted.'),
    privacy: z
      .enum(['sealed'])
      .default('sealed')
      .describe("`sealed`: encrypted to the coordinator, which can read each clinic's delta."),
    evaluation: z
      .strictObject({
        data: Text.min(1)
          .max(1000)
          .describe(
            "The coordinator's own labelled images: a data set's folder on its machine (relative to study.yaml), or synthetic:…; validation decides, held-out is reported.",
          ),
        select: SelectionMetric.default('balancedAccuracy').describe(
          'The metric by which validation chooses the best round; one that the validation images do not define (malignantAuc without a malignant or without a benign one, aucOvr with one diagnosis) is refused. balancedAccuracy and macroF1 are over the diagnoses that validation holds.',
        ),
        patience: z
          .int()
          .min(1)
          .max(10_000)
          .optional()
          .describe(
            'Stop after this many rounds in a row without a better validation result; absent: run all rounds.',
          ),
        rollbackBelow: z
          .number()
          .positive()
          .max(1)
          .optional()
          .describe(
            'A round whose validation result falls more than this below the best is undone: the next starts from the best model. Absent: none is undone.',
          ),
      })
      .describe('What the coordinator evaluates every round on, and what follows from it.'),
  })
  .refine((s) => s.cohort.quorum <= s.cohort.minimum, {
    path: ['cohort', 'quorum'],
    message: "the quorum can't be larger than cohort.minimum",
  })
  .refine((s) => s.updates.minSamples <= s.updates.maxSamples, {
    path: ['updates', 'minSamples'],
    message: "minSamples can't be larger than maxSamples",
  });
export type StudyConfig = z.infer<typeof StudyConfig>;

/** Bounds of updates whose encoding need not be registered here. */
export const NamedUpdateSettings = z.strictObject({
  ...UpdateSettings.shape,
  encoding: RegistryName,
});

/**
 * A study as it is stored, shown and announced: it may name a strategy or an encoding of an
 * extension that is not loaded here. Whoever uses the name finds out.
 */
export const NamedStudyConfig = z.strictObject({
  ...StudyConfig.shape,
  strategy: NamedStrategy,
  updates: NamedUpdateSettings,
});

/**
 * Parses study.yaml.
 * @throws LENTIGO_STUDY_INVALID naming the line and the field of each mistake.
 */
export function parseStudyYaml(text: string, file = 'study.yaml'): StudyConfig {
  return parseYaml(StudyConfig, text, { file, whole: 'study', code: 'LENTIGO_STUDY_INVALID' });
}
