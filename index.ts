// `lentigo`: what a program can use of Lentigo. Everything that isn't exported here, or by
// lentigo/coordinator, lentigo/clinic and lentigo/protocol, may change at any time.

// Simulation and evaluation
export {
  simulate,
  type SimulateOptions,
  type SimulationResult,
  type StrategyChoice,
} from './api/simulate.js';
export type { SimulationReport } from './simulations/report.js';
export type { BaselineRecord, RoundRecord, UpdateRecord } from './simulations/journal.js';
export { evaluate, type EvaluateOptions, type Evaluation, predict } from './api/evaluate.js';
export type { Evaluated } from './common/evaluation/evaluate.js';
export type { Prediction } from './common/evaluation/prediction.js';
export type { SelectionMetric, TrainingPlan } from './common/protocol/study.js';

// Metrics
export {
  type Interval,
  type Metrics,
  metricsOf,
  type Predictions,
  SCORE_NAMES,
  type ScoreName,
  type Scores,
} from './common/evaluation/metrics.js';
export { type Pair, type Paired, pairedOf } from './common/evaluation/paired.js';

// Strategies
export { registerStrategy } from './common/federation/strategies/index.js';
export {
  type ClientPart,
  type DeltaTransform,
  moved,
  type ServerRound,
  type ServerStep,
  type Strategy,
  type StrategyDefinition,
  type StrategyState,
} from './common/federation/strategy.js';

// Aggregation rules
export type {
  AggregationRule,
  Choice,
  CombiningRule,
  Fold,
  FoldingRule,
} from './common/federation/rule.js';
export { weightedMean } from './common/federation/rules/weighted-mean.js';

// Models
export { createModel } from './api/model.js';
export { loadModel, saveModel, SHIPPED_MODEL } from './common/model/folder.node.js';
export { createStudent, type Model, type Student, type Trace } from './common/model/student.js';
export { LABEL_SETS, LabelSet } from './common/model/labels.js';
export { ParameterSet, type ParameterSpec } from './common/update/parameter-set.js';

// Architectures
export { registerArchitecture } from './common/model/architecture.js';
export type { Block, Head, Network } from './common/model/network.js';
export type {
  BatchNorm,
  Context,
  Initial,
  Layer,
  Parameters,
  Weight,
} from './common/model/layers/layer.js';
export type { Activation } from './common/model/layers/activation.js';
export { residual, sequence } from './common/model/layers/branches.js';
export { convolution, type ConvolutionOptions } from './common/model/layers/convolution.js';
export type { LayerNorm } from './common/model/layers/layer-norm.js';
export { averagePool, maxPool } from './common/model/layers/pooling.js';
export { squeeze } from './common/model/layers/squeeze.js';
export type { StoredTensor } from './common/model/safetensors.js';

// Datasets
export { openDataset, type OpenedDataset } from './common/dataset/open.node.js';
export { registerDataset } from './common/dataset/registry.js';
export type { Archive, ArchiveRow, RowReader, Source } from './common/dataset/archive.js';
export type { DatasetFormat, ReadOptions } from './common/dataset/format.js';
export type { Notes } from './common/dataset/notes.js';
export type { Column, TableRecord } from './common/dataset/table.js';
export {
  type Clinical,
  type DataProblem,
  type Dataset,
  type Origin,
  type Sample,
  type Split,
  SPLITS,
} from './common/dataset/sample.js';
export { type PatientRow, splitByPatient } from './common/dataset/split.js';
export { decodePicture } from './common/images/decode.node.js';
export type { Picture } from './common/images/picture.js';

// Encodings of updates
export type { DeltaEncoding } from './common/update/delta-encoding.js';
export { registerEncoding } from './common/update/encoding.js';

// Extensions: modules that register what is theirs, in threads and child processes too
export { loadExtensions } from './common/extensions.node.js';

// Engines, randomness, errors
export {
  type EngineName,
  type EngineReport,
  surveyEngines,
  useEngine,
} from './common/engine/engine.node.js';
export { Random } from './common/random.js';
export { type ErrorBody, type ErrorCode, ERRORS, LentigoError } from './common/errors.js';
