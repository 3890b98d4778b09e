// Kernels that tfjs 4.22's WASM backend lacks for training, or computes slowly. They work directly
// on its heap (heap-kernels.ts).
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { AdamCoefficients, Geometry, HeapKernels } from './heap-kernels.js';
import {
  type Call,
  type ConvInfo,
  isPointwise,
  type Kernel as BackendKernel,
  kernelOf,
  registerKernels,
} from './register-kernels.js';

type Kernel = BackendKernel<BackendWasm>;

/** Attributes that tfjs passes to every convolution gradient. */
interface ConvAttrs {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dilations?: [number, number] | number;
}

/** Address of a tensor's values on the heap, in bytes. */
const address = (backend: BackendWasm, info: tf.TensorInfo): number =>
  backend.typedArrayFromHeap(info).byteOffset;

function convInfo(
  attrs: Call<BackendWasm>['attrs'],
  inputShape: number[],
  filterShape: number[],
  depthwise: boolean,
) {
  const { strides, pad, dimRoundingMode, dilations = 1 } = attrs as unknown as ConvAttrs;
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1)
    throw new RangeError('the WASM gradient of a dilated convolution is not implemented');
  if (depthwise && info.outChannels !== info.inChannels)
    throw new RangeError(
      'the WASM gradient of a depthwise convolution with a channel multiplier is not implemented',
    );
  return info;
}

const geometryOf = (i: ConvInfo): Geometry => [
  i.batchSize,
  i.inHeight,
  i.inWidth,
  i.inChannels,
  i.outHeight,
  i.outWidth,
  i.filterHeight,
  i.filterWidth,
  i.strideHeight,
  i.strideWidth,
  i.padInfo.top,
  i.padInfo.left,
];

