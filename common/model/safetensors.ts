// The safetensors container: 8 bytes of header length, a JSON header, then the tensors' bytes
// without gaps. Reads F32, F16 and BF16, skips I64 (batch norm's counters), writes F32 or F16. The
// format is little-endian, as are all platforms we run on.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { sizeOf } from '../update/parameter-set.js';
import { bfloatToFloat, floatToHalf, halfToFloat } from './half.js';

/** One stored tensor; `values` in row-major order. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly StoredTensor[];
}

/** The format's own limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;
const WIDTHS = { F32: 4, F16: 2, BF16: 2, I64: 8 } as const;

const whole = z.number().int().nonnegative();
const Entry = z
  .object({
    dtype: z.enum(['F32', 'F16', 'BF16', 'I64']),
    shape: z.array(whole).max(8),
    data_offsets: z.tuple([whole, whole]),
  })
  .strict();
const Metadata = z.record(z.string(), z.string());

/**
 * Encodes tensors. The same content always gives the same bytes. `half` stores IEEE 754 half
 * precision: half the bytes, 11 significant bits.
 */
export function encodeSafetensors(
  { metadata, tensors }: Safetensors,
  { half = false }: { half?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const width = half ? 2 : 4;
  let end = 0;
  const entries = tensors.map(({ name, shape, values }) => {
    if (sizeOf(shape) !== values.length)
      throw new RangeError(`tensor ${name}: ${values.length} values for shape [${shape.join()}]`);
    return [
      name,
      { dtype: half ? 'F16' : 'F32', shape, data_offsets: [end, (end += values.length * width)] },
    ] as const;
  });
  const sorted = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  const json = JSON.stringify({ __metadata__: sorted, ...Object.fromEntries(entries) });
  const header = new TextEncoder().encode(json);
  // Padded with spaces to a multiple of 8, so that the data is aligned.
  const headerLength = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(header, 8);
  let at = 8 + headerLength;
  for (const { values } of tensors) {
    if (half) new Uint16Array(bytes.buffer, at, values.length).set(floatToHalf(values));
    else new Float32Array(bytes.buffer, at, values.length).set(values);
    at += values.length * width;
  }
  return bytes;
}

/**
 * Reads a container, leaving out I64 tensors.
 * @throws LENTIGO_WEIGHTS_INVALID when it is cut short, its header breaks the format, or tensors
 *   overlap or leave gaps
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { header, data } = splitHeader(bytes);
  const parsed = Metadata.safeParse(header['__metadata__'] ?? {});
  if (!parsed.success) throw invalid('its metadata is not a map of strings');
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => {
      const entry = Entry.safeParse(value);
      if (!entry.success)
        throw invalid(
          `tensor ${name} has a header that is not understood (${entry.error.issues[0]?.message ?? 'unknown'})`,
        );
      return {
        name,
        dtype: entry.data.dtype,
        shape: entry.data.shape,
        start: entry.data.data_offsets[0],
        end: entry.data.data_offsets[1],
      };
    });
  checkExtents(entries, data.length);
  const tensors = entries
    .filter((e) => e.dtype !== 'I64')
    .map(({ name, dtype, shape, start, end }) => ({
      name,
      shape,
      values: toFloats(dtype, new Uint8Array(data.subarray(start, end)).buffer),
    }));
  return { metadata: parsed.data, tensors };
}

function splitHeader(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) throw invalid(`${bytes.length} bytes are too few for a header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER || length > bytes.length - 8)
    throw invalid(`its header says ${length} bytes, the file holds ${bytes.length - 8}`);
  const end = 8 + Number(length);
  try {
    const header: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, end)),
    );
    if (typeof header !== 'object' || header === null || Array.isArray(header))
      throw new SyntaxError('not an object');
    return { header: header as Record<string, unknown>, data: bytes.subarray(end) };
  } catch (e) {
    throw invalid(`its header is not JSON (${(e as Error).message})`);
  }
}

/**
 * The tensors must tile the data: each as long as its shape says, without overlaps or gaps, and
 * nothing after the last.
 */
function checkExtents(
  entries: readonly {
    name: string;
    dtype: keyof typeof WIDTHS;
    shape: number[];
    start: number;
    end: number;
  }[],
  length: number,
): void {
  let at = 0;
  for (const { name, dtype, shape, start, end } of [...entries].sort(
    (a, b) => a.start - b.start || a.end - b.end,
  )) {
    if (end - start !== sizeOf(shape) * WIDTHS[dtype])
      throw invalid(`tensor ${name} of shape [${shape.join()}] takes ${end - start} bytes`);
    if (start !== at)
      throw invalid(`tensor ${name} begins at byte ${start} of the data instead of ${at}`);
    if (end > length)
      throw invalid(`tensor ${name} ends at byte ${end} of ${length}: the file is cut short`);
    at = end;
  }
  if (at !== length) throw invalid(`${length - at} bytes follow the last tensor`);
}

function toFloats(dtype: keyof typeof WIDTHS, buffer: ArrayBuffer): Float32Array {
  if (dtype === 'F32') return new Float32Array(buffer);
  return dtype === 'F16'
    ? halfToFloat(new Uint16Array(buffer))
    : bfloatToFloat(new Uint16Array(buffer));
}

const invalid = (why: string): LentigoError =>
  new LentigoError('LENTIGO_WEIGHTS_INVALID', `not a usable safetensors file: ${why}`);
