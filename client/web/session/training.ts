// The one training worker of the page: rounds train in it, and predictions ask it.
import type { EngineName } from '../../../common/engine/engine.js';
import { TrainingWorker } from '../training/training-worker.js';

let worker: Promise<TrainingWorker> | undefined;

/** …/clinic/?engine=webgpu asks for an engine by name, to compare them. */
const asked = (new URLSearchParams(location.search).get('engine') ?? undefined) as
  | EngineName
  | undefined;

/**
 * Started when it is first needed.
 * @throws LENTIGO_ENGINE_UNAVAILABLE
 */
export function trainingWorker(): Promise<TrainingWorker> {
  worker ??= TrainingWorker.start(asked).catch((error: unknown) => {
    worker = undefined;
    throw error;
  });
  return worker;
}