/** Registers the kernels on the WASM backend, once it is ready. Calling it again replaces them. */
export function registerWasmKernels(heap: HeapKernels): void {
  const transpose = kernelOf<BackendWasm>('Transpose', 'wasm');
  const generalInputGradient = kernelOf<BackendWasm>('Conv2DBackpropInput', 'wasm');
  const generalConvolution = kernelOf<BackendWasm>('FusedConv2D', 'wasm');

  /** Rows of x [n, h, w, m] times matrix [m, n′], plus bias. */
  const pointwise = (
    backend: BackendWasm,
    x: tf.TensorInfo,
    matrix: tf.TensorInfo,
    bias: tf.TensorInfo | undefined,
    channels: number,
  ): tf.TensorInfo => {
    const [n, h, w, inner] = x.shape as [number, number, number, number];
    const out = backend.makeOutput([n, h, w, channels], 'float32');
    heap.product(
      address(backend, x),
      address(backend, matrix),
      bias ? address(backend, bias) : 0,
      address(backend, out),
      n * h * w,
      inner,
      channels,
    );
    return out;
  };

  /**
   * A pointwise convolution is computed as a matrix product. XNNPACK packs the filter for it each
   * time, and takes a third longer.
   */
  const fusedConv2D: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const info = convInfo(
      { ...attrs, dilations: 1 },
      inputs['x']!.shape,
      inputs['filter']!.shape,
      false,
    );
    const plain =
      isPointwise(info) &&
      attrs['activation'] === 'linear' &&
      attrs['dataFormat'] === 'NHWC' &&
      !inputs['preluActivationWeights'];
    return plain
      ? pointwise(backend, inputs['x']!, inputs['filter']!, inputs['bias'], info.outChannels)
      : generalConvolution(call);
  };

  /** A pointwise convolution's input gradient is dy times the transposed filter. */
  const conv2DBackpropInput: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const info = convInfo(attrs, attrs['inputShape'] as number[], inputs['filter']!.shape, false);
    if (!isPointwise(info)) return generalInputGradient(call);
    const filter = transpose({
      inputs: { x: inputs['filter']! },
      backend,
      attrs: { perm: [0, 1, 3, 2] },
    });
    const dx = pointwise(backend, inputs['dy']!, filter, undefined, info.inChannels);
    backend.disposeData(filter.dataId);
    return dx;
  };

  /** dW = patches(x)ᵀ · dy */
  const conv2DBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
    const x = inputs['x']!;
    const info = convInfo(attrs, x.shape, attrs['filterShape'] as number[], false);
    const positions = info.batchSize * info.outHeight * info.outWidth;
    const patch = info.filterHeight * info.filterWidth * info.inChannels;
    const patches = isPointwise(info) ? x : backend.makeOutput([positions, patch], 'float32');
    if (patches !== x)
      heap.patches(address(backend, x), address(backend, patches), ...geometryOf(info));
    const dw = backend.makeOutput(attrs['filterShape'] as number[], 'float32');
    heap.transposedProduct(
      address(backend, patches),
      address(backend, inputs['dy']!),
      address(backend, dw),
      positions,
      patch,
      info.outChannels,
    );
    if (patches !== x) backend.disposeData(patches.dataId);
    return dw;
  };

  const depthwiseBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
    const inputShape = attrs['inputShape'] as number[];
    const info = convInfo(attrs, inputShape, inputs['filter']!.shape, true);
    const dx = backend.makeOutput(inputShape, 'float32');
    heap.depthwiseInputGradient(
      address(backend, inputs['dy']!),
      address(backend, inputs['filter']!),
      address(backend, dx),
      ...geometryOf(info),
    );
    return dx;
  };

  const depthwiseBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
    const filterShape = attrs['filterShape'] as number[];
    const info = convInfo(attrs, inputs['x']!.shape, filterShape, true);
    const dw = backend.makeOutput(filterShape, 'float32');
    heap.depthwiseFilterGradient(
      address(backend, inputs['x']!),
      address(backend, inputs['dy']!),
      address(backend, dw),
      ...geometryOf(info),
    );
    return dw;
  };

  /** x·σ(x), any shape. */
  const swish: Kernel = ({ inputs, backend }) => {
    const x = inputs['x']!;
    const out = backend.makeOutput(x.shape, 'float32');
    heap.swish(address(backend, x), address(backend, out), tf.util.sizeFromShape(x.shape));
    return out;
  };

  /** dy·d(x·σ(x))/dx, any shape. */
  const swishGrad: Kernel = ({ inputs, backend }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const out = backend.makeOutput(x.shape, 'float32');
    heap.swishGradient(
      address(backend, x),
      address(backend, dy),
      address(backend, out),
      tf.util.sizeFromShape(x.shape),
    );
    return out;
  };

  /** [n, rows, c] → [n, c]: sums over rows, of x, or of x·y if y is given. */
  const channelSum: Kernel = ({ inputs, backend }) => {
    const [n, rows, channels] = inputs['x']!.shape as [number, number, number];
    const out = backend.makeOutput([n, channels], 'float32');
    heap.channelSum(
      address(backend, inputs['x']!),
      inputs['y'] ? address(backend, inputs['y']) : 0,
      address(backend, out),
      n,
      rows,
      channels,
    );
    return out;
  };

  /** x [n, rows, c] · a [n, c] + b [n, c] → [n, rows, c]; without b the product alone. */
  const channelAffine: Kernel = ({ inputs, backend }) => {
    const { x, a, b } = inputs as { x: tf.TensorInfo; a: tf.TensorInfo; b?: tf.TensorInfo };
    const [n, rows, channels] = x.shape as [number, number, number];
    const out = backend.makeOutput(x.shape, 'float32');
    heap.channelAffine(
      address(backend, x),
      address(backend, a),
      b ? address(backend, b) : 0,
      address(backend, out),
      n,
      rows,
      channels,
    );
    return out;
  };

  /** a [n, c] → [n, rows, c], the same in every row. */
  const channelFill: Kernel = ({ inputs, attrs, backend }) => {
    const [n, channels] = inputs['a']!.shape as [number, number];
    const rows = attrs['rows'] as number;
    const out = backend.makeOutput([n, rows, channels], 'float32');
    heap.channelAffine(
      0,
      0,
      address(backend, inputs['a']!),
      address(backend, out),
      n,
      rows,
      channels,
    );
    return out;
  };

  /** Adam's step: the new w; m and v are updated in place. */
  const adam: Kernel = ({ inputs, attrs, backend }) => {
    const { w, g, m, v } = inputs as {
      w: tf.TensorInfo;
      g: tf.TensorInfo;
      m: tf.TensorInfo;
      v: tf.TensorInfo;
    };
    const out = backend.makeOutput(w.shape, 'float32');
    const [ws, gs, ms, vs] = [w, g, m, v].map((x) => address(backend, x)) as [
      number,
      number,
      number,
      number,
    ];
    heap.adam(
      ws,
      gs,
      ms,
      vs,
      address(backend, out),
      tf.util.sizeFromShape(w.shape),
      attrs['decay'] as number,
      ...(attrs['coefficients'] as AdamCoefficients),
    );
    return out;
  };

  /**
   * Another name for the same values. tfjs's own kernel copies them, and clones every tensor that a
   * gradient needs later.
   */
  const identity: Kernel = ({ inputs, backend }) => {
    const { dataId, shape, dtype } = inputs['x']!;
    backend.incRef(dataId);
    return { dataId, shape, dtype };
  };

  registerKernels('wasm', {
    Identity: identity,
    FusedConv2D: fusedConv2D,
    Conv2DBackpropInput: conv2DBackpropInput,
    Conv2DBackpropFilter: conv2DBackpropFilter,
    DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
    DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
    Swish: swish,
    SwishGrad: swishGrad,
    ChannelSum: channelSum,
    ChannelAffine: channelAffine,
    ChannelFill: channelFill,
    Adam: adam,
  });
}
