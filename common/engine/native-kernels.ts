// Our kernels for the native engine, composed of TensorFlow's operations differently than tfjs-node
// does: swish in fewer passes over memory (1 forward instead of 2, 4 backward instead of 5),
// rectifiers and batch norm by the batch's statistics with TensorFlow's own gradients, and
// pointwise convolutions as matrix products.
import * as tf from '@tensorflow/tfjs';
import type { Attribute, NodeBackend } from './native-backend.js';
import {
  type Call,
  isPointwise,
  type Kernel as BackendKernel,
  kernelOf,
  registerKernels,
} from './register-kernels.js';

type Kernel = BackendKernel<NodeBackend>;

const float = ({ binding }: NodeBackend): Attribute => ({
  name: 'T',
  type: binding.TF_ATTR_TYPE,
  value: binding.TF_FLOAT,
});

/** a · σ(x): TensorFlow calls it the gradient of softplus. */
const timesSigmoid = (backend: NodeBackend, a: tf.Tensor, x: tf.Tensor): tf.Tensor =>
  backend.executeSingleOutput('SoftplusGrad', [float(backend)], [a, x]);

const swish: Kernel = ({ inputs, backend }) => {
  const x = inputs['x'] as tf.Tensor;
  return timesSigmoid(backend, x, x);
};

/** With y = x·σ(x): dy·(σ + y·(1 − σ)) = dy·σ + y·(dy − dy·σ). */
const swishGrad: Kernel = ({ inputs, backend }) => {
  const { x, y, dy } = inputs as Record<'x' | 'y' | 'dy', tf.Tensor>;
  return tf.tidy(() => {
    const a = timesSigmoid(backend, dy, x);
    return tf.add(a, tf.mul(y, tf.sub(dy, a)));
  });
};

/** dy where the rectifier rises, 0 elsewhere: one pass, where tfjs's own gradient takes five. */
const rectifierGrad =
  (operation: 'ReluGrad' | 'Relu6Grad'): Kernel =>
  ({ inputs: { dy, y }, backend }) =>
    backend.executeSingleOutput(operation, [float(backend)], [dy as tf.Tensor, y as tf.Tensor]);

const batchNormAttributes = (backend: NodeBackend, epsilon: unknown): Attribute[] => [
  float(backend),
  { name: 'epsilon', type: backend.binding.TF_ATTR_FLOAT, value: epsilon },
  { name: 'data_format', type: backend.binding.TF_ATTR_STRING, value: 'NHWC' },
  { name: 'is_training', type: backend.binding.TF_ATTR_BOOL, value: true },
];

/**
 * Batch norm by the batch's statistics.
 * @returns y, and the batch's mean and variance [c] for the gradient
 */
const normaliseBatch: BackendKernel<NodeBackend, tf.TensorInfo[]> = ({
  inputs,
  attrs,
  backend,
}) => {
  const { x, gamma, beta } = inputs as Record<'x' | 'gamma' | 'beta', tf.Tensor>;
  return tf.tidy(() => {
    const none = tf.tensor1d([]);
    const [y, , , mean, variance] = backend.executeMultipleOutputs(
      'FusedBatchNorm',
      batchNormAttributes(backend, attrs['epsilon']),
      [x, gamma, beta, none, none],
      5,
    );
    return [y!, mean!, variance!];
  });
};

/**
 * The gradient of `normaliseBatch`.
 * @returns the gradients in x, γ and β
 */
const normaliseBatchGrad: BackendKernel<NodeBackend, tf.TensorInfo[]> = ({
  inputs,
  attrs,
  backend,
}) => {
  const { dy, x, gamma, mean, variance } = inputs as Record<
    'dy' | 'x' | 'gamma' | 'mean' | 'variance',
    tf.Tensor
  >;
  const [dx, dGamma, dBeta, ...rest] = backend.executeMultipleOutputs(
    'FusedBatchNormGrad',
    batchNormAttributes(backend, attrs['epsilon']),
    [dy, x, gamma, mean, variance],
    5,
  );
  tf.dispose(rest);
  return [dx!, dGamma!, dBeta!];
};

