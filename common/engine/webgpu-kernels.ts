// Our kernels for tfjs's WebGPU backend, in WGSL. The backend lacks none that training needs, but
// some are slow: it gives each value of a filter's gradient to one thread, which walks over the
// whole batch alone, and it composes of many passes what ours do in one.
import * as tf from '@tensorflow/tfjs';
import { type WebGPUBackend, webgpu_util } from '@tensorflow/tfjs-backend-webgpu';
import {
  type Call,
  type ConvInfo,
  isPointwise,
  type Kernel as BackendKernel,
  kernelOf,
  registerKernels,
} from './register-kernels.js';

type Kernel = BackendKernel<WebGPUBackend>;

/** A program with one thread per value of its output. */
interface Program {
  readonly name: string;
  readonly shape: readonly number[];
  /** Each is an array of f32 with this name in WGSL. */
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** `uniforms.…` in WGSL, i32. */
  readonly integers?: Readonly<Record<string, number>>;
  /** `uniforms.…` in WGSL, f32. */
  readonly floats?: Readonly<Record<string, number>>;
  /** The body of `fn value(index : i32) -> f32`. */
  readonly value: string;
  /** Written in place instead of into new memory; `result[index]` is the previous value. */
  readonly into?: tf.TensorInfo;
}

const THREADS = 64;
/**
 * Values that one thread adds up: a balance between enough threads for a GPU and few partial sums.
 */
const RUN = 128;
/** The most values that partial sums may occupy. */
const MOST_PARTIAL = 2 ** 22;

function run(
  backend: WebGPUBackend,
  { name, shape, inputs, integers = {}, floats = {}, value, into }: Program,
): tf.TensorInfo {
  const dispatchLayout = webgpu_util.flatDispatchLayout([...shape]);
  const workgroupSize: [number, number, number] = [THREADS, 1, 1];
  const program = {
    variableNames: Object.keys(inputs),
    outputShape: [...shape],
    shaderKey: `lentigo${name}${into ? 'InPlace' : ''}`,
    workgroupSize,
    dispatchLayout,
    dispatch: webgpu_util.computeDispatch(dispatchLayout, [...shape], workgroupSize),
    size: true,
    uniforms: [
      ...Object.keys(integers).map((key) => `${key} : i32, `),
      ...Object.keys(floats).map((key) => `${key} : f32, `),
    ].join(''),
    getUserCode: () => `
      fn value(index : i32) -> f32 { ${value} }
      fn main(index : i32) { if (index < uniforms.size) { result[index] = value(index); } }`,
  };
  const uniforms = [
    ...Object.values(integers).map((v) => ({ type: 'int32', data: [v] })),
    ...Object.values(floats).map((v) => ({ type: 'float32', data: [v] })),
  ];
  return backend.runWebGPUProgram(program, Object.values(inputs), 'float32', uniforms, into);
}

const SIGMOID = 'let s = 1.0 / (1.0 + exp(-clamp(x[index], -87.0, 87.0)));';

/** x·σ(x), any shape. */
const swish: Kernel = ({ inputs, backend }) =>
  run(backend, {
    name: 'Swish',
    shape: inputs['x']!.shape,
    inputs: { x: inputs['x']! },
    value: `${SIGMOID} return x[index] * s;`,
  });

/** dy·d(x·σ(x))/dx, any shape. */
const swishGrad: Kernel = ({ inputs, backend }) => {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  return run(backend, {
    name: 'SwishGrad',
    shape: x.shape,
    inputs: { x, dy },
    value: `${SIGMOID} return dy[index] * s * (1.0 + x[index] * (1.0 - s));`,
  });
};

/**
 * [n, rows, c] → [n, c]: sums over rows, of x, or of x·y if y is given. Sums runs of rows first,
 * then those sums.
 */
function sumRows(backend: WebGPUBackend, x: tf.TensorInfo, y?: tf.TensorInfo): tf.TensorInfo {
  const [n, rows, channels] = x.shape as [number, number, number];
  const parts = Math.ceil(rows / RUN);
  const sums = run(backend, {
    name: y ? 'ChannelSumOfProducts' : 'ChannelSum',
    shape: parts === 1 ? [n, channels] : [n, parts, channels],
    inputs: y ? { x, y } : { x },
    integers: { rows, channels, parts, run: RUN },
    value: `
      let part = (index / uniforms.channels) % uniforms.parts;
      let n = index / (uniforms.channels * uniforms.parts);
      let end = min(uniforms.rows, (part + 1) * uniforms.run);
      var sum = 0.0;
      var at = (n * uniforms.rows + part * uniforms.run) * uniforms.channels + index % uniforms.channels;
      for (var r = part * uniforms.run; r < end; r++) { sum += x[at]${y ? ' * y[at]' : ''}; at += uniforms.channels; }
      return sum;`,
  });
  if (parts === 1) return sums;
  const total = sumRows(backend, sums);
  backend.disposeData(sums.dataId);
  return total;
}
const channelSum: Kernel = ({ inputs, backend }) => sumRows(backend, inputs['x']!, inputs['y']);

