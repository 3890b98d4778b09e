// Differentiable operations of the student, with gradients that take one pass where tfjs's own take many. They run on every engine:
// where an engine has a kernel of ours (the WASM backend) it is used, elsewhere the same is composed of tfjs operations.
import * as tf from '@tensorflow/tfjs';

const has = (kernel: string): boolean => Boolean(tf.getKernel(kernel, tf.getBackend()));
const run = <R extends tf.Rank>(kernel: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown> = {}): tf.Tensor<R> =>
  tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap);

/** x·sigmoid(x) (Ramachandran et al. 2017), any shape. */
export const swish: <T extends tf.Tensor>(x: T) => T = tf.customGrad((x, save) => {
  const s = tf.sigmoid(x as tf.Tensor);
  (save as tf.GradSaveFunc)([x as tf.Tensor, s]);
  return { value: tf.mul(x as tf.Tensor, s), gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => swishGradient(saved[0]!, saved[1]!, dy) };
}) as never;

function swishGradient(x: tf.Tensor, s: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  if (has('SwishGrad')) return run('SwishGrad', { x, s, dy });
  return tf.tidy(() => tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s))))));
}

/** [n, rows, c] → [n, c]: sums over rows, of x, or of x·y. */
function channelSum(x: tf.Tensor3D, y?: tf.Tensor3D): tf.Tensor2D {
  if (has('ChannelSum')) return run('ChannelSum', y ? { x, y } : { x });
  return tf.tidy(() => tf.sum(y ? tf.mul(x, y) : x, 1));
}

/** Views [n, …, c] as [n, rows, c]. */
const asRows = (x: tf.Tensor, n: number): tf.Tensor3D => tf.reshape(x, [n, -1, x.shape.at(-1)!]);

/** x [n, …, c] times a [n, c], the same factor over all positions of a channel. */
export const scaleChannels: (x: tf.Tensor, a: tf.Tensor2D) => tf.Tensor = tf.customGrad((x, a, save) => {
  const [input, factor] = [x as tf.Tensor, a as tf.Tensor2D];
  (save as tf.GradSaveFunc)([input, factor]);
  return {
    value: times(input, factor),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, a] = saved as [tf.Tensor, tf.Tensor2D];
      return [times(dy, a), channelSum(asRows(dy, a.shape[0]), asRows(x, a.shape[0]))];
    },
  };
});

const times = (x: tf.Tensor, a: tf.Tensor2D): tf.Tensor => tf.reshape(tf.mul(asRows(x, a.shape[0]), tf.expandDims(a, 1)), x.shape);

/** Global average pooling: [n, h, w, c] → [n, c]. */
export const poolChannels: (x: tf.Tensor4D) => tf.Tensor2D = tf.customGrad((x) => {
  const input = x as tf.Tensor4D;
  const [n, h, w, c] = input.shape;
  return {
    value: tf.div(channelSum(asRows(input, n)), h * w),
    // Not tf.broadcastTo: it tiles, which the WASM backend does slowly.
    gradFunc: (dy: tf.Tensor) => tf.reshape(tf.mul(tf.ones([n, h * w, c]), tf.expandDims(tf.div(dy, h * w), 1)), [n, h, w, c]),
  };
}) as never;

/** Convolution with bias, NHWC: x [n, h, w, c], filter [k, k, c, o], bias [o]. */
export const conv2d = (x: tf.Tensor4D, filter: tf.Tensor4D, bias: tf.Tensor1D, stride: number, pad: 'same' | 'valid'): tf.Tensor4D =>
  run('FusedConv2D', { x, filter, bias }, fusedAttrs(stride, pad));

/** Depthwise convolution with bias, NHWC: x [n, h, w, c], filter [k, k, c, 1], bias [c]. */
export const depthwiseConv2d = (x: tf.Tensor4D, filter: tf.Tensor4D, bias: tf.Tensor1D, stride: number, pad: 'same' | 'valid'): tf.Tensor4D =>
  run('FusedDepthwiseConv2D', { x, filter, bias }, fusedAttrs(stride, pad));

const fusedAttrs = (stride: number, pad: 'same' | 'valid') =>
  ({ strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1], activation: 'linear' });

// tfjs gives its fused kernels no gradient of their own (tf.fused wraps them in a custom one that always computes all three).
// These are computed only as far as they are needed: no input gradient below the first trainable block.
for (const [kernelName, backprop, layout] of [
  ['FusedConv2D', 'Conv2DBackprop', 'dataFormat'],
  ['FusedDepthwiseConv2D', 'DepthwiseConv2dNativeBackprop', 'dilations'],
] as const) {
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const { strides, pad } = attrs as { strides: number[]; pad: string };
      const shared = { strides, pad, [layout]: attrs[layout] };
      const dy4 = dy as tf.Tensor4D;
      return {
        x: () => run(`${backprop}Input`, { dy: dy4, filter }, { ...shared, inputShape: x.shape }),
        filter: () => run(`${backprop}Filter`, { x, dy: dy4 }, { ...shared, filterShape: filter.shape }),
        bias: () => tf.reshape(channelSum(asRows(dy4, 1)), [dy4.shape[3]]),
      };
    },
  });
}
