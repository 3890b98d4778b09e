// The int8 encoding, a quarter of the bytes: blocks of 1024 values, each with one float32 scale and
// then int8 steps, stochastically rounded so that the mean is preserved.
import { LentigoError } from '../errors.js';
import { requireFinite } from './check.js';
import type { DeltaEncoding } from './delta-encoding.js';

const BLOCK = 1024;
const SCALE_BYTES = 4;
const LEVELS = 127;

/**
 * The smallest float32 s with 127·s ≥ largest. If it were rounded down, the block's largest value
 * would not fit, and clipping would bias it.
 */
function scaleFor(largest: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, largest / LEVELS);
  if (bits.getFloat32(0) * LEVELS < largest) bits.setUint32(0, bits.getUint32(0) + 1);
  return bits.getFloat32(0);
}

/**
 * Uniform quantisation as in QSGD (Alistarh et al. 2017, §3.1), with the block's largest magnitude
 * in place of the norm: v/scale is rounded up with the probability of its fraction, so that the
 * expected value is v and the error is below one scale.
 */
export const int8: DeltaEncoding = {
  name: 'int8',
  block: BLOCK,
  encodedBytes: (count) => count + SCALE_BYTES * Math.ceil(count / BLOCK),
  encode(values, random) {
    requireFinite(values);
    const out = new Uint8Array(int8.encodedBytes(values.length));
    const view = new DataView(out.buffer);
    let at = 0;
    for (let start = 0; start < values.length; start += BLOCK) {
      const end = Math.min(start + BLOCK, values.length);
      let largest = 0;
      for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
      const scale = scaleFor(largest);
      view.setFloat32(at, scale, true);
      at += SCALE_BYTES;
      // 127 plus a number just below one rounds to 128 in float64, which int8 would read as −128:
      // hence the minimum.
      if (scale > 0)
        for (let i = start; i < end; i++)
          out[at + i - start] = Math.min(LEVELS, Math.floor(values[i]! / scale + random.uniform()));
      at += end - start;
    }
    return out;
  },
  decode(bytes, into) {
    const blocks = Math.ceil(bytes.length / (BLOCK + SCALE_BYTES));
    const count = Math.max(0, bytes.length - SCALE_BYTES * blocks);
    if (int8.encodedBytes(count) !== bytes.length)
      throw new LentigoError(
        'LENTIGO_UPDATE_LENGTH',
        `${bytes.length} bytes are not a whole number of int8 blocks.`,
      );
    const out = into?.subarray(0, count) ?? new Float32Array(count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const steps = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (let start = 0; start < out.length; start += BLOCK) {
      const scale = view.getFloat32(at, true);
      at += SCALE_BYTES;
      const end = Math.min(start + BLOCK, out.length);
      for (let i = start; i < end; i++) out[i] = steps[at++]! * scale;
    }
    return out;
  },
};
