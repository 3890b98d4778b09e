// What a study's clinics are told about the models that it has made so far.
import type { StudyModels } from '../../common/protocol/study-models.js';
import type { StudyStore } from './ports.js';
import type { StudyState } from './state.js';

/** @returns what is to be signed for the clinics, from the evaluations as they were recorded */
export async function studyModels(
  { id, status, start, config, best, completed }: StudyState,
  store: Pick<StudyStore, 'evaluations'>,
): Promise<StudyModels> {
  const { select } = config.evaluation;
  const recorded = best === null ? [] : await store.evaluations(id, best.round, best.round);
  if (best) {
    const ended = await store.evaluations(id, Math.max(0, completed - 1), completed);
    recorded.push(...ended.filter(({ round }) => round !== best.round));
  }
  return {
    study: id,
    status,
    start,
    trainFrom: config.training.trainFrom,
    select,
    best: best && best.round,
    last: best && completed,
    models: recorded
      .toSorted((a, b) => a.round - b.round)
      .map(({ round, model, validation, heldout }) => ({
        round,
        parameters: model,
        validation: validation[select],
        heldout,
      })),
  };
}
