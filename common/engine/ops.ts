// Differentiable operations of the networks, with gradients that take one pass where tfjs's own
// take many. They run on every engine: an engine's own kernel is used where we have one, elsewhere
// the operation is composed of tfjs operations.
import * as tf from '@tensorflow/tfjs';

const has = (kernel: string): boolean => Boolean(tf.getKernel(kernel, tf.getBackend()));
const run = <R extends tf.Rank>(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, unknown> = {},
): tf.Tensor<R> => tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap);
/** Runs a kernel with several outputs. */
const runAll = (
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, unknown>,
): tf.Tensor[] =>
  tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap) as unknown as tf.Tensor[];

/** x·sigmoid(x) (Ramachandran et al. 2017), any shape. */
export const swish = <T extends tf.Tensor>(x: T): T =>
  has('Swish') ? (run('Swish', { x }) as T) : composedSwish(x);

// The gradient computes the sigmoid again, which takes less time than reading it back. y costs
// nothing extra, as the next operation keeps it anyway.
tf.registerGradient({
  kernelName: 'Swish',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, [x, y]) => ({ x: () => run('SwishGrad', { x: x!, y: y!, dy: dy as tf.Tensor }) }),
});

const composedSwish: <T extends tf.Tensor>(x: T) => T = tf.customGrad((x, save) => {
  const s = tf.sigmoid(x as tf.Tensor);
  (save as tf.GradSaveFunc)([x as tf.Tensor, s]);
  return {
    value: tf.mul(x as tf.Tensor, s),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => swishSlope(saved[0]!, saved[1]!, dy),
  };
}) as never;

/** dy · d(x·s)/dx, s = sigmoid(x). */
const swishSlope = (x: tf.Tensor, s: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
  tf.tidy(() => tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s))))));

/**
 * x·Φ(x), with Φ the normal distribution function (Hendrycks & Gimpel 2016), computed with the
 * error function; any shape.
 */
export const gelu: <T extends tf.Tensor>(x: T) => T = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  (save as tf.GradSaveFunc)([input]);
  return {
    value: tf.mul(input, normalDistribution(input)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
      tf.tidy(() => {
        const [x] = saved as [tf.Tensor];
        const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(normalDistribution(x), tf.mul(x, density)));
      }),
  };
}) as never;

const normalDistribution = (x: tf.Tensor): tf.Tensor =>
  tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/**
 * A rectifier f with its gradient. Where f is flat is decided from its output, which the next
 * operation keeps anyway.
 */
const ramp = (
  f: (x: tf.Tensor) => tf.Tensor,
  gradKernel: string,
  rises: (y: tf.Tensor) => tf.Tensor,
): (<T extends tf.Tensor>(x: T) => T) =>
  tf.customGrad((x, save) => {
    const y = f(x as tf.Tensor);
    (save as tf.GradSaveFunc)([y]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, [y]: tf.Tensor[]) =>
        has(gradKernel)
          ? run(gradKernel, { dy, y: y! })
          : tf.tidy(() => tf.mul(dy, tf.cast(rises(y!), 'float32'))),
    };
  }) as never;

/** max(x, 0), any shape. */
export const relu = ramp(tf.relu, 'ReluGrad', (y) => tf.greater(y, 0));
/** min(max(x, 0), 6), any shape. */
export const relu6 = ramp(tf.relu6, 'Relu6Grad', (y) =>
  tf.logicalAnd(tf.greater(y, 0), tf.less(y, 6)),
);

/**
 * γ (x − mean) / σ + β over n, h and w (Ioffe & Szegedy 2015): x [n, h, w, c], γ and β [c]. The
 * gradient is written out, because tfjs's own tiles to full size and takes twice as long.
 */
export const normaliseBatch = (
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): tf.Tensor4D =>
  (has('NormaliseBatch') ? fusedNormaliseBatch : composedNormaliseBatch)(epsilon)(
    x,
    gamma,
    beta,
  ) as tf.Tensor4D;

const fusedNormaliseBatch = (epsilon: number) =>
  tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as unknown as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const [y, ...statistics] = runAll('NormaliseBatch', { x, gamma, beta }, { epsilon }) as [
      tf.Tensor,
      ...tf.Tensor[],
    ];
    save([x, gamma, ...statistics]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, gamma, mean, variance] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        return runAll('NormaliseBatchGrad', { dy, x, gamma, mean, variance }, { epsilon });
      },
    };
  });

/** All axes but the channels. */
const POSITIONS = [0, 1, 2];

