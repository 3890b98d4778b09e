// The student as a tfjs LayersModel of stock layers, so that its model.json loads in plain tfjs without any of our code.
import * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from '../update/parameter-set.js';
import { type ArchitectureId, CLASSIFIER, type ConvUnit, DENSE, isDepthwise, type Layer, layoutOf, type SqueezeUnit } from './architecture.js';
import { BATCH_NORM_EPSILON } from './forward.js';

/** One stock layer applied to one or several inputs. */
type Apply = (layer: tf.layers.Layer, input: tf.SymbolicTensor | tf.SymbolicTensor[]) => tf.SymbolicTensor;
const apply: Apply = (layer, input) => layer.apply(input) as tf.SymbolicTensor;

/** Zeros: the values come from the saved weights, and drawing random ones takes seconds. */
const kernelInitializer = 'zeros';

/** The topology as model.json's `modelTopology`: images [n, size, size, 3] → logits. Layers bear the names of torchvision's modules. */
export function layersTopology(id: ArchitectureId, classes: number): object {
  const layout = layoutOf(id);
  const input = tf.input({ shape: [layout.inputSize, layout.inputSize, 3], name: 'image' });
  const features = layout.blocks.flatMap((b) => b.layers).reduce(layerOf, input);
  const pooled = apply(tf.layers.globalAveragePooling2d({ name: `${CLASSIFIER}.pool` }), features);
  const logits = apply(tf.layers.dense({ name: DENSE, units: classes, kernelInitializer }), pooled);
  const model = tf.model({ inputs: input, outputs: logits, name: id });
  try {
    return model.toJSON(null, false) as object;
  } finally {
    model.dispose();
  }
}

function layerOf(input: tf.SymbolicTensor, { units, residual }: Layer): tf.SymbolicTensor {
  const output = units.reduce((x, unit) => (unit.kind === 'squeeze' ? squeezeExcite(x, unit) : convolution(x, unit)), input);
  return residual ? apply(tf.layers.add({ name: `${units[0]!.name}.residual` }), [output, input]) : output;
}

function convolution(input: tf.SymbolicTensor, { kind, name, norm, kernel, stride, outChannels, swish }: ConvUnit): tf.SymbolicTensor {
  const side = Math.floor(kernel / 2);
  let x = input;
  if (stride > 1 && side > 0) x = apply(tf.layers.zeroPadding2d({ name: `${name}.pad`, padding: [[side, side], [side, side]] }), x);
  const shared = { name, kernelSize: kernel, strides: stride, padding: stride > 1 ? 'valid' : 'same', useBias: false } as const;
  x = apply(kind === 'depthwise' ? tf.layers.depthwiseConv2d({ ...shared, depthwiseInitializer: 'zeros' }) : tf.layers.conv2d({ ...shared, filters: outChannels, kernelInitializer }), x);
  x = apply(tf.layers.batchNormalization({ name: norm, epsilon: BATCH_NORM_EPSILON }), x);
  return swish ? apply(tf.layers.activation({ name: `${norm}.swish`, activation: 'swish' }), x) : x;
}

function squeezeExcite(input: tf.SymbolicTensor, { name, channels, squeezed }: SqueezeUnit): tf.SymbolicTensor {
  const pooled = apply(tf.layers.globalAveragePooling2d({ name: `${name}.avgpool` }), input);
  const square = apply(tf.layers.reshape({ name: `${name}.reshape`, targetShape: [1, 1, channels] }), pooled);
  const reduced = apply(tf.layers.conv2d({ name: `${name}.fc1`, filters: squeezed, kernelSize: 1, activation: 'swish', kernelInitializer }), square);
  const scale = apply(tf.layers.conv2d({ name: `${name}.fc2`, filters: channels, kernelSize: 1, activation: 'sigmoid', kernelInitializer }), reduced);
  return apply(tf.layers.multiply({ name: `${name}.scale` }), [input, scale]);
}

/** The name of each parameter among the weights of the LayersModel, in the order of `specs`. */
export function layersWeightNames(specs: readonly ParameterSpec[]): string[] {
  const names = new Set(specs.map((s) => s.name));
  return specs.map(({ name, shape }) => {
    const dot = name.lastIndexOf('.');
    const [module, part] = [name.slice(0, dot), name.slice(dot + 1)];
    if (names.has(`${module}.running_mean`)) return `${module}/${{ weight: 'gamma', bias: 'beta', running_mean: 'moving_mean', running_var: 'moving_variance' }[part]}`;
    if (part === 'bias') return `${module}/bias`;
    return `${module}/${isDepthwise(shape) ? 'depthwise_kernel' : 'kernel'}`;
  });
}
