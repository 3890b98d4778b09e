// Convolution, batch norm and activation: the basic unit of most networks.
import * as tf from '@tensorflow/tfjs';
import { conv2d, depthwiseConv2d, type Pad, scaleChannels } from '../../engine/ops.js';
import { activate, type Activation, stockActivation } from './activation.js';
import {
  apply,
  type BatchNorm,
  batchNormWeights,
  type Context,
  type Initial,
  type Layer,
  type Weight,
} from './layer.js';

export interface ConvolutionOptions {
  /** The module's name. */
  readonly name: string;
  readonly kernel: number;
  readonly stride?: number;
  readonly from: number;
  readonly to: number;
  /** Each channel separately: `from` equals `to`. */
  readonly depthwise?: boolean;
  /** Without a norm there is a bias, unless this is false. */
  readonly bias?: false;
  readonly norm?: { readonly name: string; readonly epsilon: number };
  readonly activation?: Activation;
  /**
   * `symmetric`: ⌊k/2⌋ zeros on every side, as torchvision has it; `same`: as TensorFlow does,
   * which pads less above than below where the stride is 2; `valid`: none.
   */
  readonly padding?: 'symmetric' | 'same' | 'valid';
  /** A pointwise convolution whose weight is stored as a dense layer's, [from, to]. */
  readonly linear?: boolean;
  /**
   * Initial values of the filter; by default N(0, 2/fan-out) (He et al. 2015; a depthwise filter's
   * fan-out is k², as in timm).
   */
  readonly initial?: Initial;
}

export function convolution(options: ConvolutionOptions): Layer {
  const {
    name,
    kernel,
    stride = 1,
    from,
    to,
    depthwise = false,
    activation,
    padding = 'symmetric',
    linear = false,
  } = options;
  const norm: BatchNorm | undefined = options.norm && { ...options.norm, channels: to };
  const shape: [number, number, number, number] = depthwise
    ? [kernel, kernel, to, 1]
    : [kernel, kernel, from, to];
  const initial = options.initial ?? { normal: Math.sqrt(2 / (kernel * kernel * shape[3])) };
  const biased = !norm && options.bias !== false;
  const weights: Weight[] = [
    { name: `${name}.weight`, shape: linear ? [from, to] : shape, initial },
    ...(norm
      ? batchNormWeights(norm)
      : biased
        ? [{ name: `${name}.bias`, shape: [to], initial: { constant: 0 } }]
        : []),
  ];
  // With stride 1 and an odd kernel, ⌊k/2⌋ on every side is TensorFlow's `same`.
  const pad: Pad = padding !== 'symmetric' ? padding : stride > 1 ? Math.floor(kernel / 2) : 'same';
  const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D =>
    (depthwise ? depthwiseConv2d : conv2d)(x, filter, bias, stride, pad);

  const linearPart = (x: tf.Tensor4D, { parameters, normalise }: Context): tf.Tensor4D => {
    const filter = tf.reshape<tf.Rank.R4>(parameters(`${name}.weight`), shape);
    if (!norm)
      return convolve(
        x,
        filter,
        biased ? (parameters(`${name}.bias`) as tf.Tensor1D) : tf.zeros([to]),
      );
    if (normalise) return normalise(convolve(x, filter, tf.zeros([to])), norm, parameters);
    // Frozen statistics, folded: W′ = W·γ/σ and b′ = β − μ·γ/σ, computed in each step from the
    // ordinary parameters, so that gradients reach W, γ and β themselves.
    const deviation = tf.sqrt(tf.add(parameters(`${norm.name}.running_var`), norm.epsilon));
    const scale = tf.div<tf.Tensor1D>(parameters(`${norm.name}.weight`), deviation);
    const bias = tf.sub<tf.Tensor1D>(
      parameters(`${norm.name}.bias`),
      tf.mul(parameters(`${norm.name}.running_mean`), scale),
    );
    const rows = tf.reshape(filter, depthwise ? [1, -1, to] : [1, -1, 1, to]);
    return convolve(
      x,
      tf.reshape<tf.Rank.R4>(scaleChannels(rows, tf.reshape(scale, [1, -1])), shape),
      bias,
    );
  };

  return {
    weights,
    forward: (x, context) => activate(linearPart(x, context), activation),
    stock(input) {
      let x = input;
      if (typeof pad === 'number' && pad > 0)
        x = apply(
          tf.layers.zeroPadding2d({
            name: `${name}.pad`,
            padding: [
              [pad, pad],
              [pad, pad],
            ],
          }),
          x,
        );
      const shared = {
        name,
        kernelSize: kernel,
        strides: stride,
        padding: typeof pad === 'number' ? 'valid' : pad,
        useBias: biased,
      } as const;
      // Zeros: the values come from the saved weights, and drawing random ones takes seconds.
      x = apply(
        depthwise
          ? tf.layers.depthwiseConv2d({ ...shared, depthwiseInitializer: 'zeros' })
          : linear
            ? tf.layers.dense({ name, units: to, kernelInitializer: 'zeros' })
            : tf.layers.conv2d({ ...shared, filters: to, kernelInitializer: 'zeros' }),
        x,
      );
      if (norm)
        x = apply(tf.layers.batchNormalization({ name: norm.name, epsilon: norm.epsilon }), x);
      return stockActivation(x, activation, norm?.name ?? name);
    },
  };
}
