// A network as data: named blocks of layers in sequence, then global average pooling and a dense
// layer. Each file in architectures/ describes one family.
import * as tf from '@tensorflow/tfjs';
import { poolChannels } from '../engine/ops.js';
import { applyLayerNorm, type LayerNorm, layerNormWeights } from './layers/layer-norm.js';
import {
  type Context,
  forwardAll,
  type Initial,
  type Layer,
  type Parameters,
  type Weight,
} from './layers/layer.js';
import type { StoredTensor } from './safetensors.js';

/** A block is the unit of `trainFrom`, and of what distillation compares. */
export interface Block {
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** The part after the blocks. */
export interface Head {
  /** The dense layer's name. */
  readonly dense: string;
  /** Channels of the last block: the dense layer's input. */
  readonly channels: number;
  /** Applied to the pooled channels. */
  readonly norm?: LayerNorm;
  /**
   * Initial value of the dense layer's weight, by the number of classes; by default uniform
   * ±1/√classes, as in EfficientNet.
   */
  readonly initial?: Initial;
}

export interface Network {
  /** Height and width of the input in pixels. */
  readonly inputSize: number;
  readonly blocks: readonly Block[];
  readonly head: Head;
  /**
   * Translates a tensor of a published file of another library to our name and PyTorch's layout;
   * our own files pass unchanged.
   */
  readonly translate?: (tensor: StoredTensor) => StoredTensor;
}

/** The name of the last block: global average pooling and the dense layer. */
export const CLASSIFIER = 'classifier';

/** The convolutional blocks' weights, in order. */
export const blockWeights = (block: Block): Weight[] =>
  block.layers.flatMap(({ weights }) => weights);

/** The weights of the norm after pooling. */
export const poolWeights = ({ norm }: Head): Weight[] => (norm ? layerNormWeights(norm) : []);

/** The dense layer's weights. */
export const denseWeights = ({ dense, channels, initial }: Head, classes: number): Weight[] => [
  {
    name: `${dense}.weight`,
    shape: [channels, classes],
    initial: initial ?? { uniform: 1 / Math.sqrt(classes) },
  },
  { name: `${dense}.bias`, shape: [classes], initial: { constant: 0 } },
];

/** One block: [n, h, w, c] → [n, h′, w′, c′]. */
export const blockForward = (x: tf.Tensor4D, block: Block, context: Context): tf.Tensor4D =>
  forwardAll(block.layers, x, context);

/** The mean over positions, then the head's norm if it has one: [n, h, w, c] → [n, c]. */
export function pool(x: tf.Tensor4D, { norm }: Head, parameters: Parameters): tf.Tensor2D {
  const pooled = poolChannels(x);
  return norm ? applyLayerNorm(pooled, norm, parameters) : pooled;
}

/** The dense layer: [n, c] → logits [n, classes]. */
export const classify = (
  pooled: tf.Tensor2D,
  { dense }: Head,
  parameters: Parameters,
): tf.Tensor2D =>
  tf.add(
    tf.matMul(pooled, parameters(`${dense}.weight`) as tf.Tensor2D),
    parameters(`${dense}.bias`),
  );
