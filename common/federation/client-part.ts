// A strategy's part at the clinic, applied: the plan it trains by, and what becomes of its delta.
import type { TrainingPlan } from '../protocol/study.js';
import { Random } from '../random.js';
import { type StrategyChoice, strategyOf } from './strategies/index.js';
import type { ClientPart } from './strategy.js';

/** The client part that a round's terms name. @throws LENTIGO_STRATEGY_UNKNOWN */
export const clientPartOf = (choice: StrategyChoice | null): ClientPart | undefined =>
  choice === null ? undefined : strategyOf(choice).client;

/** The plan by which a clinic trains in this round: the study's, or what the strategy makes of it. */
export const clientPlan = (
  part: ClientPart | undefined,
  plan: TrainingPlan,
  round: number,
): TrainingPlan => part?.plan?.(plan, round) ?? plan;

/**
 * The delta after the strategy's transforms, one after the other; `trained.delta` stays as it is.
 * @param seed of this clinic in this round
 */
export function clientDelta(
  part: ClientPart | undefined,
  { delta, samples }: { readonly delta: Float32Array; readonly samples: number },
  { round, seed }: { readonly round: number; readonly seed: string },
): Float32Array {
  const transforms = part?.transforms ?? [];
  if (transforms.length === 0) return delta;
  return transforms.reduce<Float32Array>(
    (changed, transform, k) =>
      transform(changed, { round, samples, random: new Random(`${seed}/transform/${k}`) }),
    new Float32Array(delta),
  );
}
