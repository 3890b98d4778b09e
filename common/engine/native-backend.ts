// tfjs-node's backend, as far as its own types leave out what is needed of it.
import type * as tf from '@tensorflow/tfjs';

/** Of a TensorFlow operation. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What tfjs-node's backend offers besides tfjs's own interface: any TensorFlow operation. */
export interface NodeBackend {
  readonly binding: { readonly TF_FLOAT: number; readonly TF_ATTR_TYPE: number; readonly TF_ATTR_SHAPE: number; readonly TF_ATTR_STRING: number; readonly TF_ATTR_BOOL: number };
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[], outputs: number): tf.Tensor[];
}
