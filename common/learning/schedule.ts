// How the learning rate moves within one clinic's training of a round, by the name that the plan gives.
import type { TrainingPlan } from '../protocol/study.js';

/** Shape of the cycle, as torch.optim.lr_scheduler.OneCycleLR has it by default. */
const RISE = 0.3;
const START_DIVISOR = 25;
const END_DIVISOR = START_DIVISOR * 1e4;

/** Half a cosine from a to b, fraction 0–1. */
const glide = (a: number, b: number, fraction: number): number => b + ((a - b) / 2) * (1 + Math.cos(Math.PI * fraction));

/**
 * The learning rate of a step. `one-cycle` (Smith & Topin 2018): up from a 25th of the plan's rate over the first three tenths of the steps, then down to
 * nearly nothing. The optimiser starts afresh in every round, and Adam's first steps move every parameter by the full rate whatever its gradient is worth:
 * the slow start takes that noise away, the slow end what the last few batches happened to hold.
 * @param step from 0 to steps − 1
 */
export function learningRateAt({ schedule, learningRate }: Pick<TrainingPlan, 'schedule' | 'learningRate'>, step: number, steps: number): number {
  if (schedule === 'constant') return learningRate;
  const top = RISE * steps - 1;
  if (step <= top) return glide(learningRate / START_DIVISOR, learningRate, top > 0 ? step / top : 1);
  const last = steps - 1;
  return last > top ? glide(learningRate, learningRate / END_DIVISOR, (step - top) / (last - top)) : learningRate;
}
