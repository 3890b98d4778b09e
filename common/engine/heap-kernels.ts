// Kernels that compute on the WASM engine's own heap, where its tensors are stored. Addresses are
// in bytes, sizes in float32 values; tensors are NHWC.

/**
 * Geometry of a convolution: batch, input height and width, (input) channels, output height and
 * width, filter height and width, stride down and across, padding above and left.
 */
export type Geometry = readonly [
  batch: number,
  inHeight: number,
  inWidth: number,
  channels: number,
  outHeight: number,
  outWidth: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  top: number,
  left: number,
];

/**
 * Coefficients of Adam's step: β₁ and β₂, the weights of a gradient and of its square (1 − β₁, 1 −
 * β₂), the learning rate and the factor of the root (both with bias correction), ε.
 */
export type AdamCoefficients = readonly [
  beta1: number,
  c1: number,
  beta2: number,
  c2: number,
  stepSize: number,
  squareScale: number,
  epsilon: number,
];

export interface HeapKernels {
  /** dw[i, j, c] = Σ x[n, oy·stride + i − top, ox·stride + j − left, c] · dy[n, oy, ox, c] */
  depthwiseFilterGradient(x: number, dy: number, dw: number, ...geometry: Geometry): void;
  /**
   * dx[n, y, z, c] = Σ dy[n, (y + top − i) / stride, (z + left − j) / stride, c] · filter[i, j, c],
   * over the i and j for which the quotients are whole numbers
   */
  depthwiseInputGradient(dy: number, filter: number, dx: number, ...geometry: Geometry): void;
  /** im2col: out[n, oy, ox, i, j, c] = x[n, oy·stride + i − top, ox·stride + j − left, c] */
  patches(x: number, out: number, ...geometry: Geometry): void;
  /**
   * out[p, j] = bias[j] + Σ a[p, k] · b[k, j]: a is [rows, m], b [m, n]; without bias (0) the
   * product alone
   */
  product(
    a: number,
    b: number,
    bias: number,
    out: number,
    rows: number,
    m: number,
    n: number,
  ): void;
  /** out[i, j] = Σ a[p, i] · b[p, j]: a is [rows, m], b [rows, n] */
  transposedProduct(a: number, b: number, out: number, rows: number, m: number, n: number): void;
  /** out = x · σ(x) */
  swish(x: number, out: number, size: number): void;
  /** dx = dy · σ(x) · (1 + x · (1 − σ(x))) */
  swishGradient(x: number, dy: number, dx: number, size: number): void;
  /** out[n, c] = Σ x[n, r, c], or Σ x[n, r, c] · y[n, r, c] if y isn't 0 */
  channelSum(
    x: number,
    y: number,
    out: number,
    batch: number,
    rows: number,
    channels: number,
  ): void;
  /**
   * out[n, r, c] = x[n, r, c] · a[n, c] + b[n, c]; without b (0) the product alone, without x and a
   * (0) b alone
   */
  channelAffine(
    x: number,
    a: number,
    b: number,
    out: number,
    batch: number,
    rows: number,
    channels: number,
  ): void;
  /**
   * In place m ← β₁m + c₁g and v ← β₂v + c₂g²; out = decay·w − stepSize·m / (squareScale·√v + ε).
   */
  adam(
    w: number,
    g: number,
    m: number,
    v: number,
    out: number,
    size: number,
    decay: number,
    ...coefficients: AdamCoefficients
  ): void;
}
