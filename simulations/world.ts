// What a simulation works on: the starting model, the images of the three splits, and the clinics'
// shares of the training patients.
import { openDataset } from '../common/dataset/open.node.js';
import { remarks } from '../common/dataset/remarks.js';
import { dataUsed, fingerprintOf } from '../common/dataset/used.node.js';
import { type Dataset, SPLITS, type Sample, type Split } from '../common/dataset/sample.js';
import { type EngineName, useEngine } from '../common/engine/engine.node.js';
import { LentigoError } from '../common/errors.js';
import { type Evaluated, predictSamples } from '../common/evaluation/evaluate.js';
import type { FeatureCache } from '../common/training/feature-cache.js';
import { sha256Of } from '../common/files/sha256.node.js';
import { InputThread } from '../common/training/input-thread.node.js';
import { type Metrics, metricsOf } from '../common/evaluation/metrics.js';
import { requireDefined } from '../common/federation/selection.js';
import { strategyOf } from '../common/federation/strategies/index.js';
import type { Strategy } from '../common/federation/strategy.js';
import { trainableSpecs } from '../common/model/architecture.js';
import { encodeModel, encodeParameters } from '../common/model/encoding.js';
import { loadModel } from '../common/model/folder.node.js';
import type { DataUsed } from '../common/model/provenance.js';
import { createStudent, type Model, type Student } from '../common/model/student.js';
import { Random } from '../common/random.js';
import type { ParameterSet } from '../common/update/parameter-set.js';
import type { SimulationConfig } from './config.js';
import { partition } from './partition.js';

export interface World {
  readonly config: SimulationConfig;
  readonly strategy: Strategy;
  readonly engine: EngineName;
  /** The starting model. */
  readonly model: Model;
  /** SHA-256 of the starting model without its provenance, and of the images' ids, labels, patients and splits. */
  readonly hashes: { readonly model: string; readonly data: string };
  /** The images, as a model that is made from them remembers them. */
  readonly data: DataUsed;
  /** The trainable parameters of the starting model. */
  readonly start: ParameterSet;
  /**
   * What a clinic downloads: the whole starting model once, the trainable parameters in every
   * round.
   */
  readonly bytes: { readonly model: number; readonly parameters: number };
  readonly splits: Readonly<Record<Split, readonly Sample[]>>;
  /** Training images of each clinic. */
  readonly shares: readonly (readonly Sample[])[];
  /** One for all: every clinic loads the round's base into it. */
  readonly student: Student;
  /** Reads the photographs of all. */
  readonly reader: InputThread;
  /** Reads what could not be used. */
  readonly problems: readonly string[];
}

/** @throws LENTIGO_SIMULATION_INVALID the model has no such block */
function trainable({ architecture, labels }: Model, { training }: SimulationConfig) {
  try {
    return trainableSpecs(architecture, labels.names.length, training.trainFrom);
  } catch (error) {
    if (error instanceof LentigoError && error.code === 'LENTIGO_STUDY_INVALID')
      throw new LentigoError('LENTIGO_SIMULATION_INVALID', error.message, { cause: error });
    throw error;
  }
}

/** What a program has already, instead of what the configuration names. */
export interface Given {
  readonly model?: Model;
  readonly dataset?: Dataset;
}

/**
 * @throws what useEngine, loadModel, openDataset and partition throw; LENTIGO_DATA_EMPTY a split
 *   without images; LENTIGO_METRIC_UNDEFINED; LENTIGO_SIMULATION_INVALID no such block
 */
export async function createWorld(config: SimulationConfig, given: Given = {}): Promise<World> {
  const model = given.model ?? (await loadModel(config.init));
  const specs = trainable(model, config);
  const dataset =
    given.dataset ?? (await openDataset(config.data, { labels: model.labels, seed: config.seed }));
  const of = (split: Split): Sample[] => dataset.samples.filter((s) => s.split === split);
  const splits = { train: of('train'), validation: of('validation'), heldout: of('heldout') };
  for (const split of SPLITS)
    if (splits[split].length === 0)
      throw new LentigoError(
        'LENTIGO_DATA_EMPTY',
        `${dataset.name} has no usable image in the ${split} split, which a simulation needs`,
      );
  requireDefined(
    config.select,
    splits.validation.map(({ label }) => label),
    model.labels,
    dataset.name,
  );
  const start = model.parameters.subset(new Set(specs.map((s) => s.name)));
  const bytes = encodeModel(model);
  const engine = await useEngine();
  return {
    config,
    strategy: strategyOf(config.strategy),
    engine,
    model,
    hashes: {
      model: sha256Of(encodeModel({ ...model, provenance: undefined })),
      data: fingerprintOf(dataset),
    },
    data: dataUsed(dataset, 'training and evaluation'),
    start,
    bytes: { model: bytes.length, parameters: encodeParameters(start).length },
    splits,
    shares: partition(splits.train, {
      clinics: config.clinics,
      alpha: config.alpha,
      seed: new Random(config.seed),
    }),
    student: createStudent(model),
    reader: new InputThread(),
    problems: remarks(dataset),
  };
}

export const clinicName = (index: number): string => `clinic-${index + 1}`;

/**
 * The student as it is loaded, on one split.
 * @param threshold as `metricsOf` takes it
 */
export async function evaluateSplit(
  { student, splits, config, reader }: World,
  split: Split,
  threshold: number | 'choose' | null,
  cache: FeatureCache | undefined,
  onProgress: (fraction: number) => void,
): Promise<{ metrics: Metrics; predictions: Evaluated }> {
  const predictions = await predictSamples(student, splits[split], {
    trainFrom: config.training.trainFrom,
    cache,
    reader,
    onProgress,
  });
  return { metrics: metricsOf(predictions, student.labels, config.seed, threshold), predictions };
}
