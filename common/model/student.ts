// The student: the classifier that the coordinator sends and clinics fine-tune. Parameters in,
// logits out.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import type { Random } from '../random.js';
import { ParameterSet } from '../update/parameter-set.js';
import { compiled } from '../engine/compiled.js';
import {
  type ArchitectureId,
  blockIndex,
  blockNames,
  networkOf,
  parameterSpecs,
  specsFrom,
  trainableSpecs,
  weightsOf,
} from './architecture.js';
import { calibrate } from './calibrate.js';
import type { LabelSet } from './labels.js';
import { byBatch } from './layers/batch-norm.js';
import { type Context, fillInitial, type Parameters } from './layers/layer.js';
import { type Block, blockForward, classify, pool } from './network.js';
import { Variables } from './variables.js';

export { type ArchitectureId, parameterSpecs } from './architecture.js';

/**
 * What a model is, apart from any engine: enough to build a student, and what is stored and sent.
 */
export interface Model {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
}

/** What evaluation needs of a model. */
export interface Classifier {
  readonly labels: LabelSet;
  /** Height and width of the input in pixels: 224, and 64 for the nano ones. */
  readonly inputSize: number;
  /**
   * Names usable as `trainFrom`, in order: for efficientnet_b0 features.0 … features.8, then
   * classifier.
   */
  readonly blocks: readonly string[];
  /**
   * The frozen part: normalised float32 images [n, size, size, 3] → the input of block `trainFrom`
   * (a copy of x when that is the first block). Not differentiable.
   */
  features(x: tf.Tensor4D, trainFrom: string): tf.Tensor4D;
  /**
   * The rest: that tensor → logits [n, classes], differentiable in the variables. `trainFrom`
   * defaults to the first block; `samples` are whose pictures they are, where clinical metadata is
   * read too.
   */
  logits(x: tf.Tensor, trainFrom?: string, samples?: readonly Sample[]): tf.Tensor2D;
}

/** What a forward pass passes through: what distillation compares. */
export interface Trace {
  /** The output of each block that was passed, [n, h, w, c]. */
  readonly maps: ReadonlyMap<string, tf.Tensor4D>;
  /** What the last dense layer sees, [n, c]. */
  readonly embedding: tf.Tensor2D;
  /** [n, classes] */
  readonly logits: tf.Tensor2D;
}

export interface Student extends Classifier {
  readonly architecture: ArchitectureId;
  /**
   * Names of the trainable parameters from `trainFrom` on (batch-norm running statistics are not
   * trainable), in the order of the full set.
   */
  trainable(trainFrom: string): string[];
  /**
   * The tf variables of those, in the same order. They belong to the student: don't dispose of
   * them.
   */
  variables(trainFrom: string): tf.Variable[];
  /**
   * As `logits`, with what lies before them; in a tidy of the caller's.
   * `batchStatistics`: batch norm by the batch's own, for training from scratch; running statistics
   * stay as they are (`calibrate` estimates them afterwards).
   * `compiled`: as a whole, where the engine can; for many calls of one shape, differentiated in
   * the variables.
   */
  trace(
    x: tf.Tensor,
    trainFrom: string,
    options?: { readonly batchStatistics?: boolean; readonly compiled?: boolean },
  ): Trace;
  /** As `logits`, compiled as for `trace`. */
  compiledLogits(x: tf.Tensor, trainFrom: string): tf.Tensor2D;
  /** All parameters, batch-norm running statistics included, read back from the engine. */
  parameters(): Promise<ParameterSet>;
  /**
   * Overwrites the named parameters: a full set or a subset. @throws LENTIGO_WEIGHTS_INVALID on an
   * unknown name or another shape.
   */
  load(parameters: ParameterSet): void;
  /**
   * Re-estimates batch-norm running mean and variance from image batches [n, size, size, 3], block
   * by block, with train-mode statistics.
   */
  calibrate(batches: readonly tf.Tensor4D[]): Promise<void>;
  dispose(): void;
}

