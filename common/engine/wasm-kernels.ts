// The training kernels that tfjs 4.22's WASM backend lacks or is slow at. Pointwise and depthwise gradients are phrased as forward
// convolutions, which XNNPACK runs with SIMD; the rest are plain loops over the heap, channels innermost as they lie in memory.
// A heap view dies when the WASM memory grows: every kernel takes its views after its last allocation.
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

type Inputs = Readonly<Record<string, tf.TensorInfo>>;
type Attrs = Readonly<Record<string, unknown>>;
interface Call {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly backend: BackendWasm;
}
type Kernel = (call: Call) => tf.TensorInfo;

/** Attributes that tfjs passes to every convolution gradient. */
interface ConvAttrs {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dilations?: [number, number] | number;
}

const kernelOf = (name: string): Kernel => tf.getKernel(name, 'wasm').kernelFunc as unknown as Kernel;
const floats = (backend: BackendWasm, info: tf.TensorInfo): Float32Array => backend.typedArrayFromHeap(info) as Float32Array;
const reshaped = ({ dataId, dtype }: tf.TensorInfo, shape: number[]): tf.TensorInfo => ({ dataId, dtype, shape });

function convInfo(attrs: Attrs, inputShape: number[], filterShape: number[], depthwise: boolean) {
  const { strides, pad, dimRoundingMode, dilations = 1 } = attrs as unknown as ConvAttrs;
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number], filterShape as [number, number, number, number], strides, dilations, pad, dimRoundingMode, depthwise);
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1) throw new RangeError('the WASM gradient of a dilated convolution is not implemented');
  if (depthwise && info.outChannels !== info.inChannels) throw new RangeError('the WASM gradient of a depthwise convolution with a channel multiplier is not implemented');
  return info;
}
type ConvInfo = ReturnType<typeof convInfo>;

/** Registers the kernels on the WASM backend; once, after it is ready. */
export function registerWasmKernels(): void {
  const convolve = kernelOf('Conv2D');
  const convolveDepthwise = kernelOf('DepthwiseConv2dNative');
  const transpose = kernelOf('Transpose');
  const generalInputGradient = kernelOf('Conv2DBackpropInput');
  const plain = { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NHWC' };

  /** A pointwise convolution's input gradient is a pointwise convolution of dy with the transposed filter. */
  const conv2DBackpropInput: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const info = convInfo(attrs, attrs['inputShape'] as number[], inputs['filter']!.shape, false);
    if (!isPointwise(info)) return generalInputGradient(call);
    const filter = transpose({ inputs: { x: inputs['filter']! }, backend, attrs: { perm: [0, 1, 3, 2] } });
    const dx = convolve({ inputs: { x: inputs['dy']!, filter }, backend, attrs: plain });
    backend.disposeData(filter.dataId);
    return dx;
  };

  /** dW = patches(x)ᵀ · dy, the matrix product as a pointwise convolution over [1, 1, patch, positions]. */
  const conv2DBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
    const x = inputs['x']!;
    const filterShape = attrs['filterShape'] as number[];
    const info = convInfo(attrs, x.shape, filterShape, false);
    const positions = info.batchSize * info.outHeight * info.outWidth;
    const patch = info.filterHeight * info.filterWidth * info.inChannels;
    const patches = isPointwise(info)
      ? transpose({ inputs: { x: reshaped(x, [positions, patch]) }, backend, attrs: { perm: [1, 0] } })
      : backend.makeOutput([patch, positions], 'float32');
    if (!isPointwise(info)) fillPatches(info, floats(backend, x), floats(backend, patches));
    const filter = reshaped(inputs['dy']!, [1, 1, positions, info.outChannels]);
    const dw = convolve({ inputs: { x: reshaped(patches, [1, 1, patch, positions]), filter }, backend, attrs: plain });
    backend.disposeData(patches.dataId);
    return reshaped(dw, filterShape);
  };

  /** dx = dy, with stride − 1 zeros between its values, convolved with the filter turned by 180°. */
  const depthwiseBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
    const dy = inputs['dy']!;
    const filter = inputs['filter']!;
    const info = convInfo(attrs, attrs['inputShape'] as number[], filter.shape, true);
    const { inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo, batchSize } = info;
    const turned = backend.makeOutput(filter.shape, 'float32');
    const strided = strideHeight !== 1 || strideWidth !== 1;
    const height = (outHeight - 1) * strideHeight + 1;
    const width = (outWidth - 1) * strideWidth + 1;
    const spread = strided ? backend.makeOutput([batchSize, height, width, inChannels], 'float32') : dy;
    turn(floats(backend, filter), floats(backend, turned), inChannels);
    if (strided) spreadOut(info, floats(backend, dy), floats(backend, spread), height, width);
    const pad = [
      [0, 0],
      [filterHeight - 1 - padInfo.top, inHeight - height + padInfo.top],
      [filterWidth - 1 - padInfo.left, inWidth - width + padInfo.left],
      [0, 0],
    ];
    const dx = convolveDepthwise({ inputs: { x: spread, filter: turned }, backend, attrs: { strides: [1, 1], pad, dilations: [1, 1] } });
    backend.disposeData(turned.dataId);
    if (strided) backend.disposeData(spread.dataId);
    return dx;
  };

  const depthwiseBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
    const filterShape = attrs['filterShape'] as number[];
    const info = convInfo(attrs, inputs['x']!.shape, filterShape, true);
    const dw = backend.makeOutput(filterShape, 'float32');
    correlate(info, floats(backend, inputs['x']!), floats(backend, inputs['dy']!), floats(backend, dw));
    return dw;
  };

  /** d(x·s)/dx with s = sigmoid(x), in one pass. */
  const swishGrad: Kernel = ({ inputs, backend }) => {
    const out = backend.makeOutput(inputs['x']!.shape, 'float32');
    const [x, s, dy, dx] = [floats(backend, inputs['x']!), floats(backend, inputs['s']!), floats(backend, inputs['dy']!), floats(backend, out)];
    for (let i = 0; i < dx.length; i++) {
      const q = s[i]!;
      dx[i] = dy[i]! * q * (1 + x[i]! * (1 - q));
    }
    return out;
  };

  /** [n, rows, c] → [n, c]: sums over rows, of x, or of x·y where y is given. */
  const channelSum: Kernel = ({ inputs, backend }) => {
    const [n, rows, channels] = inputs['x']!.shape as [number, number, number];
    const out = backend.makeOutput([n, channels], 'float32');
    const x = floats(backend, inputs['x']!);
    const y = inputs['y'] && floats(backend, inputs['y']);
    const sums = floats(backend, out).fill(0);
    for (let b = 0, at = 0; b < n; b++) {
      const sum = sums.subarray(b * channels, (b + 1) * channels);
      for (let r = 0; r < rows; r++, at += channels) {
        if (y) for (let c = 0; c < channels; c++) sum[c] = sum[c]! + x[at + c]! * y[at + c]!;
        else for (let c = 0; c < channels; c++) sum[c] = sum[c]! + x[at + c]!;
      }
    }
    return out;
  };

  const kernels: Record<string, Kernel> = {
    Conv2DBackpropInput: conv2DBackpropInput,
    Conv2DBackpropFilter: conv2DBackpropFilter,
    DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
    DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
    SwishGrad: swishGrad,
    ChannelSum: channelSum,
  };
  tf.unregisterKernel('Conv2DBackpropInput', 'wasm');
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: kernel as unknown as tf.KernelFunc });
  }
}

