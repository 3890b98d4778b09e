// tfjs-node's backend, as far as its own types leave out what is needed of it.
import type * as tf from '@tensorflow/tfjs';

/** Of a TensorFlow operation. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** TensorFlow's own tensor, by number; `dtype` is one of TensorFlow's. */
export interface Handle {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** tfjs-node's compiled part. */
export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  /** @returns the new tensor's number */
  createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number;
  deleteTensor(id: number): void;
  /** All that there are. */
  getNumOfTensors(): number;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): Handle[];
  /** @returns the model's number */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  /** Names are "operation:output", with commas between them. */
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): Handle[];
}

/** What tfjs-node's backend offers besides tfjs's own interface: any TensorFlow operation. */
export interface NodeBackend {
  binding: Binding;
  executeSingleOutput(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
  ): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  /** TensorFlow's tensors of these; one that was only in JavaScript so far is made. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** Takes the handle over. */
  createOutputTensor(handle: Handle): tf.Tensor;
}