/** x [n, rows, c] · a [n, c] + b [n, c] → [n, rows, c]; without b the product alone. */
const channelAffine: Kernel = ({ inputs, backend }) => {
  const { x, a, b } = inputs as { x: tf.TensorInfo; a: tf.TensorInfo; b?: tf.TensorInfo };
  const [, rows, channels] = x.shape as [number, number, number];
  return run(backend, {
    name: b ? 'ChannelAffine' : 'ChannelScale',
    shape: x.shape,
    inputs: b ? { x, a, b } : { x, a },
    integers: { rows, channels },
    value: `
      let k = index / (uniforms.rows * uniforms.channels) * uniforms.channels + index % uniforms.channels;
      return x[index] * a[k]${b ? ' + b[k]' : ''};`,
  });
};

/** a [n, c] → [n, rows, c], the same in every row. */
const channelFill: Kernel = ({ inputs, attrs, backend }) => {
  const [n, channels] = inputs['a']!.shape as [number, number];
  const rows = attrs['rows'] as number;
  return run(backend, {
    name: 'ChannelFill',
    shape: [n, rows, channels],
    inputs: { a: inputs['a']! },
    integers: { rows, channels },
    value:
      'return a[index / (uniforms.rows * uniforms.channels) * uniforms.channels + index % uniforms.channels];',
  });
};