const isPointwise = (i: ConvInfo): boolean =>
  i.filterHeight === 1 && i.filterWidth === 1 && i.strideHeight === 1 && i.strideWidth === 1 && i.outHeight === i.inHeight && i.outWidth === i.inWidth;

/** im2col, transposed: [filter row, filter column, channel] × [image, output row, output column]; zero where the patch lies outside. */
function fillPatches(info: ConvInfo, x: Float32Array, patches: Float32Array): void {
  const { filterHeight, filterWidth, inChannels, outHeight, outWidth, inHeight, inWidth, strideHeight, strideWidth, padInfo, batchSize } = info;
  let at = 0;
  for (let i = 0; i < filterHeight; i++) for (let j = 0; j < filterWidth; j++) for (let c = 0; c < inChannels; c++) {
    for (let n = 0; n < batchSize; n++) for (let oy = 0; oy < outHeight; oy++) {
      const y = oy * strideHeight + i - padInfo.top;
      const row = (n * inHeight + y) * inWidth;
      for (let ox = 0; ox < outWidth; ox++, at++) {
        const z = ox * strideWidth + j - padInfo.left;
        patches[at] = y < 0 || y >= inHeight || z < 0 || z >= inWidth ? 0 : x[(row + z) * inChannels + c]!;
      }
    }
  }
}

/** The filter [kh, kw, c, 1] turned by 180°. */
function turn(filter: Float32Array, turned: Float32Array, channels: number): void {
  for (let from = 0, to = filter.length - channels; to >= 0; from += channels, to -= channels) turned.set(filter.subarray(from, from + channels), to);
}

/** dy with stride − 1 zeros between rows and columns. */
function spreadOut(info: ConvInfo, dy: Float32Array, spread: Float32Array, height: number, width: number): void {
  const { inChannels: channels, outHeight, outWidth, strideHeight, strideWidth, batchSize } = info;
  spread.fill(0);
  for (let n = 0, from = 0; n < batchSize; n++) for (let y = 0; y < outHeight; y++) for (let x = 0; x < outWidth; x++, from += channels) {
    spread.set(dy.subarray(from, from + channels), ((n * height + y * strideHeight) * width + x * strideWidth) * channels);
  }
}

/** Depthwise filter gradient: dw[i, j, c] = Σ x[n, y·s + i − p, z·s + j − p, c] · dy[n, y, z, c]. */
function correlate(info: ConvInfo, x: Float32Array, dy: Float32Array, dw: Float32Array): void {
  const { filterHeight, filterWidth, inChannels: channels, outHeight, outWidth, inHeight, inWidth, strideHeight, strideWidth, padInfo, batchSize } = info;
  dw.fill(0);
  for (let n = 0; n < batchSize; n++) for (let oy = 0; oy < outHeight; oy++) for (let i = 0; i < filterHeight; i++) {
    const y = oy * strideHeight + i - padInfo.top;
    if (y < 0 || y >= inHeight) continue;
    for (let j = 0; j < filterWidth; j++) {
      const at = (i * filterWidth + j) * channels;
      for (let ox = 0; ox < outWidth; ox++) {
        const z = ox * strideWidth + j - padInfo.left;
        if (z < 0 || z >= inWidth) continue;
        const from = ((n * inHeight + y) * inWidth + z) * channels;
        const d = ((n * outHeight + oy) * outWidth + ox) * channels;
        for (let c = 0; c < channels; c++) dw[at + c] = dw[at + c]! + x[from + c]! * dy[d + c]!;
      }
    }
  }
}