const composedNormaliseBatch = (epsilon: number) =>
  standardise(POSITIONS, epsilon, (dy, normal, inverse, gamma) => {
    const count = dy.size / dy.shape.at(-1)!;
    const dBeta = tf.sum(dy, POSITIONS);
    const dGamma = tf.sum(tf.mul(dy, normal), POSITIONS);
    const dNormal = tf.sub(tf.sub(dy, tf.div(dBeta, count)), tf.mul(normal, tf.div(dGamma, count)));
    return [tf.mul(dNormal, tf.mul(gamma, inverse)), dGamma, dBeta];
  });

/** γ (x − mean) / σ + β over the last axis (Ba et al. 2016): x [n, …, c], γ and β [c]. */
export const layerNorm = <T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): T =>
  standardise([-1], epsilon, (dy, normal, inverse, gamma) => {
    const dNormal = tf.mul(dy, gamma);
    const along = tf.mul(normal, tf.mean(tf.mul(dNormal, normal), -1, true));
    const dx = tf.mul(inverse, tf.sub(tf.sub(dNormal, tf.mean(dNormal, -1, true)), along));
    const sums = (y?: tf.Tensor): tf.Tensor =>
      tf.reshape(channelSum(asRows(dy, 1), y && asRows(y, 1)), [-1]);
    return [dx, sums(normal), sums()];
  })(x, gamma, beta) as T;

/**
 * γ · normal + β as a function of x, γ and β, with normal = (x − mean) · inverse and inverse = 1 /
 * σ over these axes.
 * @param back the gradients in x, γ and β
 */
function standardise(
  axes: number[],
  epsilon: number,
  back: (dy: tf.Tensor, normal: tf.Tensor, inverse: tf.Tensor, gamma: tf.Tensor) => tf.Tensor[],
) {
  return tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as unknown as [
      tf.Tensor,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const centred = tf.sub(x, tf.mean(x, axes, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon));
    const normal = tf.mul(centred, inverse);
    save([normal, inverse, gamma]);
    return {
      value: tf.add(tf.mul(normal, gamma), beta),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        back(dy, ...(saved as [tf.Tensor, tf.Tensor, tf.Tensor])),
    };
  });
}

/** [n, rows, c] → [n, c]: sums over rows, of x, or of x·y. */
function channelSum(x: tf.Tensor3D, y?: tf.Tensor3D): tf.Tensor2D {
  if (has('ChannelSum')) return run('ChannelSum', y ? { x, y } : { x });
  return tf.tidy(() => tf.sum(y ? tf.mul(x, y) : x, 1));
}

/**
 * x [n, …, c] · a [n, c] + b [n, c], with one factor and offset per channel; without b the product
 * alone.
 */
function channelAffine(x: tf.Tensor, a: tf.Tensor2D, b?: tf.Tensor2D): tf.Tensor {
  const rows = asRows(x, a.shape[0]);
  const out = (): tf.Tensor => {
    if (has('ChannelAffine')) return run('ChannelAffine', b ? { x: rows, a, b } : { x: rows, a });
    const product = tf.mul(rows, tf.expandDims(a, 1));
    return b ? tf.add(product, tf.expandDims(b, 1)) : product;
  };
  return tf.tidy(() => tf.reshape(out(), x.shape));
}

/**
 * a [n, c] → [n, rows, c], the same in every row. Not tf.broadcastTo, which tiles: slow on some
 * engines.
 */
const channelFill = (a: tf.Tensor2D, rows: number): tf.Tensor =>
  has('ChannelFill')
    ? run('ChannelFill', { a }, { rows })
    : tf.mul(tf.ones([a.shape[0], rows, a.shape[1]]), tf.expandDims(a, 1));

/** Views [n, …, c] as [n, rows, c]. */
const asRows = (x: tf.Tensor, n: number): tf.Tensor3D => tf.reshape(x, [n, -1, x.shape.at(-1)!]);

/** x [n, …, c] times a [n, c]: one factor for all positions of a channel. */
export const scaleChannels: (x: tf.Tensor, a: tf.Tensor2D) => tf.Tensor = tf.customGrad(
  (x, a, save) => {
    const [input, factor] = [x as tf.Tensor, a as tf.Tensor2D];
    (save as tf.GradSaveFunc)([input, factor]);
    return {
      value: channelAffine(input, factor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, a] = saved as [tf.Tensor, tf.Tensor2D];
        return [channelAffine(dy, a), channelSum(asRows(dy, a.shape[0]), asRows(x, a.shape[0]))];
      },
    };
  },
);

/** Means over positions. */
const poolRows = (x: tf.Tensor4D): tf.Tensor2D =>
  tf.div(channelSum(asRows(x, x.shape[0])), x.shape[1] * x.shape[2]);

/** Global average pooling: [n, h, w, c] → [n, c]. */
export const poolChannels: (x: tf.Tensor4D) => tf.Tensor2D = tf.customGrad((x) => {
  const input = x as tf.Tensor4D;
  const [, h, w] = input.shape;
  return {
    value: poolRows(input),
    gradFunc: (dy: tf.Tensor) =>
      tf.tidy(() => tf.reshape(channelFill(tf.div(dy as tf.Tensor2D, h * w), h * w), input.shape)),
  };
}) as never;

