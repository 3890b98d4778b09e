// Swish and its gradient in one pass each (AssemblyScript, SIMD). float32 tensors, given by their
// addresses.

/**
 * eˣ within 2 units in the last place, for x in [−87, 88]: 2ⁿ·eʳ with |r| ≤ ln 2 / 2, and Cephes's
 * polynomial for eʳ (Moshier, expf.c).
 */
// @ts-ignore: decorator
@inline
function exp(x: v128): v128 {
  // Adding 1.5·2²³ rounds to a whole number and leaves it in the lowest bits.
  const magic = f32x4.splat(12582912);
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), magic);
  const n = f32x4.sub(rounded, magic);
  // ln 2 in two parts, so that r is exact to the last bit.
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** 1 / (1 + e⁻ˣ). Beyond ±87 it is 0 or 1 in float32; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(87)), f32x4.splat(-87));
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(bounded))));
}

/** y·σ(x) + y·σ(x)·x·(1 − σ(x)): dy times the derivative. */
// @ts-ignore: decorator
@inline
function slope(x: v128, dy: v128): v128 {
  const s = sigmoid(x);
  const one = f32x4.splat(1);
  return f32x4.mul(f32x4.mul(dy, s), f32x4.add(one, f32x4.mul(x, f32x4.sub(one, s))));
}

/** out[k] = x[k] · σ(x[k]), for `size` values. */
export function swish(x: usize, out: usize, size: i32): void {
  const end = x + (<usize>(size & ~3) << 2);
  for (; x < end; x += 16, out += 16) {
    const v = v128.load(x);
    v128.store(out, f32x4.mul(v, sigmoid(v)));
  }
  for (let k = size & 3; k > 0; k--, x += 4, out += 4) {
    const v = v128.load32_zero(x);
    v128.store32_lane(out, f32x4.mul(v, sigmoid(v)), 0);
  }
}

/** dx[k] = dy[k] · σ(x[k]) · (1 + x[k] · (1 − σ(x[k]))), for `size` values. */
export function swishGradient(x: usize, dy: usize, dx: usize, size: i32): void {
  const end = x + (<usize>(size & ~3) << 2);
  for (; x < end; x += 16, dy += 16, dx += 16) v128.store(dx, slope(v128.load(x), v128.load(dy)));
  for (let k = size & 3; k > 0; k--, x += 4, dy += 4, dx += 4) v128.store32_lane(dx, slope(v128.load32_zero(x), v128.load32_zero(dy)), 0);
}
