// Adam's step in one pass over the parameters (AssemblyScript, SIMD). float32 vectors, given by
// their addresses.

/**
 * m ← β₁m + c₁g; v ← β₂v + c₂g²; out = decay·w − stepSize·m / (squareScale·√v + ε), for `size`
 * values. m and v are updated in place; out may be w.
 */
export function adam(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  out: usize,
  size: i32,
  decay: f32,
  beta1: f32,
  c1: f32,
  beta2: f32,
  c2: f32,
  stepSize: f32,
  squareScale: f32,
  epsilon: f32,
): void {
  const end = w + ((<usize>(size & ~3)) << 2);
  for (; w < end; w += 16, g += 16, m += 16, v += 16, out += 16) {
    const gradient = v128.load(g);
    const mean = f32x4.add(
      f32x4.mul(v128.load(m), f32x4.splat(beta1)),
      f32x4.mul(gradient, f32x4.splat(c1)),
    );
    const square = f32x4.add(
      f32x4.mul(v128.load(v), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(c2)),
    );
    v128.store(m, mean);
    v128.store(v, square);
    const deviation = f32x4.add(
      f32x4.mul(f32x4.sqrt(square), f32x4.splat(squareScale)),
      f32x4.splat(epsilon),
    );
    const step = f32x4.div(f32x4.mul(mean, f32x4.splat(stepSize)), deviation);
    v128.store(out, f32x4.sub(f32x4.mul(v128.load(w), f32x4.splat(decay)), step));
  }
  for (let k = size & 3; k > 0; k--, w += 4, g += 4, m += 4, v += 4, out += 4) {
    const gradient = load<f32>(g);
    const mean = load<f32>(m) * beta1 + gradient * c1;
    const square = load<f32>(v) * beta2 + gradient * gradient * c2;
    store<f32>(m, mean);
    store<f32>(v, square);
    store<f32>(
      out,
      load<f32>(w) * decay - (mean * stepSize) / (sqrt<f32>(square) * squareScale + epsilon),
    );
  }
}
