// Layers made of layers: in sequence; with their output added to their input (He et al. 2016); or
// with it concatenated to their input (Huang et al. 2017).
import * as tf from '@tensorflow/tfjs';
import { activate, type Activation, stockActivation } from './activation.js';
import { apply, forwardAll, type Layer, stockAll } from './layer.js';

/** Layers in sequence. */
export function sequence(layers: readonly Layer[]): Layer {
  const stock = stockAll(layers);
  return {
    weights: layers.flatMap(({ weights }) => weights),
    forward: (x, context) => forwardAll(layers, x, context),
    ...(stock && { stock }),
  };
}

/**
 * layers(x) + shortcut(x), then the activation. Without a shortcut x itself is added. `name` names
 * the stock layer.
 */
export function residual(
  name: string,
  layers: readonly Layer[],
  {
    shortcut = [],
    activation,
  }: { readonly shortcut?: readonly Layer[]; readonly activation?: Activation } = {},
): Layer {
  const stock = stockAll(layers);
  const stockShortcut = stockAll(shortcut);
  return {
    weights: [...layers, ...shortcut].flatMap(({ weights }) => weights),
    forward: (x, context) =>
      activate(
        tf.add<tf.Tensor4D>(forwardAll(layers, x, context), forwardAll(shortcut, x, context)),
        activation,
      ),
    ...(stock &&
      stockShortcut && {
        stock: (x: tf.SymbolicTensor) =>
          stockActivation(
            apply(tf.layers.add({ name }), [stock(x), stockShortcut(x)]),
            activation,
            name,
          ),
      }),
  };
}

/** x ‖ layers(x), concatenated over channels. `name` names the stock layer. */
export function concatenated(name: string, layers: readonly Layer[]): Layer {
  const stock = stockAll(layers);
  return {
    weights: layers.flatMap(({ weights }) => weights),
    forward: (x, context) => tf.concat([x, forwardAll(layers, x, context)], 3),
    ...(stock && {
      stock: (x: tf.SymbolicTensor) => apply(tf.layers.concatenate({ name }), [x, stock(x)]),
    }),
  };
}
