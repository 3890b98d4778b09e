// The student's operations and their gradients in plain float64 JavaScript, written for
// readability: the reference for every engine.

/** A tensor of float64 values, row-major. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** The filter positions of a convolution in x, as in tfjs's computeConv2DInfo. */
export interface Taps {
  readonly outHeight: number;
  readonly outWidth: number;
  readonly stride: number;
  readonly top: number;
  readonly left: number;
}

const zeros = (shape: readonly number[]): Values => ({
  shape,
  values: new Float64Array(shape.reduce((a, b) => a * b, 1)),
});

/**
 * Calls `join` with the indices of every x, filter and y that a convolution multiplies: y += x ·
 * filter. For a depthwise one: filter [k, k, c, 1], and y has x's channels.
 */
function eachProduct(
  x: readonly number[],
  filter: readonly number[],
  depthwise: boolean,
  { outHeight, outWidth, stride, top, left }: Taps,
  join: (x: number, filter: number, y: number) => void,
): void {
  const [batch, height, width, channels] = x as [number, number, number, number];
  const [rows, columns, , outputs] = filter as [number, number, number, number];
  const outChannels = depthwise ? channels : outputs;
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++) {
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) {
            const [y, z] = [oy * stride + i - top, ox * stride + j - left];
            if (y < 0 || y >= height || z < 0 || z >= width) continue;
            for (let c = 0; c < channels; c++)
              for (let o = 0; o < (depthwise ? 1 : outputs); o++) {
                join(
                  ((n * height + y) * width + z) * channels + c,
                  ((i * columns + j) * channels + c) * outputs + o,
                  ((n * outHeight + oy) * outWidth + ox) * outChannels + (depthwise ? c : o),
                );
              }
          }
      }
}

/** y = x ∗ filter + bias. */
export function convolution(
  [x, filter, bias]: readonly Values[],
  depthwise: boolean,
  taps: Taps,
): Values {
  const channels = depthwise ? x!.shape[3]! : filter!.shape[3]!;
  const y = zeros([x!.shape[0]!, taps.outHeight, taps.outWidth, channels]);
  y.values.forEach((_, k) => (y.values[k] = bias!.values[k % channels]!));
  eachProduct(
    x!.shape,
    filter!.shape,
    depthwise,
    taps,
    (a, b, k) => (y.values[k]! += x!.values[a]! * filter!.values[b]!),
  );
  return y;
}

/** The gradients of a convolution in x, filter and bias. */
export function convolutionGradients(
  [x, filter, bias]: readonly Values[],
  dy: Values,
  depthwise: boolean,
  taps: Taps,
): Values[] {
  const [dx, dFilter, dBias] = [zeros(x!.shape), zeros(filter!.shape), zeros(bias!.shape)];
  eachProduct(x!.shape, filter!.shape, depthwise, taps, (a, b, k) => {
    dx.values[a]! += dy.values[k]! * filter!.values[b]!;
    dFilter.values[b]! += dy.values[k]! * x!.values[a]!;
  });
  dy.values.forEach((v, k) => (dBias.values[k % bias!.values.length]! += v));
  return [dx, dFilter, dBias];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const swish = ([x]: readonly Values[]): Values => ({
  shape: x!.shape,
  values: x!.values.map((v) => v * sigmoid(v)),
});

export const relu = ([x]: readonly Values[]): Values => ({
  shape: x!.shape,
  values: x!.values.map((v) => Math.max(v, 0)),
});

/** relu6(x · factor). */
export const relu6 = ([x]: readonly Values[], factor: number): Values => ({
  shape: x!.shape,
  values: x!.values.map((v) => Math.min(Math.max(v * factor, 0), 6)),
});

/** γ (x − mean) / √(variance + epsilon) + β, mean and variance over n, h and w of each channel. */
export function normaliseBatch([x, gamma, beta]: readonly Values[], epsilon: number): Values {
  const c = gamma!.values.length;
  const count = x!.values.length / c;
  const [mean, variance] = [new Float64Array(c), new Float64Array(c)];
  x!.values.forEach((v, k) => (mean[k % c]! += v / count));
  x!.values.forEach((v, k) => (variance[k % c]! += (v - mean[k % c]!) ** 2 / count));
  return {
    shape: x!.shape,
    values: x!.values.map(
      (v, k) =>
        (gamma!.values[k % c]! * (v - mean[k % c]!)) / Math.sqrt(variance[k % c]! + epsilon) +
        beta!.values[k % c]!,
    ),
  };
}

/** x [n, h, w, c] · a [n, c]. */
export function scaleChannels([x, a]: readonly Values[]): Values {
  const [, h, w, c] = x!.shape as [number, number, number, number];
  return {
    shape: x!.shape,
    values: x!.values.map((v, k) => v * a!.values[Math.floor(k / (h * w * c)) * c + (k % c)]!),
  };
}

/** Means over h and w. */
export function poolChannels([x]: readonly Values[]): Values {
  const [n, h, w, c] = x!.shape as [number, number, number, number];
  const out = zeros([n, c]);
  x!.values.forEach(
    (v, k) => (out.values[Math.floor(k / (h * w * c)) * c + (k % c)]! += v / (h * w)),
  );
  return out;
}

/** x [n, k] · weights [k, m] + bias [m]. */
function dense(x: Values, weights: Values, bias: Values): Values {
  const [k, m] = weights.shape as [number, number];
  const out = zeros([x.shape[0]!, m]);
  out.values.forEach((_, at) => {
    const [row, column] = [Math.floor(at / m), at % m];
    let sum = bias.values[column]!;
    for (let i = 0; i < k; i++) sum += x.values[row * k + i]! * weights.values[i * m + column]!;
    out.values[at] = sum;
  });
  return out;
}

/** x · sigmoid(swish(mean(x)·w1 + b1)·w2 + b2). */
export function squeezeExcite([x, w1, b1, w2, b2]: readonly Values[]): Values {
  const score = dense(swish([dense(poolChannels([x!]), w1!, b1!)]), w2!, b2!);
  return scaleChannels([x!, { shape: score.shape, values: score.values.map(sigmoid) }]);
}

/**
 * The gradients of Σ dy · op(inputs) by central differences, whose error in float64 is about 1e-10.
 */
export function differences(
  op: (inputs: readonly Values[]) => Values,
  inputs: readonly Values[],
  dy: Values,
): Values[] {
  const step = 1e-5;
  return inputs.map(({ shape, values }, i) => {
    const at = (k: number, value: number): number => {
      const moved = inputs.with(i, { shape, values: values.with(k, value) });
      return op(moved).values.reduce((sum, v, o) => sum + v * dy.values[o]!, 0);
    };
    return {
      shape,
      values: values.map((v, k) => (at(k, v + step) - at(k, v - step)) / (2 * step)),
    };
  });
}
