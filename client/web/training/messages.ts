// Messages between a page and its training worker: types of the calls that comlink carries.
import type { Sample } from '../../../common/dataset/sample.js';
import type { EngineName, EngineReport } from '../../../common/engine/engine.js';
import type { Explanation } from '../../../common/evaluation/grad-cam.js';
import type { LabelSet } from '../../../common/model/labels.js';
import type { RoundTerms } from '../../../common/protocol/terms.js';
import type { Trained } from '../../participation/journal.js';
import type { StepProgress } from '../../participation/events.js';
import type { Bytes } from '../../participation/store.js';

/**
 * A training image as the worker knows it: its photograph is asked of the page when it is needed.
 */
export type SampleRow = Omit<Sample, 'load'>;

/**
 * The photograph behind a sample's id, as it was imported: the worker asks the page, which holds
 * the keys of what this browser stores.
 * @throws LENTIGO_DATA_IMAGE_MISSING
 */
export type Photographs = (id: string) => Promise<Blob>;

/**
 * Where the page keeps frozen features, by the SHA-256 of the starting model that they belong to.
 */
export interface FeatureStore {
  get(start: string, key: string): Promise<Float32Array | undefined>;
  set(start: string, key: string, features: Float32Array): Promise<void>;
}

/** As the protocol's side of a clinic gives it (client/participation/round.ts). */
export interface TrainingJob {
  readonly terms: RoundTerms;
  readonly clinic: string;
  readonly start: Bytes;
  readonly base: Bytes;
}

export type OnProgress = (phase: 'preparing' | 'training', progress: StepProgress) => void;

/**
 * A model to predict with: a whole model (safetensors), then parameters that replace some of its
 * own, then a delta of the blocks from `trainFrom` on.
 */
export interface PredictionModel {
  readonly start: Bytes;
  readonly parameters?: {
    readonly trainFrom: string;
    readonly base: Bytes;
    readonly delta?: Float32Array;
  };
}

export interface Prediction {
  /** One per label, in the model's order; they sum to 1. */
  readonly probabilities: readonly number[];
  readonly labels: LabelSet;
}

/** What the worker offers. */
export interface TrainingService {
  /**
   * Starts the fastest engine that works here, or the one that is named.
   * @throws LENTIGO_ENGINE_UNAVAILABLE
   */
  start(engine?: EngineName): Promise<EngineReport[]>;
  /**
   * Trains as an agent does (client/participation/train-round.ts), on the engine that was started.
   * @param features absent = they stay in the worker's memory
   * @throws what `createTrainer` says; what `cancel` was given
   */
  train(
    job: TrainingJob,
    samples: readonly SampleRow[],
    photographs: Photographs,
    features: FeatureStore | undefined,
    onProgress: OnProgress,
  ): Promise<Trained>;
  /** Ends the training that runs, with an error of this message. */
  cancel(reason: string): void;
  /** Loads a model; it stays until another replaces it. */
  prepare(model: PredictionModel): Promise<LabelSet>;
  /**
   * What the prepared model says of a photograph.
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE
   */
  predict(photograph: Blob): Promise<Prediction>;
  /**
   * Which parts of the photograph speak for a class (Grad-CAM); for the most probable where none is
   * named.
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE
   */
  explain(photograph: Blob, of?: number): Promise<Explanation>;
}
