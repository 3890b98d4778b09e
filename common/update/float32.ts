// The exact encoding: little-endian float32, one value after the other.
import { LentigoError } from '../errors.js';
import { requireFinite } from './check.js';
import type { DeltaEncoding } from './delta-encoding.js';

export const float32: DeltaEncoding = {
  name: 'float32',
  block: 1,
  encodedBytes: (count) => 4 * count,
  encode(values) {
    requireFinite(values);
    const out = new Uint8Array(4 * values.length);
    const view = new DataView(out.buffer);
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
    return out;
  },
  decode(bytes, into) {
    if (bytes.length % 4 !== 0)
      throw new LentigoError(
        'LENTIGO_UPDATE_LENGTH',
        `${bytes.length} bytes are not a whole number of float32 values.`,
      );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const out = into?.subarray(0, bytes.length / 4) ?? new Float32Array(bytes.length / 4);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
    return out;
  },
};
