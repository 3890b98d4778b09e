// The parts of a dense convolution (AssemblyScript, SIMD): matrix products, and patches of the
// input. float32, given by addresses.

/** Rows of a and b processed while they stay in the cache. */
const BLOCK: i32 = 128;

/** out[i, j] = Σ a[p, i] · b[p, j]: a is [rows, m], b [rows, n], out [m, n], row-major. */
export function transposedProduct(a: usize, b: usize, out: usize, rows: i32, m: i32, n: i32): void {
  memory.fill(out, 0, (<usize>m * n) << 2);
  const rowA: usize = <usize>m << 2;
  const rowB: usize = <usize>n << 2;
  for (let start = 0; start < rows; start += BLOCK) {
    const count = min(BLOCK, rows - start);
    const blockA = a + start * rowA;
    const blockB = b + start * rowB;
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      const from = blockA + (<usize>i << 2);
      const to = out + i * rowB;
      let j = 0;
      for (; j + 8 <= n; j += 8) tile4x8(from, blockB + (<usize>j << 2), to + (<usize>j << 2), count, 4, rowA, rowB);
      for (; j < n; j++) for (let k = 0; k < 4; k++) tile1x1(from + (k << 2), blockB + (<usize>j << 2), to + k * rowB + (<usize>j << 2), count, rowA, rowB);
    }
    for (; i < m; i++) for (let j = 0; j < n; j++) tile1x1(blockA + (<usize>i << 2), blockB + (<usize>j << 2), out + i * rowB + (<usize>j << 2), count, rowA, rowB);
  }
}

/**
 * out[p, j] = bias[j] + Σ a[p, k] · b[k, j]: a is [rows, m], b [m, n], out [rows, n], row-major;
 * without bias (0) the product alone.
 */
export function product(a: usize, b: usize, bias: usize, out: usize, rows: i32, m: i32, n: i32): void {
  const rowA: usize = <usize>m << 2;
  const rowB: usize = <usize>n << 2;
  for (let start = 0; start < rows; start += BLOCK) {
    const end = min(rows, start + BLOCK);
    for (let p = start; p < end; p++) {
      if (bias) memory.copy(out + p * rowB, bias, rowB);
      else memory.fill(out + p * rowB, 0, rowB);
    }
    let j = 0;
    for (; j + 8 <= n; j += 8) {
      let p = start;
      for (; p + 4 <= end; p += 4) tile4x8(a + p * rowA, b + (<usize>j << 2), out + p * rowB + (<usize>j << 2), m, rowA, 4, rowB);
      for (; p < end; p++) for (let k = 0; k < 8; k++) tile1x1(a + p * rowA, b + (<usize>(j + k) << 2), out + p * rowB + (<usize>(j + k) << 2), m, 4, rowB);
    }
    for (; j < n; j++) for (let p = start; p < end; p++) tile1x1(a + p * rowA, b + (<usize>j << 2), out + p * rowB + (<usize>j << 2), m, 4, rowB);
  }
}

/**
 * Adds Σ a[lane, k] · b[k, j] to four rows and eight columns of out. Rows of a are `lane` bytes
 * apart, its columns `step`.
 */
// @ts-ignore: decorator
@inline
function tile4x8(a: usize, b: usize, out: usize, count: i32, lane: usize, step: usize, rowB: usize): void {
  let s00 = v128.load(out);
  let s01 = v128.load(out, 16);
  let s10 = v128.load(out + rowB);
  let s11 = v128.load(out + rowB, 16);
  let s20 = v128.load(out + 2 * rowB);
  let s21 = v128.load(out + 2 * rowB, 16);
  let s30 = v128.load(out + 3 * rowB);
  let s31 = v128.load(out + 3 * rowB, 16);
  for (let k = 0; k < count; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    s00 = f32x4.add(s00, f32x4.mul(a0, b0));
    s01 = f32x4.add(s01, f32x4.mul(a0, b1));
    const a1 = v128.load32_splat(a + lane);
    s10 = f32x4.add(s10, f32x4.mul(a1, b0));
    s11 = f32x4.add(s11, f32x4.mul(a1, b1));
    const a2 = v128.load32_splat(a + 2 * lane);
    s20 = f32x4.add(s20, f32x4.mul(a2, b0));
    s21 = f32x4.add(s21, f32x4.mul(a2, b1));
    const a3 = v128.load32_splat(a + 3 * lane);
    s30 = f32x4.add(s30, f32x4.mul(a3, b0));
    s31 = f32x4.add(s31, f32x4.mul(a3, b1));
    a += step;
    b += rowB;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out + rowB, s10);
  v128.store(out + rowB, s11, 16);
  v128.store(out + 2 * rowB, s20);
  v128.store(out + 2 * rowB, s21, 16);
  v128.store(out + 3 * rowB, s30);
  v128.store(out + 3 * rowB, s31, 16);
}

function tile1x1(a: usize, b: usize, out: usize, rows: i32, rowA: usize, rowB: usize): void {
  let s = load<f32>(out);
  for (let p = 0; p < rows; p++, a += rowA, b += rowB) s += load<f32>(a) * load<f32>(b);
  store<f32>(out, s);
}

/**
 * im2col: patches[n, oy, ox, i, j, c] = x[n, oy·stride + i − top, ox·stride + j − left, c], zero
 * outside x.
 */
export function patches(
  x: usize, out: usize, batch: i32, inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel: usize = <usize>channels << 2;
  const length: usize = pixel * filterWidth;
  for (let n = 0; n < batch; n++) for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++) {
    const z = ox * strideWidth - left;
    const first = max(0, z);
    const end = min(inWidth, z + filterWidth);
    for (let i = 0; i < filterHeight; i++, out += length) {
      const y = oy * strideHeight + i - top;
      if (y < 0 || y >= inHeight || first >= end) {
        memory.fill(out, 0, length);
        continue;
      }
      const before: usize = <usize>(first - z) * pixel;
      const inside: usize = <usize>(end - first) * pixel;
      memory.fill(out, 0, before);
      memory.copy(out + before, x + <usize>((n * inHeight + y) * inWidth + first) * pixel, inside);
      memory.fill(out + before + inside, 0, length - before - inside);
    }
  }
}
