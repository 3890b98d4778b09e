// Activations, named as in tfjs's stock layers.
import * as tf from '@tensorflow/tfjs';
import { gelu, relu, relu6, swish } from '../../engine/ops.js';
import { apply } from './layer.js';

/** `gelu` is the exact one, with the error function. */
export type Activation = 'swish' | 'relu' | 'relu6' | 'gelu';

const FUNCTIONS: Readonly<Record<Activation, <T extends tf.Tensor>(x: T) => T>> = {
  swish,
  gelu,
  relu,
  relu6,
};

/** Applies the activation to any tensor; without a name it returns x itself. */
export const activate = <T extends tf.Tensor>(x: T, activation: Activation | undefined): T =>
  activation ? FUNCTIONS[activation](x) : x;

/** The same as a stock layer; `after` is the module whose output it activates. */
export const stockActivation = (
  x: tf.SymbolicTensor,
  activation: Activation | undefined,
  after: string,
): tf.SymbolicTensor =>
  activation ? apply(tf.layers.activation({ name: `${after}.${activation}`, activation }), x) : x;