/** The outputs of blocks `from` … `to` − 1 of a network, one after the other. */
export function traceBlocks(
  blocks: readonly Block[],
  x: tf.Tensor4D,
  context: Context,
): { maps: Map<string, tf.Tensor4D>; last: tf.Tensor4D } {
  const maps = new Map<string, tf.Tensor4D>();
  let last = x;
  for (const block of blocks) maps.set(block.name, (last = blockForward(last, block, context)));
  return { maps, last };
}

/**
 * A student on the current engine (call useEngine first). @throws LENTIGO_WEIGHTS_INVALID when the
 * parameters don't fit the architecture and labels.
 */
export function createStudent({ architecture, labels, parameters }: Model): Student {
  const { inputSize, blocks, head } = networkOf(architecture);
  const variables = new Variables(
    architecture,
    parameterSpecs(architecture, labels.names.length),
    parameters,
  );
  const lookup: Parameters = variables.get;
  const names = blockNames(architecture);
  const trainable = (trainFrom: string): string[] =>
    trainableSpecs(architecture, labels.names.length, trainFrom).map((s) => s.name);

  const compile = (
    what: string,
    x: tf.Tensor,
    trainFrom: string,
    f: () => readonly tf.Tensor[],
  ): readonly tf.Tensor[] =>
    compiled(
      `${architecture} ${labels.names.length} ${trainFrom} ${what}`,
      x,
      specsFrom(architecture, labels.names.length, trainFrom).map(
        ({ name }) => lookup(name) as tf.Variable,
      ),
      f,
    );

  const trace: Student['trace'] = (x, trainFrom, { batchStatistics = false, ...options } = {}) => {
    if (options.compiled) {
      const passed = names.slice(blockIndex(architecture, trainFrom), -1);
      const [logits, embedding, ...maps] = compile(`trace ${batchStatistics}`, x, trainFrom, () => {
        const { maps, embedding, logits } = trace(x, trainFrom, { batchStatistics });
        return [logits, embedding, ...passed.map((block) => maps.get(block)!)];
      }) as [tf.Tensor2D, tf.Tensor2D, ...tf.Tensor4D[]];
      return { logits, embedding, maps: new Map(passed.map((block, i) => [block, maps[i]!])) };
    }
    const { maps, last } = traceBlocks(
      blocks.slice(blockIndex(architecture, trainFrom)),
      x as tf.Tensor4D,
      { parameters: lookup, ...(batchStatistics && { normalise: byBatch }) },
    );
    const embedding = pool(last, head, lookup);
    return { maps, embedding, logits: classify(embedding, head, lookup) };
  };

  return {
    architecture,
    labels,
    inputSize,
    blocks: names,
    trainable,
    trace,
    variables: (trainFrom) => trainable(trainFrom).map(lookup) as tf.Variable[],
    features: (x, trainFrom) =>
      tf.tidy(() =>
        tf.clone(
          traceBlocks(blocks.slice(0, blockIndex(architecture, trainFrom)), x, {
            parameters: lookup,
          }).last,
        ),
      ),
    compiledLogits: (x, trainFrom) =>
      compile('logits', x, trainFrom, () => [trace(x, trainFrom).logits])[0] as tf.Tensor2D,
    logits: (x, trainFrom = names[0]!) => tf.tidy(() => trace(x, trainFrom).logits),
    parameters: () => variables.read(),
    load: (given) => variables.load(given),
    calibrate: (batches) =>
      calibrate(batches, blocks, lookup, (name, values) => variables.assign(name, values)),
    dispose: () => variables.dispose(),
  };
}

/** Parameters before any training, as the architecture's authors draw them; seeded. */
export function initialParameters(
  architecture: ArchitectureId,
  labels: LabelSet,
  random: Random,
): ParameterSet {
  const weights = weightsOf(architecture, labels.names.length);
  const out = new ParameterSet(parameterSpecs(architecture, labels.names.length));
  for (const { name, initial } of weights)
    fillInitial(out.get(name), initial, random.fork('initial', name));
  return out;
}
