// The training of a round: the announced model on this clinic's samples, on the engine in use.
import type { Sample } from '../../common/dataset/sample.js';
import { LentigoError } from '../../common/errors.js';
import type { FeatureCache } from '../../common/training/feature-cache.js';
import type { TrainingOptions } from '../../common/training/train.js';
import { clientPartOf, clientPlan } from '../../common/federation/client-part.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, decodeParameters } from '../../common/model/encoding.js';
import { createStudent } from '../../common/model/student.js';
import type { Trained } from './journal.js';
import { seedOf, trainDelta } from './local-update.js';
import type { Trainer } from './round.js';

/**
 * Trains, and returns delta = trained − base over the trainable parameters. Call useEngine first.
 * @param samples the clinic's training split
 * @param cacheOf the feature cache for a starting model, by its SHA-256
 * @param threads what training runs on besides this thread; the reader is released after each round
 * @throws LENTIGO_UPDATE_SAMPLES before training, when the study doesn't accept this number of
 *   samples; what `train` throws; LENTIGO_WEIGHTS_INVALID
 */
export function createTrainer(
  samples: readonly Sample[],
  cacheOf: (start: string) => Promise<FeatureCache>,
  { threads, reader }: Pick<TrainingOptions, 'threads' | 'reader'> = {},
): Trainer {
  return async ({ terms, clinic, start, base }, { signal, onProgress }): Promise<Trained> => {
    const { architecture, labels, round } = terms;
    const { minSamples, maxSamples } = terms.updates;
    const plan = clientPlan(clientPartOf(terms.clientPart), terms.training, round);
    if (samples.length < minSamples || samples.length > maxSamples) {
      throw new LentigoError(
        'LENTIGO_UPDATE_SAMPLES',
        `Round ${round}: this clinic has ${samples.length} training images; the study takes ${minSamples} to ${maxSamples}.`,
      );
    }
    const model = decodeModel(start);
    if (
      model.architecture !== architecture ||
      JSON.stringify(model.labels) !== JSON.stringify(labels)
    ) {
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `Round ${round}: the starting model is not the one that was announced (${architecture}, ${labels.names.join(', ')}).`,
      );
    }
    const from = decodeParameters(
      base,
      trainableSpecs(architecture, labels.names.length, plan.trainFrom),
    );
    const student = createStudent({ ...model, parameters: model.parameters.with(from) });
    try {
      return await trainDelta(student, from, samples, plan, {
        seed: seedOf(terms, clinic),
        cache: await cacheOf(terms.start.sha256),
        signal,
        ...(threads && { threads }),
        reader,
        onProgress: ({ phase, ...progress }) => onProgress(phase, progress),
      });
    } finally {
      student.dispose();
      await reader?.release();
    }
  };
}
