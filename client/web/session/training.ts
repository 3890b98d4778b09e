// The page's only training worker: it trains rounds and computes predictions.
import type { EngineName } from '../../../common/engine/engine.js';
import { TrainingWorker } from '../training/training-worker.js';

let worker: Promise<TrainingWorker> | undefined;

/** …/clinic/?engine=webgpu selects an engine by name, to compare engines. */
const asked = (new URLSearchParams(location.search).get('engine') ?? undefined) as
  | EngineName
  | undefined;

/**
 * Started on first use.
 * @throws LENTIGO_ENGINE_UNAVAILABLE
 */
export function trainingWorker(): Promise<TrainingWorker> {
  worker ??= TrainingWorker.start(asked).catch((error: unknown) => {
    worker = undefined;
    throw error;
  });
  return worker;
}