/**
 * Squeeze and excitation (Hu et al. 2018): x·a with a = sigmoid(swish(x̄·w1 + b1)·w2 + b2), where
 * x̄ is the mean of x [n, h, w, c] over positions; w1 [c, s], b1 [s], w2 [s, c], b2 [c]. It is one
 * operation, so that the gradient's two paths to x share one pass over it.
 */
export const squeezeExcite: (
  x: tf.Tensor4D,
  w1: tf.Tensor2D,
  b1: tf.Tensor1D,
  w2: tf.Tensor2D,
  b2: tf.Tensor1D,
) => tf.Tensor4D = tf.customGrad((...args) => {
  const [x, w1, b1, w2, b2, save] = args as unknown as [
    tf.Tensor4D,
    tf.Tensor2D,
    tf.Tensor1D,
    tf.Tensor2D,
    tf.Tensor1D,
    tf.GradSaveFunc,
  ];
  const pooled = poolRows(x);
  const hidden = tf.add(tf.matMul(pooled, w1), b1);
  const gate = tf.sigmoid(hidden);
  const a = tf.sigmoid(tf.add<tf.Tensor2D>(tf.matMul(tf.mul<tf.Tensor2D>(hidden, gate), w2), b2));
  save([x, w1, w2, pooled, hidden, gate, a]);
  return {
    value: channelAffine(x, a) as tf.Tensor4D,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, w1, w2, pooled, hidden, gate, a] = saved as [
        tf.Tensor4D,
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const [n, h, w] = x.shape;
      const dScore = tf.mul<tf.Tensor2D>(
        channelSum(asRows(dy, n), asRows(x, n)),
        tf.mul(a, tf.sub(1, a)),
      );
      const dHidden = swishSlope(hidden, gate, tf.matMul(dScore, w2, false, true)) as tf.Tensor2D;
      const dPooled = tf.div<tf.Tensor2D>(tf.matMul(dHidden, w1, false, true), h * w);
      const dw1 = tf.matMul(pooled, dHidden, true);
      const dw2 = tf.matMul(tf.mul<tf.Tensor2D>(hidden, gate), dScore, true);
      return [channelAffine(dy, a, dPooled), dw1, tf.sum(dHidden, 0), dw2, tf.sum(dScore, 0)];
    },
  };
});

/** `same` and `valid` as in tfjs, or this many zeros on every side. */
export type Pad = 'same' | 'valid' | number;

/** Convolution with bias, NHWC: x [n, h, w, c], filter [k, k, c, o], bias [o]. */
export const conv2d = (
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D,
  stride: number,
  pad: Pad,
): tf.Tensor4D => fused('FusedConv2D', x, filter, bias, stride, pad);

/** Depthwise convolution with bias, NHWC: x [n, h, w, c], filter [k, k, c, 1], bias [c]. */
export const depthwiseConv2d = (
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D,
  stride: number,
  pad: Pad,
): tf.Tensor4D => fused('FusedDepthwiseConv2D', x, filter, bias, stride, pad);

function fused(
  kernel: string,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D,
  stride: number,
  pad: Pad,
): tf.Tensor4D {
  const attrs = {
    strides: [stride, stride],
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  // Only these engines' kernels pad with zeros by themselves, forward and backward.
  if (typeof pad === 'string' || ['wasm', 'webgpu'].includes(tf.getBackend()))
    return run(kernel, { x, filter, bias }, { ...attrs, pad });
  return run(
    kernel,
    {
      x: tf.pad(x, [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]),
      filter,
      bias,
    },
    { ...attrs, pad: 'valid' },
  );
}

// tfjs gives its fused kernels no gradient (tf.fused wraps them in a custom one that always
// computes all three). Ours compute only the gradients that are needed: no input gradient below the
// first trainable block.
for (const [kernelName, backprop, layout] of [
  ['FusedConv2D', 'Conv2DBackprop', 'dataFormat'],
  ['FusedDepthwiseConv2D', 'DepthwiseConv2dNativeBackprop', 'dilations'],
] as const) {
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const { strides, pad } = attrs as { strides: number[]; pad: Pad };
      const shared = { strides, pad, [layout]: attrs[layout] };
      const dy4 = dy as tf.Tensor4D;
      return {
        x: () => run(`${backprop}Input`, { dy: dy4, filter }, { ...shared, inputShape: x.shape }),
        filter: () =>
          run(`${backprop}Filter`, { x, dy: dy4 }, { ...shared, filterShape: filter.shape }),
        bias: () => tf.reshape(channelSum(asRows(dy4, 1)), [dy4.shape[3]]),
      };
    },
  });
}
