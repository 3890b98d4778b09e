// study.yaml: everything a study coordinator decides, with defaults that work; and the training
// plan that clinics receive.
import { z } from 'zod';
import { StrategyChoice } from '../federation/strategies/index.js';
import { Encoding } from '../update/encoding.js';
import { Text } from './primitives.js';
import { parseYaml } from './yaml.js';

/** How every clinic trains in a round. */
export const TrainingPlan = z.strictObject({
  /**
   * The first trainable block, by its name in the model's architecture (efficientnet_b0: features.0
   * … features.8, classifier); what lies before is frozen and stays at home.
   */
  trainFrom: z
    .string()
    .regex(/^[a-z]\w{0,40}(\.\w{1,40})?$/)
    .default('features.6'),
  /** Passes over the clinic's own training images in one round. */
  epochs: z.int().min(1).max(100).default(2),
  batchSize: z.int().min(1).max(256).default(8),
  optimiser: z.enum(['adamw', 'sgd']).default('adamw'),
  learningRate: z.number().positive().max(10).default(2e-4),
  /** SGD only. */
  momentum: z.number().min(0).max(0.999).default(0.9),
  /** Decoupled weight decay (AdamW), or L2 (SGD); not applied to biases and batch norm. */
  weightDecay: z.number().min(0).max(1).default(0.01),
  /** The focusing exponent γ of the focal loss; 0 is cross-entropy. */
  focalGamma: z.number().min(0).max(10).default(2),
  /**
   * How the loss makes up for rare diagnoses, from the clinic's own counts: class weights 1/√count
   * or 1/count, or logits adjusted by the log of their shares.
   */
  balance: z
    .enum(['none', 'inverse-sqrt', 'inverse', 'logit-adjustment'])
    .default('logit-adjustment'),
  /**
   * How many augmented variants of each image a clinic draws from; their frozen features are
   * computed once and kept. 1 = the plain image.
   */
  variants: z.int().min(1).max(64).default(4),
});
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
  encoding: Encoding.default('int8'),
  /** An update whose L2 norm is beyond this is refused. */
  maxNorm: z.number().positive().max(1e9).default(100),
  minSamples: z.int().min(1).max(10_000_000).default(1),
  maxSamples: z.int().min(1).max(10_000_000).default(100_000),
});
export type UpdateSettings = z.infer<typeof UpdateSettings>;

export const StudyConfig = z
  .strictObject({
    name: Text.trim().min(1).max(120),
    /** The starting model's folder, relative to study.yaml. */
    model: Text.min(1).max(1000),
    rounds: z.int().min(1).max(10_000).default(10),
    seed: z.int().min(0).max(0xffffffff).default(1),
    /** How the clinics' deltas become the next model: a name, or a name with settings. */
    strategy: StrategyChoice.prefault('fedavg'),
    training: TrainingPlan.prefault({}),
    cohort: z
      .strictObject({
        /** A round opens when this many approved clinics are connected. */
        minimum: z.int().min(1).max(100_000).default(2),
        /**
         * At the deadline, a round with at least this many updates is aggregated; with fewer it
         * fails and is tried again.
         */
        quorum: z.int().min(1).max(100_000).default(2),
        /** Seconds from announcing a round to its deadline. */
        deadlineSeconds: z
          .int()
          .min(5)
          .max(7 * 86_400)
          .default(3600),
        /** A round that misses its quorum this many times in a row pauses the study. */
        attempts: z.int().min(1).max(100).default(3),
      })
      .prefault({}),
    updates: UpdateSettings.prefault({}),
    /** `sealed`: encrypted to the coordinator, which can read each clinic's delta. */
    privacy: z.enum(['sealed']).default('sealed'),
    evaluation: z.strictObject({
      /**
       * The coordinator's own labelled images: a PAD-UFES-20 folder on its machine (relative to
       * study.yaml), or synthetic:…; validation decides, held-out is reported.
       */
      data: Text.min(1).max(1000),
      select: SelectionMetric.default('balancedAccuracy'),
      /**
       * Stop after this many rounds in a row without a better validation result; absent = run all
       * rounds.
       */
      patience: z.int().min(1).max(10_000).optional(),
      /**
       * A round whose validation result falls more than this below the best is undone: the next
       * starts from the best model.
       */
      rollbackBelow: z.number().positive().max(1).optional(),
    }),
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

/**
 * Parses study.yaml.
 * @throws LENTIGO_STUDY_INVALID naming the line and the field of each mistake.
 */
export function parseStudyYaml(text: string, file = 'study.yaml'): StudyConfig {
  return parseYaml(StudyConfig, text, { file, whole: 'study', code: 'LENTIGO_STUDY_INVALID' });
}
