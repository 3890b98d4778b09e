// The two gradients of a depthwise convolution (AssemblyScript, SIMD). All tensors are float32,
// NHWC, given by their addresses on tfjs's heap; filters are [kernel height, kernel width,
// channels]. Channels are innermost, so SIMD lanes are channels: 16 at a time, then 4, then one.

/** Adds a·b to an accumulator, four channels at a time. */
// @ts-ignore: decorator
@inline
function multiplyAdd(sum: v128, a: usize, b: usize): v128 {
  return f32x4.add(sum, f32x4.mul(v128.load(a), v128.load(b)));
}

// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return a > 0 ? (a + b - 1) / b : 0;
}

/**
 * dw[i, j, c] = Σ x[n, oy·stride + i − top, ox·stride + j − left, c] · dy[n, oy, ox, c], where x is
 * zero outside its edges.
 */
export function depthwiseFilterGradient(
  x: usize, dy: usize, dw: usize, batch: i32, inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel: usize = <usize>channels << 2;
  const step: usize = pixel * strideWidth;
  memory.fill(dw, 0, <usize>(filterHeight * filterWidth) * pixel);
  for (let n = 0; n < batch; n++) for (let oy = 0; oy < outHeight; oy++) for (let i = 0; i < filterHeight; i++) {
    const y = oy * strideHeight + i - top;
    if (y < 0 || y >= inHeight) continue;
    for (let j = 0; j < filterWidth; j++) {
      // Output columns for which column j of the filter lies inside the image.
      const first = ceilDiv(left - j, strideWidth);
      const end = min(outWidth, ceilDiv(inWidth + left - j, strideWidth));
      if (first >= end) continue;
      let a = x + <usize>((n * inHeight + y) * inWidth + first * strideWidth + j - left) * pixel;
      let d = dy + <usize>((n * outHeight + oy) * outWidth + first) * pixel;
      let w = dw + <usize>(i * filterWidth + j) * pixel;
      let c = channels;
      for (; c >= 16; c -= 16) {
        let s0 = v128.load(w);
        let s1 = v128.load(w, 16);
        let s2 = v128.load(w, 32);
        let s3 = v128.load(w, 48);
        let p = a;
        let q = d;
        for (let ox = first; ox < end; ox++) {
          s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
          s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
          s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(q, 32)));
          s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(q, 48)));
          p += step;
          q += pixel;
        }
        v128.store(w, s0);
        v128.store(w, s1, 16);
        v128.store(w, s2, 32);
        v128.store(w, s3, 48);
        a += 64;
        d += 64;
        w += 64;
      }
      for (; c >= 4; c -= 4) {
        let s = v128.load(w);
        let p = a;
        let q = d;
        for (let ox = first; ox < end; ox++) {
          s = multiplyAdd(s, p, q);
          p += step;
          q += pixel;
        }
        v128.store(w, s);
        a += 16;
        d += 16;
        w += 16;
      }
      for (; c > 0; c--) {
        let s = load<f32>(w);
        let p = a;
        let q = d;
        for (let ox = first; ox < end; ox++) {
          s += load<f32>(p) * load<f32>(q);
          p += step;
          q += pixel;
        }
        store<f32>(w, s);
        a += 4;
        d += 4;
        w += 4;
      }
    }
  }
}

/**
 * dx[n, y, z, c] = Σ dy[n, (y + top − i)/stride, (z + left − j)/stride, c] · filter[i, j, c], over
 * the i and j that divide without remainder and stay inside.
 */
export function depthwiseInputGradient(
  dy: usize, filter: usize, dx: usize, batch: i32, inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  filterHeight: i32, filterWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel: usize = <usize>channels << 2;
  const filterRow: usize = pixel * filterWidth;
  const dyRow: usize = pixel * outWidth;
  // Moving one filter tap (`stride` columns) forward moves one column back in dy.
  const tapStep: usize = pixel * strideWidth;
  const tapRowStep: usize = filterRow * strideHeight;
  let out = dx;
  for (let n = 0; n < batch; n++) for (let y = 0; y < inHeight; y++) {
    // Filter rows i = firstRow, firstRow + stride, … meet dy's rows topRow, topRow − 1, …
    const overY = y + top - (outHeight - 1) * strideHeight;
    const firstRow = overY > 0 ? overY : (y + top) % strideHeight;
    const rows = ceilDiv(min(filterHeight, y + top + 1) - firstRow, strideHeight);
    const topRow = (y + top - firstRow) / strideHeight;
    for (let z = 0; z < inWidth; z++) {
      const overX = z + left - (outWidth - 1) * strideWidth;
      const firstColumn = overX > 0 ? overX : (z + left) % strideWidth;
      const columns = ceilDiv(min(filterWidth, z + left + 1) - firstColumn, strideWidth);
      const firstX = (z + left - firstColumn) / strideWidth;
      let d = dy + <usize>((n * outHeight + topRow) * outWidth + firstX) * pixel;
      let w = filter + <usize>(firstRow * filterWidth + firstColumn) * pixel;
      let c = channels;
      for (; c >= 16; c -= 16) {
        let s0 = f32x4.splat(0);
        let s1 = s0;
        let s2 = s0;
        let s3 = s0;
        let dRow = d;
        let wRow = w;
        for (let i = 0; i < rows; i++) {
          let p = dRow;
          let q = wRow;
          for (let j = 0; j < columns; j++) {
            s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
            s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
            s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(q, 32)));
            s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(q, 48)));
            p -= pixel;
            q += tapStep;
          }
          dRow -= dyRow;
          wRow += tapRowStep;
        }
        v128.store(out, s0);
        v128.store(out, s1, 16);
        v128.store(out, s2, 32);
        v128.store(out, s3, 48);
        out += 64;
        d += 64;
        w += 64;
      }
      for (; c >= 4; c -= 4) {
        let s = f32x4.splat(0);
        let dRow = d;
        let wRow = w;
        for (let i = 0; i < rows; i++) {
          let p = dRow;
          let q = wRow;
          for (let j = 0; j < columns; j++) {
            s = multiplyAdd(s, p, q);
            p -= pixel;
            q += tapStep;
          }
          dRow -= dyRow;
          wRow += tapRowStep;
        }
        v128.store(out, s);
        out += 16;
        d += 16;
        w += 16;
      }
      for (; c > 0; c--) {
        let s: f32 = 0;
        let dRow = d;
        let wRow = w;
        for (let i = 0; i < rows; i++) {
          let p = dRow;
          let q = wRow;
          for (let j = 0; j < columns; j++) {
            s += load<f32>(p) * load<f32>(q);
            p -= pixel;
            q += tapStep;
          }
          dRow -= dyRow;
          wRow += tapRowStep;
        }
        store<f32>(out, s);
        out += 4;
        d += 4;
        w += 4;
      }
    }
  }
}
