// Types for the parts of tfjs-node's backend that we need and that its own types leave out.
import type * as tf from '@tensorflow/tfjs';

/** An attribute of a TensorFlow operation. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** TensorFlow's own tensor, by number; `dtype` is one of TensorFlow's types. */
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
  /** Number of all tensors that exist. */
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
  /** Names are "operation:output", separated by commas. */
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): Handle[];
}

/** What tfjs-node's backend offers beyond tfjs's interface: any TensorFlow operation. */
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
  /**
   * The ids of TensorFlow's tensors for these; a tensor that so far exists only in JavaScript is
   * created.
   */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** Takes ownership of the handle. */
  createOutputTensor(handle: Handle): tf.Tensor;
}
