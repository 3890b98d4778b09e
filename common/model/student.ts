// The student: the classifier that the coordinator sends and clinics fine-tune. Parameters in, logits out.
import type * as tf from '@tensorflow/tfjs';
import type { Random } from '../random.js';
import type { ParameterSet } from '../update/parameter-set.js';
import type { ArchitectureId } from './architecture.js';
import type { LabelSet } from './labels.js';

export { type ArchitectureId, parameterSpecs } from './architecture.js';

/** What a model is, apart from any engine: enough to build a student, and what is stored and sent. */
export interface Model {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
}

export interface Student {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  /** Height and width of the input in pixels: 224 for efficientnet_b0, 64 for nano. */
  readonly inputSize: number;
  /** Names usable as `trainFrom`, in order: features.0 … features.8 (nano: … features.4), classifier. */
  readonly blocks: readonly string[];
  /** Names of the trainable parameters from `trainFrom` on (batch-norm running statistics are not trainable), in the order of the full set. */
  trainable(trainFrom: string): string[];
  /** The tf variables of those, in the same order. They belong to the student: don't dispose of them. */
  variables(trainFrom: string): tf.Variable[];
  /** The frozen part: normalised float32 images [n, size, size, 3] → the input of block `trainFrom` (a copy of x when that is the first block). Not differentiable. */
  features(x: tf.Tensor4D, trainFrom: string): tf.Tensor4D;
  /** The rest: that tensor → logits [n, classes], differentiable in the variables. `trainFrom` defaults to the first block. */
  logits(x: tf.Tensor, trainFrom?: string): tf.Tensor2D;
  /** All parameters, batch-norm running statistics included, read back from the engine. */
  parameters(): Promise<ParameterSet>;
  /** Overwrites the named parameters: a full set or a subset. @throws LENTIGO_WEIGHTS_INVALID on an unknown name or another shape. */
  load(parameters: ParameterSet): void;
  /** Re-estimates batch-norm running mean and variance from image batches [n, size, size, 3], block by block, with train-mode statistics. */
  calibrate(batches: readonly tf.Tensor4D[]): Promise<void>;
  dispose(): void;
}

/** A student on the current engine (call useEngine first). @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit the architecture and labels. */
export function createStudent(_model: Model): Student {
  throw new Error('not built yet');
}

/** He initialisation as torchvision does it, seeded. */
export function initialParameters(_architecture: ArchitectureId, _labels: LabelSet, _random: Random): ParameterSet {
  throw new Error('not built yet');
}
