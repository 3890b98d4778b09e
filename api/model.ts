// A model before any training, as a call of a program.
import type { LabelSet } from '../common/model/labels.js';
import { initialParameters, type Model } from '../common/model/student.js';
import { Random } from '../common/random.js';

/**
 * A model of an architecture with random parameters, as its authors draw them.
 * @example
 * const model = createModel({ architecture: 'convnext_atto', labels: LABEL_SETS.binary });
 */
export const createModel = ({
  architecture,
  labels,
  seed = 1,
}: {
  /** A registered name, such as `efficientnet_b0`. */
  readonly architecture: Model['architecture'];
  /** What the model tells apart, in the order of its outputs. */
  readonly labels: LabelSet;
  /** The same seed gives the same parameters; 1 by default. */
  readonly seed?: number;
}): Model => ({
  architecture,
  labels,
  parameters: initialParameters(architecture, labels, new Random(seed).fork('model')),
});
