// The student: the classifier that the coordinator sends and clinics fine-tune. Parameters in, logits out.
import * as tf from '@tensorflow/tfjs';
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { ParameterSet, type ParameterSpec } from '../update/parameter-set.js';
import { type ArchitectureId, blockIndex, blockNames, isStatistic, networkOf, parameterSpecs, trainableSpecs, weightsOf } from './architecture.js';
import { calibrate } from './calibrate.js';
import type { LabelSet } from './labels.js';
import { fillInitial, type Parameters } from './layers/layer.js';
import { blockForward, classify, pool } from './network.js';

export { type ArchitectureId, parameterSpecs } from './architecture.js';

/** What a model is, apart from any engine: enough to build a student, and what is stored and sent. */
export interface Model {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
}

export interface Student {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  /** Height and width of the input in pixels: 224, and 64 for the nano ones. */
  readonly inputSize: number;
  /** Names usable as `trainFrom`, in order: for efficientnet_b0 features.0 … features.8, then classifier. */
  readonly blocks: readonly string[];
  /** Names of the trainable parameters from `trainFrom` on (batch-norm running statistics are not trainable), in the order of the full set. */
  trainable(trainFrom: string): string[];
  /** The tf variables of those, in the same order. They belong to the student: don't dispose of them. */
  variables(trainFrom: string): tf.Variable[];
  /** The frozen part: normalised float32 images [n, size, size, 3] → the input of block `trainFrom` (a copy of x when that is the first block). Not differentiable. */
  features(x: tf.Tensor4D, trainFrom: string): tf.Tensor4D;
  /** The rest: that tensor → logits [n, classes], differentiable in the variables. `trainFrom` defaults to the first block. */
  logits(x: tf.Tensor, trainFrom?: string): tf.Tensor2D;
  /** All parameters, batch-norm running statistics included, read back from the engine. */
  parameters(): Promise<ParameterSet>;
  /** Overwrites the named parameters: a full set or a subset. @throws LENTIGO_WEIGHTS_INVALID on an unknown name or another shape. */
  load(parameters: ParameterSet): void;
  /** Re-estimates batch-norm running mean and variance from image batches [n, size, size, 3], block by block, with train-mode statistics. */
  calibrate(batches: readonly tf.Tensor4D[]): Promise<void>;
  dispose(): void;
}

/** A student on the current engine (call useEngine first). @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit the architecture and labels. */
export function createStudent({ architecture, labels, parameters }: Model): Student {
  const network = networkOf(architecture);
  const specs = parameterSpecs(architecture, labels.names.length);
  for (const { name } of specs) if (!parameters.has(name)) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${architecture} needs parameter ${name}`);
  checkShapes(parameters, specs, architecture);
  const variables = new Map(specs.map(({ name, shape }) => [name, tf.tidy(() => tf.variable(tf.tensor(parameters.get(name).slice(), [...shape], 'float32'), !isStatistic(name)))]));
  const blocks = blockNames(architecture);
  const lookup: Parameters = (name) => variables.get(name)!;

  const forward = (x: tf.Tensor4D, from: number, to: number): tf.Tensor4D =>
    network.blocks.slice(from, to).reduce((y, block) => blockForward(y, block, { parameters: lookup }), x);
  const trainable = (trainFrom: string): string[] => trainableSpecs(architecture, labels.names.length, trainFrom).map((s) => s.name);
  const assign = (name: string, values: Float32Array) => {
    const variable = variables.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(values.slice(), variable.shape, 'float32')));
  };

  return {
    architecture,
    labels,
    inputSize: network.inputSize,
    blocks,
    trainable,
    variables: (trainFrom) => trainable(trainFrom).map((name) => variables.get(name)!),
    features: (x, trainFrom) => tf.tidy(() => tf.clone(forward(x, 0, blockIndex(architecture, trainFrom)))),
    logits: (x, trainFrom = blocks[0]!) => tf.tidy(() => classify(pool(forward(x as tf.Tensor4D, blockIndex(architecture, trainFrom), network.blocks.length), network.head, lookup), network.head, lookup)),
    async parameters() {
      const out = new ParameterSet(specs);
      for (const { name } of specs) out.get(name).set(await variables.get(name)!.data());
      return out;
    },
    load(given) {
      checkShapes(given, specs, architecture);
      for (const { name } of given.specs) assign(name, given.get(name));
    },
    calibrate: (batches) => calibrate(batches, network, lookup, assign),
    dispose() {
      for (const variable of variables.values()) variable.dispose();
    },
  };
}

function checkShapes(parameters: ParameterSet, specs: readonly ParameterSpec[], architecture: ArchitectureId): void {
  const expected = new Map(specs.map((s) => [s.name, s.shape]));
  for (const { name, shape } of parameters.specs) {
    const wanted = expected.get(name);
    if (!wanted) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${architecture} has no parameter ${name}`);
    if (wanted.join() !== shape.join()) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `parameter ${name} of ${architecture} has shape [${wanted.join()}], not [${shape.join()}]`);
  }
}

/** Parameters before any training, as the architecture's authors draw them; seeded. */
export function initialParameters(architecture: ArchitectureId, labels: LabelSet, random: Random): ParameterSet {
  const weights = weightsOf(architecture, labels.names.length);
  const out = new ParameterSet(parameterSpecs(architecture, labels.names.length));
  for (const { name, initial } of weights) fillInitial(out.get(name), initial, random.fork('initial', name));
  return out;
}
