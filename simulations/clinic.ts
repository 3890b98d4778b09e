// A round of virtual clinics: a clinic's part of it and the server's, by the code that agents and
// coordinator run, with files instead of sockets.
import { encodeDelta, seedOf, trainDelta } from '../client/participation/local-update.js';
import { fileSource } from '../common/crypto/byte-source.node.js';
import { LentigoError } from '../common/errors.js';
import type { FeatureCache } from '../common/training/feature-cache.js';
import type { TrainingProgress } from '../common/training/train.js';
import { checkDelta } from '../common/update/check.js';
import { encodings } from '../common/update/encoding.js';
import type { ParameterSet } from '../common/update/parameter-set.js';
import { serverRound } from '../common/federation/server-round.js';
import { clientDelta, clientPlan } from '../common/federation/client-part.js';
import type { ServerStep } from '../common/federation/strategy.js';
import { clinicName, type World } from './world.js';

export interface ClinicUpdate {
  /** As it would travel, before encryption. */
  readonly payload: Uint8Array;
  readonly samples: number;
  readonly loss: number;
  /** L2 norm of the delta as the coordinator decodes it. */
  readonly norm: number;
}

/**
 * One clinic's local training from `base`, encoded and checked.
 * @param clinic index, from 0
 * @throws LENTIGO_UPDATE_NOT_FINITE or LENTIGO_UPDATE_NORM naming clinic and round; what `train`
 *   throws
 */
export async function trainClinic(
  { config, shares, strategy, student, reader }: World,
  { round, clinic, base }: { round: number; clinic: number; base: ParameterSet },
  {
    cache,
    onProgress,
  }: { cache: FeatureCache | undefined; onProgress: (progress: TrainingProgress) => void },
): Promise<ClinicUpdate> {
  const { encoding, maxNorm } = config.updates;
  const name = clinicName(clinic);
  const seed = seedOf({ seed: config.seed, round }, name);
  student.load(base);
  const plan = clientPlan(strategy.client, config.training, round);
  const trained = await trainDelta(student, base, shares[clinic]!, plan, {
    seed,
    ...(cache && { cache }),
    reader,
    onProgress,
  });
  const { samples, loss } = trained;
  try {
    const delta = clientDelta(strategy.client, trained, { round, seed });
    const payload = encodeDelta(delta, encoding, seed);
    return {
      payload,
      samples,
      loss,
      norm: checkDelta(encodings.get(encoding).decode(payload), { count: base.length, maxNorm }),
    };
  } catch (error) {
    if (!(error instanceof LentigoError)) throw error;
    throw new LentigoError(error.code, `Round ${round}, ${name}: ${error.message}`, {
      cause: error,
    });
  }
}

/** The strategy's rule over the payloads in these files, in clinic order, and its server's step. */
export async function aggregateRound(
  { config, strategy }: World,
  round: number,
  { parameters, state }: ServerStep,
  updates: readonly { readonly path: string; readonly samples: number }[],
): Promise<ServerStep> {
  const payloads = await Promise.all(
    updates.map(async ({ path, samples }) => {
      const source = await fileSource(path);
      return { samples, read: (start: number, end: number) => source.read(start, end) };
    }),
  );
  return serverRound({
    name: config.strategy.name,
    strategy,
    round,
    parameters,
    state,
    payloads,
    encoding: encodings.get(config.updates.encoding),
  });
}