/** [n, h, w, c] as [n·h·w, c]; a pointwise filter [1, 1, c, o] as [c, o]. */
const asMatrix = (x: tf.TensorInfo): tf.Tensor2D =>
  tf.reshape(x as tf.Tensor, [-1, x.shape.at(-1)!]);

/** The product of two matrices, each optionally transposed. */
function product(
  backend: NodeBackend,
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): tf.Tensor2D {
  const flag = (name: string, value: boolean): Attribute => ({
    name,
    type: backend.binding.TF_ATTR_BOOL,
    value,
  });
  return backend.executeSingleOutput(
    'MatMul',
    [float(backend), flag('transpose_a', transposeA), flag('transpose_b', transposeB)],
    [a, b],
  ) as tf.Tensor2D;
}

interface Convolution {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dilations?: [number, number] | number;
  readonly inputShape?: number[];
  readonly filterShape?: number[];
}

/** Whether a call is a pointwise convolution in NHWC, given its input and filter. */
function pointwise(
  { attrs }: Call<NodeBackend>,
  inputShape: number[],
  filterShape: number[],
): boolean {
  const { strides, pad, dimRoundingMode, dilations = 1 } = attrs as unknown as Convolution;
  if (attrs['dataFormat'] !== 'NHWC') return false;
  return isPointwise(
    tf.backend_util.computeConv2DInfo(
      inputShape as [number, number, number, number],
      filterShape as [number, number, number, number],
      strides,
      dilations,
      pad,
      dimRoundingMode,
    ),
  );
}

/** Registers the kernels on tfjs-node's backend. */
export function registerNativeKernels(): void {
  const generalConvolution = kernelOf<NodeBackend>('FusedConv2D', 'tensorflow');
  const generalInputGradient = kernelOf<NodeBackend>('Conv2DBackpropInput', 'tensorflow');
  const generalFilterGradient = kernelOf<NodeBackend>('Conv2DBackpropFilter', 'tensorflow');

  const fusedConv2D: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const { x, filter, bias } = inputs as Record<'x' | 'filter' | 'bias', tf.TensorInfo>;
    if (attrs['activation'] !== 'linear' || !bias || !pointwise(call, x.shape, filter.shape))
      return generalConvolution(call);
    return tf.tidy(() =>
      tf.reshape(tf.add(product(backend, asMatrix(x), asMatrix(filter)), bias as tf.Tensor), [
        ...x.shape.slice(0, 3),
        filter.shape[3]!,
      ]),
    );
  };

  /** dx = dy · Wᵀ: takes a third of the time of TensorFlow's own. */
  const conv2DBackpropInput: Kernel = (call) => {
    const { dy, filter } = call.inputs as Record<'dy' | 'filter', tf.TensorInfo>;
    const shape = call.attrs['inputShape'] as number[];
    if (!pointwise(call, shape, filter.shape)) return generalInputGradient(call);
    return tf.tidy(() =>
      tf.reshape(
        product(call.backend, asMatrix(dy), asMatrix(filter), { transposeB: true }),
        shape,
      ),
    );
  };

  /** dW = xᵀ · dy */
  const conv2DBackpropFilter: Kernel = (call) => {
    const { x, dy } = call.inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const shape = call.attrs['filterShape'] as number[];
    if (!pointwise(call, x.shape, shape)) return generalFilterGradient(call);
    return tf.tidy(() =>
      tf.reshape(product(call.backend, asMatrix(x), asMatrix(dy), { transposeA: true }), shape),
    );
  };

  registerKernels('tensorflow', {
    Swish: swish,
    SwishGrad: swishGrad,
    ReluGrad: rectifierGrad('ReluGrad'),
    Relu6Grad: rectifierGrad('Relu6Grad'),
    NormaliseBatch: normaliseBatch,
    NormaliseBatchGrad: normaliseBatchGrad,
    FusedConv2D: fusedConv2D,
    Conv2DBackpropInput: conv2DBackpropInput,
    Conv2DBackpropFilter: conv2DBackpropFilter,
  });
}
