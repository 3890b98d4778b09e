// The base of every model: an architecture's blocks on the current engine, and the parameters of
// the whole model, head included. Student and teacher add their heads.
import * as tf from '@tensorflow/tfjs';
import type { ParameterSet, ParameterSpec } from '../update/parameter-set.js';
import {
  type ArchitectureId,
  blockIndex,
  blockNames,
  isStatistic,
  networkOf,
} from './architecture.js';
import { calibrate } from './calibrate.js';
import { byBatch } from './layers/batch-norm.js';
import type { Context, Parameters } from './layers/layer.js';
import { type Block, blockForward, blockWeights } from './network.js';
import { Variables } from './variables.js';

/** A model whose parameters are on the engine, to be trained, read and overwritten. */
export interface OnEngine {
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
   * Names of the trainable parameters from `trainFrom` on (batch-norm running statistics are not
   * trainable), in the order of the full set.
   */
  trainable(trainFrom: string): string[];
  /**
   * The tf variables of those, in the same order. They belong to the model: don't dispose of them.
   */
  variables(trainFrom: string): tf.Variable[];
  /** All parameters, batch-norm running statistics included, read back from the engine. */
  parameters(): Promise<ParameterSet>;
  /**
   * Overwrites the named parameters: a full set or a subset.
   * @throws LENTIGO_WEIGHTS_INVALID on an unknown name or another shape.
   */
  load(parameters: ParameterSet): void;
  /**
   * Re-estimates batch-norm running mean and variance from image batches [n, size, size, 3], block
   * by block, with train-mode statistics.
   */
  calibrate(batches: readonly tf.Tensor4D[]): Promise<void>;
  dispose(): void;
}

export interface Backbone {
  readonly model: OnEngine;
  readonly lookup: Parameters;
  /** The convolutional blocks from `trainFrom` on. */
  passed(trainFrom: string): readonly Block[];
  /** What their layers compute with. */
  context(batchStatistics: boolean): Context;
  /** Their outputs, one after the other: the input of block `trainFrom` → [n, h, w, c] each. */
  trace(
    x: tf.Tensor,
    trainFrom: string,
    context: Context,
  ): { readonly maps: Map<string, tf.Tensor4D>; readonly last: tf.Tensor4D };
}

function traceBlocks(
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
 * Creates the backbone.
 * @param what the model, for error messages
 * @param specs of all its parameters, the head's after the blocks'
 * @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit the specs
 */
export function createBackbone(
  what: string,
  architecture: ArchitectureId,
  specs: readonly ParameterSpec[],
  parameters: ParameterSet,
): Backbone {
  const { inputSize, blocks } = networkOf(architecture);
  const variables = new Variables(what, specs, parameters);
  const lookup: Parameters = variables.get;
  const before = (trainFrom: string) => blocks.slice(0, blockIndex(architecture, trainFrom));
  const passed = (trainFrom: string) => blocks.slice(blockIndex(architecture, trainFrom));
  const context = (batchStatistics: boolean): Context => ({
    parameters: lookup,
    ...(batchStatistics && { normalise: byBatch }),
  });
  const trainable = (trainFrom: string): string[] => {
    const frozen = new Set(
      before(trainFrom)
        .flatMap(blockWeights)
        .map(({ name }) => name),
    );
    return specs.map(({ name }) => name).filter((name) => !isStatistic(name) && !frozen.has(name));
  };
  return {
    lookup,
    passed,
    context,
    trace: (x, trainFrom, within) => traceBlocks(passed(trainFrom), x as tf.Tensor4D, within),
    model: {
      inputSize,
      blocks: blockNames(architecture),
      features: (x, trainFrom) =>
        tf.tidy(() => tf.clone(traceBlocks(before(trainFrom), x, context(false)).last)),
      trainable,
      variables: (trainFrom) => trainable(trainFrom).map(lookup) as tf.Variable[],
      parameters: () => variables.read(),
      load: (given) => variables.load(given),
      calibrate: (batches) =>
        calibrate(batches, blocks, lookup, (name, values) => variables.assign(name, values)),
      dispose: () => variables.dispose(),
    },
  };
}
