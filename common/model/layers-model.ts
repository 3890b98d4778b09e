// A model as a tfjs LayersModel of stock layers, so that its model.json loads in plain tfjs without
// our code.
import * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from '../update/parameter-set.js';
import { type ArchitectureId, networkOf } from './architecture.js';
import { apply, stockAll } from './layers/layer.js';
import { CLASSIFIER } from './network.js';
import { isDepthwise } from './torch-layout.js';

/**
 * The topology for model.json's `modelTopology`: images [n, size, size, 3] → logits. Layers are
 * named after the modules. Undefined if tfjs lacks the layers (ConvNeXt's).
 */
export function layersTopology(id: ArchitectureId, classes: number): object | undefined {
  const { inputSize, blocks, head } = networkOf(id);
  const stock = stockAll(blocks.flatMap(({ layers }) => layers));
  if (!stock || head.norm) return undefined;
  const input = tf.input({ shape: [inputSize, inputSize, 3], name: 'image' });
  const pooled = apply(
    tf.layers.globalAveragePooling2d({ name: `${CLASSIFIER}.pool` }),
    stock(input),
  );
  const logits = apply(
    tf.layers.dense({ name: head.dense, units: classes, kernelInitializer: 'zeros' }),
    pooled,
  );
  const model = tf.model({ inputs: input, outputs: logits, name: id });
  try {
    return model.toJSON(null, false) as object;
  } finally {
    model.dispose();
  }
}

/** The name of each parameter among the LayersModel's weights, in the order of `specs`. */
export function layersWeightNames(specs: readonly ParameterSpec[]): string[] {
  const names = new Set(specs.map((s) => s.name));
  return specs.map(({ name, shape }) => {
    const dot = name.lastIndexOf('.');
    const [module, part] = [name.slice(0, dot), name.slice(dot + 1)];
    if (names.has(`${module}.running_mean`))
      return `${module}/${{ weight: 'gamma', bias: 'beta', running_mean: 'moving_mean', running_var: 'moving_variance' }[part]}`;
    if (part === 'bias') return `${module}/bias`;
    return `${module}/${isDepthwise(shape) ? 'depthwise_kernel' : 'kernel'}`;
  });
}
