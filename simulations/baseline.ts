// What federation is compared with: the same training on all data in one place, and on each
// clinic's data alone.
import type { Sample } from '../common/dataset/sample.js';
import type { Evaluated } from '../common/evaluation/evaluate.js';
import type { FeatureCache } from '../common/training/feature-cache.js';
import type { Metrics } from '../common/evaluation/metrics.js';
import { train } from '../common/training/train.js';
import type { ParameterSet } from '../common/update/parameter-set.js';
import { isBetter, selectionScore } from '../common/federation/selection.js';
import type { BaselineRecord } from './journal.js';
import { clinicName, evaluateSplit, type World } from './world.js';

export const CENTRALISED = 'centralised';

/** The models to compare with, by name, and what each trains on. */
export const baselinesOf = ({
  splits,
  shares,
}: World): { readonly name: string; readonly samples: readonly Sample[] }[] => [
  { name: CENTRALISED, samples: splits.train },
  ...shares.map((samples, k) => ({ name: clinicName(k), samples })),
];

/**
 * Trains the starting model on these samples without federation, with the federation's plan: every
 * image is seen as often as there,
 * rounds × epochs times, and validation looks as often, after every `epochs` epochs. One training:
 * the optimiser keeps its state.
 * @returns held-out result of the epoch that validation chose
 */
export async function trainBaseline(
  world: World,
  { name, samples }: { readonly name: string; readonly samples: readonly Sample[] },
  {
    cache,
    onTraining,
    onEvaluating,
  }: {
    cache: FeatureCache | undefined;
    onTraining: (fraction: number) => void;
    onEvaluating: (fraction: number) => void;
  },
): Promise<{ record: BaselineRecord; predictions: Evaluated }> {
  const { student, config, reader } = world;
  const { training, rounds, select } = config;
  const began = performance.now();
  const epochs = rounds * training.epochs;
  let best: { epoch: number; validation: Metrics; parameters: ParameterSet } | undefined;
  student.load(world.start);
  const result = await train(
    student,
    samples,
    { ...training, epochs },
    {
      seed: `${config.seed}/${name}`,
      ...(cache && { cache }),
      reader,
      onProgress: ({ phase, fraction }) => {
        if (phase === 'training') onTraining(fraction);
      },
      async onEpoch(epoch) {
        if (epoch % training.epochs !== 0) return;
        const { metrics } = await evaluateSplit(
          world,
          'validation',
          'choose',
          cache,
          () => undefined,
        );
        if (
          isBetter(
            selectionScore(metrics, select),
            best ? selectionScore(best.validation, select) : null,
          )
        )
          best = { epoch, validation: metrics, parameters: await student.parameters() };
      },
    },
  );
  if (!best) throw new Error(`${name} was trained without an epoch`);
  student.load(best.parameters);
  const { epoch, validation } = best;
  const { metrics, predictions } = await evaluateSplit(
    world,
    'heldout',
    validation.operatingPoint?.threshold ?? null,
    cache,
    onEvaluating,
  );
  const seconds = (performance.now() - began) / 1000;
  return {
    record: {
      name,
      images: result.samples,
      seen: result.samples * epochs,
      epochs,
      epoch,
      validation,
      heldout: metrics,
      seconds,
    },
    predictions,
  };
}
