// The metadata encoder: numbers and embedded categories through one dense layer. A missing number
// is replaced by a learned value, a missing category has its own embedding.
import * as tf from '@tensorflow/tfjs';
import { gelu } from '../../engine/ops.js';
import type { EncodedMetadata, MetadataEncoding } from '../metadata.js';
import { applyLayerNorm, type LayerNorm, layerNormWeights } from './layer-norm.js';
import type { Parameters, Weight } from './layer.js';

/** Features per embedded category, and of the whole record. */
const EMBEDDING = 8;
export const METADATA_FEATURES = 64;

const NORM: LayerNorm = { name: 'metadata.norm', channels: METADATA_FEATURES, epsilon: 1e-6 };
const MISSING = 'metadata.numbers.missing';
const embedding = (column: string): string => `metadata.${column}.weight`;

/** Embeddings start at 0, so that a category never seen in training has no influence. */
export function metadataWeights({ numbers, categories }: MetadataEncoding): Weight[] {
  const inputs = numbers.length + categories.length * EMBEDDING;
  return [
    ...(numbers.length > 0
      ? [{ name: MISSING, shape: [numbers.length], initial: { constant: 0 } }]
      : []),
    ...categories.map(({ column, values }): Weight => ({
      name: embedding(column),
      shape: [values.length + 1, EMBEDDING],
      initial: { constant: 0 },
    })),
    {
      name: 'metadata.fc.weight',
      shape: [inputs, METADATA_FEATURES],
      initial: { normal: Math.sqrt(1 / Math.max(1, inputs)) },
    },
    { name: 'metadata.fc.bias', shape: [METADATA_FEATURES], initial: { constant: 0 } },
    ...layerNormWeights(NORM),
  ];
}

/** n records → features [n, METADATA_FEATURES], differentiable in the weights. */
export function encodeRecords(
  records: EncodedMetadata,
  { numbers, categories }: MetadataEncoding,
  n: number,
  parameters: Parameters,
): tf.Tensor2D {
  const table = (values: Float32Array): tf.Tensor2D => tf.tensor2d(values, [n, numbers.length]);
  const parts: tf.Tensor2D[] = [];
  if (numbers.length > 0)
    parts.push(tf.add(table(records.numbers), tf.mul(table(records.missing), parameters(MISSING))));
  for (const [i, { column, values }] of categories.entries()) {
    // A product with one-hot rows, because its gradient is another product, which every engine has.
    const hot = tf.cast(
      tf.oneHot(tf.tensor1d(records.categories[i]!, 'int32'), values.length + 1),
      'float32',
    ) as tf.Tensor2D;
    parts.push(tf.matMul(hot, parameters(embedding(column))));
  }
  const dense = tf.add<tf.Tensor2D>(
    tf.matMul(tf.concat(parts, 1), parameters('metadata.fc.weight')),
    parameters('metadata.fc.bias'),
  );
  return gelu(applyLayerNorm(dense, NORM, parameters));
}
