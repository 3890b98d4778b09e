// The page's end of the training worker.
import { proxy, type Remote, wrap } from 'comlink';
import type { EngineName, EngineReport } from '../../../common/engine/engine.js';
import type { Explanation } from '../../../common/evaluation/grad-cam.js';
import { keepErrorCodes } from '../../../common/workers/error-codes.js';
import type { LabelSet } from '../../../common/model/labels.js';
import type { Trainer } from '../../participation/round.js';
import {
  type FeatureStore,
  type Photographs,
  type Prediction,
  type PredictionModel,
  type SampleRow,
  type TrainingService,
} from './messages.js';

keepErrorCodes();

/**
 * @example
 * const worker = await TrainingWorker.start();
 * new Participant({ …, train: worker.trainer(rows, (id) => photographOf(id)) });
 */
export class TrainingWorker {
  readonly #worker: Worker;
  readonly #service: Remote<TrainingService>;
  /** What works here, what was chosen, and why. */
  readonly engines: readonly EngineReport[];

  private constructor(
    worker: Worker,
    service: Remote<TrainingService>,
    engines: readonly EngineReport[],
  ) {
    this.#worker = worker;
    this.#service = service;
    this.engines = engines;
  }

  /**
   * Starts a worker with the fastest engine that works in it, or the one that is named.
   * @throws LENTIGO_ENGINE_UNAVAILABLE
   */
  static async start(engine?: EngineName): Promise<TrainingWorker> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const service = wrap<TrainingService>(worker);
    try {
      return new TrainingWorker(worker, service, await service.start(engine));
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /**
   * A participant's trainer on these images: one training at a time.
   * @param samples the clinic's training split
   * @param features where frozen features are kept; absent = in the worker's memory, until it ends
   */
  trainer(
    samples: readonly SampleRow[],
    photographs: Photographs,
    features?: FeatureStore,
  ): Trainer {
    return async (job, { signal, onProgress }) => {
      signal.throwIfAborted();
      const cancel = () => void this.#service.cancel('the training was stopped');
      signal.addEventListener('abort', cancel, { once: true });
      try {
        return await this.#service.train(
          job,
          samples,
          proxy(photographs),
          features && proxy(features),
          proxy(onProgress),
        );
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    };
  }

  /**
   * Loads the model that `predict` uses from now on.
   * @throws LENTIGO_WEIGHTS_INVALID
   */
  async prepare(model: PredictionModel): Promise<LabelSet> {
    return await this.#service.prepare(model);
  }

  /** @throws LENTIGO_DATA_IMAGE_UNREADABLE */
  async predict(photograph: Blob): Promise<Prediction> {
    return await this.#service.predict(photograph);
  }

  /**
   * Which parts of a photograph speak for a class of the prepared model; for the most probable
   * where none is named.
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE
   */
  async explain(photograph: Blob, of?: number): Promise<Explanation> {
    return await this.#service.explain(photograph, of);
  }

  /** Ends the worker and whatever it does. */
  end(): void {
    this.#worker.terminate();
  }
}
