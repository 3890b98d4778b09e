// Sums over positions and factors per channel (AssemblyScript, SIMD). Tensors are float32 [batch,
// rows, channels], given by their addresses.

/** Rows summed before the partial sum joins the total: shorter chains of additions round less. */
const CHUNK: i32 = 64;

/** out[n, c] = Σ x[n, r, c], or Σ x[n, r, c] · y[n, r, c] if y isn't 0. */
export function channelSum(
  x: usize,
  y: usize,
  out: usize,
  batch: i32,
  rows: i32,
  channels: i32,
): void {
  const row: usize = (<usize>channels) << 2;
  memory.fill(out, 0, <usize>batch * row);
  for (let n = 0; n < batch; n++) {
    for (let start = 0; start < rows; start += CHUNK) {
      const count = min(CHUNK, rows - start);
      const offset = <usize>(n * rows + start) * row;
      if (y) addProducts(x + offset, y + offset, out + n * row, count, channels);
      else addRows(x + offset, out + n * row, count, channels);
    }
  }
}

function addRows(x: usize, sum: usize, rows: i32, channels: i32): void {
  const row: usize = (<usize>channels) << 2;
  let c = channels;
  for (; c >= 16; c -= 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let p = x;
    for (let r = 0; r < rows; r++) {
      s0 = f32x4.add(s0, v128.load(p));
      s1 = f32x4.add(s1, v128.load(p, 16));
      s2 = f32x4.add(s2, v128.load(p, 32));
      s3 = f32x4.add(s3, v128.load(p, 48));
      p += row;
    }
    v128.store(sum, f32x4.add(v128.load(sum), s0));
    v128.store(sum, f32x4.add(v128.load(sum, 16), s1), 16);
    v128.store(sum, f32x4.add(v128.load(sum, 32), s2), 32);
    v128.store(sum, f32x4.add(v128.load(sum, 48), s3), 48);
    x += 64;
    sum += 64;
  }
  for (; c >= 4; c -= 4) {
    let s = f32x4.splat(0);
    let p = x;
    for (let r = 0; r < rows; r++, p += row) s = f32x4.add(s, v128.load(p));
    v128.store(sum, f32x4.add(v128.load(sum), s));
    x += 16;
    sum += 16;
  }
  for (; c > 0; c--) {
    let s: f32 = 0;
    let p = x;
    for (let r = 0; r < rows; r++, p += row) s += load<f32>(p);
    store<f32>(sum, load<f32>(sum) + s);
    x += 4;
    sum += 4;
  }
}

function addProducts(x: usize, y: usize, sum: usize, rows: i32, channels: i32): void {
  const row: usize = (<usize>channels) << 2;
  let c = channels;
  for (; c >= 16; c -= 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let p = x;
    let q = y;
    for (let r = 0; r < rows; r++) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
      s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
      s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(q, 32)));
      s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(q, 48)));
      p += row;
      q += row;
    }
    v128.store(sum, f32x4.add(v128.load(sum), s0));
    v128.store(sum, f32x4.add(v128.load(sum, 16), s1), 16);
    v128.store(sum, f32x4.add(v128.load(sum, 32), s2), 32);
    v128.store(sum, f32x4.add(v128.load(sum, 48), s3), 48);
    x += 64;
    y += 64;
    sum += 64;
  }
  for (; c >= 4; c -= 4) {
    let s = f32x4.splat(0);
    let p = x;
    let q = y;
    for (let r = 0; r < rows; r++, p += row, q += row)
      s = f32x4.add(s, f32x4.mul(v128.load(p), v128.load(q)));
    v128.store(sum, f32x4.add(v128.load(sum), s));
    x += 16;
    y += 16;
    sum += 16;
  }
  for (; c > 0; c--) {
    let s: f32 = 0;
    let p = x;
    let q = y;
    for (let r = 0; r < rows; r++, p += row, q += row) s += load<f32>(p) * load<f32>(q);
    store<f32>(sum, load<f32>(sum) + s);
    x += 4;
    y += 4;
    sum += 4;
  }
}

/**
 * out[n, r, c] = x[n, r, c] · a[n, c] + b[n, c]; without b (0) the product alone, without x and a
 * (0) b alone.
 */
export function channelAffine(
  x: usize,
  a: usize,
  b: usize,
  out: usize,
  batch: i32,
  rows: i32,
  channels: i32,
): void {
  const row: usize = (<usize>channels) << 2;
  const vectors: usize = row & ~15;
  for (let n = 0; n < batch; n++, a += a ? row : 0, b += b ? row : 0)
    for (let r = 0; r < rows; r++, out += row, x += row) {
      if (!a) {
        memory.copy(out, b, row);
        continue;
      }
      let c: usize = 0;
      if (b) {
        for (; c < vectors; c += 16)
          v128.store(
            out + c,
            f32x4.add(f32x4.mul(v128.load(x + c), v128.load(a + c)), v128.load(b + c)),
          );
        for (; c < row; c += 4)
          store<f32>(out + c, load<f32>(x + c) * load<f32>(a + c) + load<f32>(b + c));
      } else {
        for (; c < vectors; c += 16)
          v128.store(out + c, f32x4.mul(v128.load(x + c), v128.load(a + c)));
        for (; c < row; c += 4) store<f32>(out + c, load<f32>(x + c) * load<f32>(a + c));
      }
    }
}
