// The heap kernels in plain JavaScript, for places where the SIMD module can't be loaded: ten times
// slower.
import type { Geometry, HeapKernels } from './heap-kernels.js';

/**
 * Calls `visit` for each pair of values that meet in the convolution, with the offsets of x, of the
 * output position, and of the filter position.
 */
function eachTap(
  [
    batch,
    inHeight,
    inWidth,
    ,
    outHeight,
    outWidth,
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
    top,
    left,
  ]: Geometry,
  visit: (input: number, output: number, tap: number) => void,
): void {
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let i = 0; i < filterHeight; i++) {
        const y = oy * strideHeight + i - top;
        if (y < 0 || y >= inHeight) continue;
        for (let ox = 0; ox < outWidth; ox++)
          for (let j = 0; j < filterWidth; j++) {
            const z = ox * strideWidth + j - left;
            if (z >= 0 && z < inWidth)
              visit(
                (n * inHeight + y) * inWidth + z,
                (n * outHeight + oy) * outWidth + ox,
                i * filterWidth + j,
              );
          }
      }
}

/**
 * The kernels in plain JavaScript.
 * @param memory the heap that the addresses refer to
 */
export function plainKernels(memory: WebAssembly.Memory): HeapKernels {
  const at = (address: number, size: number): Float32Array =>
    new Float32Array(memory.buffer, address, size);
  const sizes = ([
    batch,
    inHeight,
    inWidth,
    channels,
    outHeight,
    outWidth,
    filterHeight,
    filterWidth,
  ]: Geometry) => ({
    input: batch * inHeight * inWidth * channels,
    output: batch * outHeight * outWidth * channels,
    filter: filterHeight * filterWidth * channels,
  });
  return {
    depthwiseFilterGradient(x, dy, dw, ...geometry) {
      const { input, output, filter } = sizes(geometry);
      const channels = geometry[3];
      const [xs, dys, sums] = [at(x, input), at(dy, output), at(dw, filter).fill(0)];
      eachTap(geometry, (from, to, tap) => {
        for (let c = 0; c < channels; c++)
          sums[tap * channels + c] =
            sums[tap * channels + c]! + xs[from * channels + c]! * dys[to * channels + c]!;
      });
    },
    depthwiseInputGradient(dy, filter, dx, ...geometry) {
      const size = sizes(geometry);
      const channels = geometry[3];
      const [dys, filters, sums] = [
        at(dy, size.output),
        at(filter, size.filter),
        at(dx, size.input).fill(0),
      ];
      eachTap(geometry, (to, from, tap) => {
        for (let c = 0; c < channels; c++)
          sums[to * channels + c] =
            sums[to * channels + c]! + filters[tap * channels + c]! * dys[from * channels + c]!;
      });
    },
    patches(x, out, ...geometry) {
      const { input, filter, output } = sizes(geometry);
      const channels = geometry[3];
      const xs = at(x, input);
      const all = at(out, (output / channels) * filter).fill(0);
      eachTap(geometry, (from, to, tap) =>
        all.set(xs.subarray(from * channels, (from + 1) * channels), to * filter + tap * channels),
      );
    },
    product(a, b, bias, out, rows, m, n) {
      const [as, bs, sums] = [at(a, rows * m), at(b, m * n), at(out, rows * n).fill(0)];
      if (bias) for (let p = 0; p < rows; p++) sums.set(at(bias, n), p * n);
      for (let p = 0; p < rows; p++)
        for (let k = 0; k < m; k++) {
          const factor = as[p * m + k]!;
          for (let j = 0; j < n; j++) sums[p * n + j] = sums[p * n + j]! + factor * bs[k * n + j]!;
        }
    },
    transposedProduct(a, b, out, rows, m, n) {
      const [as, bs, sums] = [at(a, rows * m), at(b, rows * n), at(out, m * n).fill(0)];
      for (let p = 0; p < rows; p++)
        for (let i = 0; i < m; i++) {
          const factor = as[p * m + i]!;
          for (let j = 0; j < n; j++) sums[i * n + j] = sums[i * n + j]! + factor * bs[p * n + j]!;
        }
    },
    swish(x, out, size) {
      const [xs, ys] = [at(x, size), at(out, size)];
      for (let k = 0; k < size; k++) ys[k] = xs[k]! / (1 + Math.exp(-xs[k]!));
    },
    swishGradient(x, dy, dx, size) {
      const [xs, dys, dxs] = [at(x, size), at(dy, size), at(dx, size)];
      for (let k = 0; k < size; k++) {
        const s = 1 / (1 + Math.exp(-xs[k]!));
        dxs[k] = dys[k]! * s * (1 + xs[k]! * (1 - s));
      }
    },
    channelSum(x, y, out, batch, rows, channels) {
      const [xs, ys, sums] = [
        at(x, batch * rows * channels),
        at(y, y ? batch * rows * channels : 0),
        at(out, batch * channels).fill(0),
      ];
      for (let n = 0, k = 0; n < batch; n++)
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < channels; c++, k++) {
            sums[n * channels + c] = sums[n * channels + c]! + (y ? xs[k]! * ys[k]! : xs[k]!);
          }
    },
    channelAffine(x, a, b, out, batch, rows, channels) {
      const size = batch * rows * channels;
      const [xs, as, bs, ys] = [
        at(x, x ? size : 0),
        at(a, x ? batch * channels : 0),
        at(b, b ? batch * channels : 0),
        at(out, size),
      ];
      for (let n = 0, k = 0; n < batch; n++)
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < channels; c++, k++) {
            ys[k] = (x ? xs[k]! * as[n * channels + c]! : 0) + (b ? bs[n * channels + c]! : 0);
          }
    },
    adam(w, g, m, v, out, size, decay, beta1, c1, beta2, c2, stepSize, squareScale, epsilon) {
      const [ws, gs, ms, vs, outs] = [
        at(w, size),
        at(g, size),
        at(m, size),
        at(v, size),
        at(out, size),
      ];
      for (let k = 0; k < size; k++) {
        const mean = (ms[k] = Math.fround(ms[k]! * beta1 + gs[k]! * c1));
        const square = (vs[k] = Math.fround(vs[k]! * beta2 + gs[k]! * gs[k]! * c2));
        outs[k] = ws[k]! * decay - (mean * stepSize) / (Math.sqrt(square) * squareScale + epsilon);
      }
    },
  };
}
