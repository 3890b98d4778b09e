// A recipe: which teachers teach which student, by which losses, for how long. Each preset is one
// recipe, in its own file.
import type { ArchitectureId } from '../../common/model/architecture-id.js';
import type { ScoreName } from '../../common/evaluation/metrics.js';
import type { LabelSet } from '../../common/model/labels.js';
import type { MetadataColumns } from '../../common/model/metadata.js';
import type { TeacherDesign } from '../../common/model/teacher.js';
import type { TrainingPlan } from '../../common/protocol/study.js';

/** One phase of training; AdamW starts afresh in each. */
export interface Phase {
  /**
   * The first trainable block, or `all` to train from the first one. Without starting weights only
   * the last phase runs, and it trains all blocks.
   */
  readonly trainFrom: string;
  readonly epochs: number;
  /**
   * The highest learning rate: it rises for the first tenth of the phase's steps, then falls along
   * half a cosine to 0 (Loshchilov & Hutter 2017). With `plateau`: the first learning rate.
   */
  readonly learningRate: number;
  /**
   * The learning rate stays constant, and is multiplied by `factor` after `patience` epochs in a
   * row without a better validation result.
   */
  readonly plateau?: { readonly factor: number; readonly patience: number };
  readonly weightDecay: number;
  /** The phase ends after this many epochs in a row without a better validation result. */
  readonly patience: number;
}

export interface TeacherPlan extends Pick<TeacherDesign, 'architecture' | 'attention' | 'fused'> {
  /** Share of the features that training drops before each dense layer of the head. */
  readonly dropout: number;
  readonly phases: readonly Phase[];
}

/**
 * Weights in (1 − α) focal + α T² KL + features · (1 − cos) + attention · ‖difference of maps‖².
 */
export interface Losses {
  readonly alpha: number;
  readonly temperature: number;
  readonly features: number;
  readonly attention: number;
}

export interface Recipe {
  readonly name: string;
  /** One line: what it is, and its source. */
  readonly about: string;
  readonly labels: LabelSet;
  readonly student: { readonly architecture: ArchitectureId; readonly phases: readonly Phase[] };
  /**
   * By the name that --teacher takes; the first is the default. Several plans form an ensemble,
   * whose logits are averaged.
   */
  readonly teachers: Readonly<Record<string, readonly TeacherPlan[]>>;
  /** What a teacher with a fused layer reads besides photographs; if absent, nothing. */
  readonly metadata?: MetadataColumns;
  readonly losses: Losses;
  /** The focusing exponent γ; 0 is cross-entropy. */
  readonly focalGamma: number;
  readonly balance: TrainingPlan['balance'];
  readonly batchSize: number;
  /**
   * Number of augmented variants of each photograph: teacher outputs and frozen features are
   * computed once for each.
   */
  readonly variants: number;
  /** The score by which validation chooses the best epoch; if several, their mean. */
  readonly select: ScoreName | readonly ScoreName[];
}
