// A clinic's computation in a round, independent of any network: the seed, the trained delta, its
// encoding. Agents and simulations share it.
import type { Sample } from '../../common/dataset/sample.js';
import { train, type TrainingOptions } from '../../common/training/train.js';
import type { Student } from '../../common/model/student.js';
import type { Encoding } from '../../common/update/encoding.js';
import type { TrainingPlan } from '../../common/protocol/study.js';
import { Random } from '../../common/random.js';
import { encodings } from '../../common/update/encoding.js';
import type { ParameterSet } from '../../common/update/parameter-set.js';
import type { Trained } from './journal.js';

/** The seed of everything random in a clinic's part of a round. */
export const seedOf = (
  { seed, round }: { readonly seed: number; readonly round: number },
  clinic: string,
): string => `${seed}/${round}/${clinic}`;

/**
 * Trains the student in place; delta = trained − base, over the trainable parameters.
 * @param student loaded with `base`
 * @throws what `train` throws
 */
export async function trainDelta(
  student: Student,
  base: ParameterSet,
  samples: readonly Sample[],
  plan: TrainingPlan,
  options: TrainingOptions,
): Promise<Trained> {
  const result = await train(student, samples, plan, options);
  const delta = new Float32Array(result.parameters.minus(base).values);
  return {
    delta,
    samples: result.samples,
    leftOut: result.skipped,
    loss: result.loss.at(-1)!,
  };
}

/**
 * Encodes a delta into the payload, with rounding seeded by the round.
 * @throws LENTIGO_UPDATE_NOT_FINITE
 */
export const encodeDelta = (delta: Float32Array, encoding: Encoding, seed: string): Uint8Array =>
  encodings.get(encoding).encode(delta, new Random(`${seed}/encoding`));
