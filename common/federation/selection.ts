// Validation decides which model is the best: in studies, simulations and distillations by the same
// rule. A metric that the validation images don't define can't decide, and is never taken for 0.
import { LentigoError } from '../errors.js';
import type { Metrics, ScoreName } from '../evaluation/metrics.js';
import type { LabelSet } from '../model/labels.js';

/**
 * A model's score by the metric that decides.
 * @throws LENTIGO_METRIC_UNDEFINED when the images that were evaluated don't define it
 */
export function selectionScore(validation: Metrics, select: ScoreName): number {
  const score = validation[select];
  if (score === null)
    throw new LentigoError(
      'LENTIGO_METRIC_UNDEFINED',
      `${select}, which chooses the best model, is not defined on the ${validation.samples} validation images that could be read`,
    );
  return score;
}

/** Among equal scores the earlier one stays. @param best null before anything was evaluated */
export const isBetter = (score: number, best: number | null): boolean =>
  best === null || score > best;

/**
 * Refuses a metric that images of these labels can't define, before anything is trained.
 * @param labels of the validation images
 * @param name of the data, for the message
 * @throws LENTIGO_METRIC_UNDEFINED saying what is missing
 */
export function requireDefined(
  select: ScoreName,
  labels: readonly string[],
  set: LabelSet,
  name: string,
): void {
  const why = missingFor(select, labels, set);
  if (why !== null)
    throw new LentigoError(
      'LENTIGO_METRIC_UNDEFINED',
      `${select} can't choose the best model: ${why} (${name}: ${labels.length} validation images, of ${[...new Set(labels)].sort().join(', ') || 'no diagnosis'})`,
    );
}

/** Why these images don't define the metric, or null where they do. */
function missingFor(select: ScoreName, labels: readonly string[], set: LabelSet): string | null {
  const malignant = labels.filter((label) => set.malignant.includes(label)).length;
  if (labels.length === 0) return 'there is no validation image';
  switch (select) {
    case 'malignantAuc':
    case 'malignantRecall':
      if (set.malignant.length === 0) return 'the model names none of its diagnoses as malignant';
      if (malignant === 0) return `no validation image is malignant (${set.malignant.join(', ')})`;
      return select === 'malignantAuc' && malignant === labels.length
        ? 'every validation image is malignant, and none benign'
        : null;
    case 'aucOvr':
      return new Set(labels).size < 2
        ? 'all validation images have one diagnosis, and it compares each with the others'
        : null;
    default:
      return null;
  }
}
