// The interface of a network's layers: weights, forward pass and, if there is one, the equivalent
// tfjs stock layer.
import type * as tf from '@tensorflow/tfjs';
import type { Random } from '../../random.js';
import type { ParameterSpec } from '../../update/parameter-set.js';

/** How a weight starts: constant, or drawn at random. */
export type Initial =
  | { readonly constant: number }
  | { readonly normal: number }
  | { readonly uniform: number };

/**
 * A parameter and its initial value: `normal` gives a standard deviation, `uniform` a bound on both
 * sides of 0.
 */
export interface Weight extends ParameterSpec {
  readonly initial: Initial;
}

/** Looks up a parameter's tensor by its name. */
export type Parameters = (name: string) => tf.Tensor;

/** A batch norm (Ioffe & Szegedy 2015) over [n, h, w, channels]; `name` is the module's name. */
export interface BatchNorm {
  readonly name: string;
  readonly channels: number;
  readonly epsilon: number;
}

/** What a forward pass needs besides its input. */
export interface Context {
  readonly parameters: Parameters;
  /**
   * Batch norm by the batch's own statistics: y → the normalised y. If absent, the running
   * statistics are used, and nothing changes them.
   */
  readonly normalise?: (y: tf.Tensor4D, norm: BatchNorm, parameters: Parameters) => tf.Tensor4D;
}

export interface Layer {
  /** In the order of the library whose names they carry. */
  readonly weights: readonly Weight[];
  /** [n, h, w, c] → [n, h′, w′, c′], differentiable in the weights and in x. */
  forward(x: tf.Tensor4D, context: Context): tf.Tensor4D;
  /** The same with stock layers, named after the weights' modules. */
  readonly stock?: (x: tf.SymbolicTensor) => tf.SymbolicTensor;
}

/** Applies one stock layer to one or several inputs. */
export const apply = (
  layer: tf.layers.Layer,
  input: tf.SymbolicTensor | tf.SymbolicTensor[],
): tf.SymbolicTensor => layer.apply(input) as tf.SymbolicTensor;

/** Fills values with the weight's initial value. */
export function fillInitial(values: Float32Array, initial: Initial, random: Random): void {
  if ('constant' in initial) values.fill(initial.constant);
  else if ('normal' in initial)
    for (let i = 0; i < values.length; i++) values[i] = random.normal(0, initial.normal);
  else
    for (let i = 0; i < values.length; i++)
      values[i] = random.uniform(-initial.uniform, initial.uniform);
}

/** Passes x through layers, one after the other. */
export const forwardAll = (
  layers: readonly Layer[],
  x: tf.Tensor4D,
  context: Context,
): tf.Tensor4D => layers.reduce((y, layer) => layer.forward(y, context), x);

/** The stock form of layers in sequence; undefined if one of them has none. */
export function stockAll(
  layers: readonly Layer[],
): ((x: tf.SymbolicTensor) => tf.SymbolicTensor) | undefined {
  const stocks = layers.map(({ stock }) => stock).filter((stock) => stock !== undefined);
  return stocks.length < layers.length
    ? undefined
    : (x) => stocks.reduce((y, stock) => stock(y), x);
}

/** The weights of a batch norm: γ, β and the running statistics, in torchvision's order. */
export function batchNormWeights({ name, channels }: BatchNorm): Weight[] {
  const start = { weight: 1, bias: 0, running_mean: 0, running_var: 1 };
  return Object.entries(start).map(([part, constant]) => ({
    name: `${name}.${part}`,
    shape: [channels],
    initial: { constant },
  }));
}