function convInfo(
  inputShape: number[],
  filterShape: number[],
  attrs: Call<WebGPUBackend>['attrs'],
  depthwise: boolean,
): ConvInfo {
  const {
    strides,
    pad,
    dimRoundingMode,
    dilations = 1,
  } = attrs as { strides: number; pad: number; dimRoundingMode?: 'floor'; dilations?: number };
  return tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

/** [n, h, w, c] as [1, n·h·w, c]. */
const asMatrix = (x: tf.TensorInfo): tf.TensorInfo => ({
  ...x,
  shape: [1, tf.util.sizeFromShape(x.shape.slice(0, 3)), x.shape[3]!],
});

/** Σ over output positions of x · dy. Sums runs of positions first, then those sums. */
function filterGradient(
  { inputs, attrs, backend }: Call<WebGPUBackend>,
  info: ConvInfo,
  depthwise: boolean,
): tf.TensorInfo {
  const filterShape = attrs['filterShape'] as number[];
  const size = tf.util.sizeFromShape(filterShape);
  const positions = info.batchSize * info.outHeight * info.outWidth;
  const length = Math.max(RUN, Math.ceil((positions * size) / MOST_PARTIAL));
  const parts = Math.ceil(positions / length);
  const {
    inHeight,
    inWidth,
    inChannels,
    outHeight,
    outWidth,
    outChannels,
    filterWidth,
    strideHeight,
    strideWidth,
    padInfo: { top, left },
  } = info;
  const sums = run(backend, {
    name: depthwise ? 'DepthwiseFilterGradient' : 'FilterGradient',
    shape: [1, parts, size],
    inputs: { x: inputs['x']!, dy: inputs['dy']! },
    integers: {
      positions,
      length,
      filterSize: size,
      inHeight,
      inWidth,
      inChannels,
      outHeight,
      outWidth,
      outChannels,
      filterWidth,
      strideHeight,
      strideWidth,
      top,
      left,
    },
    value: `
      let place = index % uniforms.filterSize;
      let outChannel = place % uniforms.outChannels;
      ${depthwise ? 'let inChannel = outChannel; let tap = place / uniforms.outChannels;' : 'let inChannel = (place / uniforms.outChannels) % uniforms.inChannels; let tap = place / (uniforms.outChannels * uniforms.inChannels);'}
      let i = tap / uniforms.filterWidth - uniforms.top;
      let j = tap % uniforms.filterWidth - uniforms.left;
      let start = index / uniforms.filterSize * uniforms.length;
      let end = min(uniforms.positions, start + uniforms.length);
      var sum = 0.0;
      for (var p = start; p < end; p++) {
        let y = (p / uniforms.outWidth) % uniforms.outHeight * uniforms.strideHeight + i;
        let z = p % uniforms.outWidth * uniforms.strideWidth + j;
        if (y >= 0 && y < uniforms.inHeight && z >= 0 && z < uniforms.inWidth) {
          let n = p / (uniforms.outWidth * uniforms.outHeight);
          sum += x[((n * uniforms.inHeight + y) * uniforms.inWidth + z) * uniforms.inChannels + inChannel] * dy[p * uniforms.outChannels + outChannel];
        }
      }
      return sum;`,
  });
  const total = sumRows(backend, sums);
  backend.disposeData(sums.dataId);
  return { ...total, shape: filterShape };
}

/** Registers the kernels on the WebGPU backend, once it is ready. */
export function registerWebgpuKernels(): void {
  const matMul: Kernel = kernelOf('BatchMatMul', 'webgpu');
  const generalInputGradient: Kernel = kernelOf('Conv2DBackpropInput', 'webgpu');
  const generalDepthwiseFilterGradient: Kernel = kernelOf(
    'DepthwiseConv2dNativeBackpropFilter',
    'webgpu',
  );

  /** dW = patches(x)ᵀ · dy; a pointwise convolution's patches are x itself. */
  const conv2DBackpropFilter: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const filterShape = attrs['filterShape'] as number[];
    const info = convInfo(inputs['x']!.shape, filterShape, attrs, false);
    if (!isPointwise(info)) return filterGradient(call, info, false);
    const dw = matMul({
      inputs: { a: asMatrix(inputs['x']!), b: asMatrix(inputs['dy']!) },
      attrs: { transposeA: true, transposeB: false },
      backend,
    });
    return { ...dw, shape: filterShape };
  };

  /** A pointwise convolution's input gradient is dy times the transposed filter. */
  const conv2DBackpropInput: Kernel = (call) => {
    const { inputs, attrs, backend } = call;
    const inputShape = attrs['inputShape'] as number[];
    if (!isPointwise(convInfo(inputShape, inputs['filter']!.shape, attrs, false)))
      return generalInputGradient(call);
    const dx = matMul({
      inputs: { a: asMatrix(inputs['dy']!), b: asMatrix(inputs['filter']!) },
      attrs: { transposeA: false, transposeB: true },
      backend,
    });
    return { ...dx, shape: inputShape };
  };

  const depthwiseBackpropFilter: Kernel = (call) => {
    const info = convInfo(
      call.inputs['x']!.shape,
      call.attrs['filterShape'] as number[],
      call.attrs,
      true,
    );
    if (info.dilationHeight * info.dilationWidth > 1 || info.outChannels !== info.inChannels)
      return generalDepthwiseFilterGradient(call);
    return filterGradient(call, info, true);
  };

  /** Adam's step (adam.ts): updates the moments in place and returns the new variable. */
  const adam: Kernel = ({ inputs, attrs, backend }) => {
    const { w, g, m, v } = inputs as {
      w: tf.TensorInfo;
      g: tf.TensorInfo;
      m: tf.TensorInfo;
      v: tf.TensorInfo;
    };
    const [beta1, c1, beta2, c2, stepSize, squareScale, epsilon] = attrs['coefficients'] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    run(backend, {
      name: 'AdamMean',
      shape: m.shape,
      inputs: { g },
      floats: { beta1, c1 },
      value: 'return uniforms.beta1 * result[index] + uniforms.c1 * g[index];',
      into: m,
    });
    run(backend, {
      name: 'AdamSquare',
      shape: v.shape,
      inputs: { g },
      floats: { beta2, c2 },
      value: 'return uniforms.beta2 * result[index] + uniforms.c2 * g[index] * g[index];',
      into: v,
    });
    return run(backend, {
      name: 'AdamStep',
      shape: w.shape,
      inputs: { w, m, v },
      floats: { decay: attrs['decay'] as number, stepSize, squareScale, epsilon },
      value:
        'return uniforms.decay * w[index] - uniforms.stepSize * m[index] / (uniforms.squareScale * sqrt(v[index]) + uniforms.epsilon);',
    });
  };

  registerKernels('webgpu', {
    Conv2DBackpropFilter: conv2DBackpropFilter,
    Conv2DBackpropInput: conv2DBackpropInput,
    DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
    Swish: swish,
    SwishGrad: swishGrad,
    ChannelSum: channelSum,
    ChannelAffine: channelAffine,
    ChannelFill: channelFill,
    Adam: adam,
  });
}
