// The one training worker of the page: rounds train in it, and predictions ask it.
import { TrainingWorker } from '../training/training-worker.js';

let worker: Promise<TrainingWorker> | undefined;

/** Started when it is first needed. @throws LENTIGO_ENGINE_UNAVAILABLE */
export function trainingWorker(): Promise<TrainingWorker> {
  worker ??= TrainingWorker.start().catch((error: unknown) => {
    worker = undefined;
    throw error;
  });
  return worker;
}
