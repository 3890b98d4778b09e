// A model before any training, as a call of a program.
import type { LabelSet } from '../common/model/labels.js';
import { initialParameters, type Model } from '../common/model/student.js';
import { Random } from '../common/random.js';

/**
 * A model of an architecture with random parameters, as its authors draw them.
 * @param options.architecture a registered name, such as `efficientnet_b0`
 * @param options.seed the same seed gives the same parameters; 1 by default
 * @example
 * const model = createModel({ architecture: 'convnext_atto', labels: LABEL_SETS.binary });
 */
export const createModel = ({
  architecture,
  labels,
  seed = 1,
}: {
  readonly architecture: Model['architecture'];
  readonly labels: LabelSet;
  readonly seed?: number;
}): Model => ({
  architecture,
  labels,
  parameters: initialParameters(architecture, labels, new Random(seed).fork('model')),
});
