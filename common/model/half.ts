// Sixteen-bit floats: reads and writes IEEE 754 binary16 (round to nearest, ties to even), and
// reads bfloat16.

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** float32 → binary16 bits. Values too large become infinity, too small zero; NaN stays NaN. */
export function floatToHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, encode);
}

function encode(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and above round to infinity; the largest half is 65504.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // A subnormal half is a multiple of 2⁻²⁴. Adding 0.5 makes the float32 addition round to
    // exactly that grid.
    float[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

let table: Float32Array | undefined;

/** binary16 bits → float32, exactly. */
export function halfToFloat(halves: Uint16Array): Float32Array {
  const values = (table ??= Float32Array.from({ length: 65536 }, (_, bits) => decode(bits)));
  return Float32Array.from(halves, (h) => values[h]!);
}

function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return (
    sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
  );
}

/** bfloat16 bits (the upper half of a float32) → float32, exactly. */
export function bfloatToFloat(values: Uint16Array): Float32Array {
  const out = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = values[i]! << 16;
  return new Float32Array(out.buffer);
}
