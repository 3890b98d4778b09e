// The safetensors container: 8 bytes of header length, a JSON header, then the tensors' bytes
// without gaps. Reads floats and integers of every width as float32, writes F32 or F16. The format
// is little-endian, as are all platforms we run on.
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { sizeOf } from '../update/parameter-set.js';
import { fileKind } from './file-kind.js';
import { bfloatToFloat, floatToHalf, halfToFloat } from './half.js';

/** One stored tensor; `values` in row-major order. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Whether the file has integers: counters and indices, hardly ever parameters. */
  readonly integer?: true;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly StoredTensor[];
}

/** From here on a value rounds to infinity in half precision. */
const HALF_LIMIT = 65_520;
/** The format's own limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;

interface DataType {
  /** Bytes of a value. */
  readonly width: number;
  readonly integer?: true;
  readonly read: (bytes: ArrayBuffer) => Float32Array;
}
const integers = (width: number, read: DataType['read']): DataType => ({
  width,
  integer: true,
  read,
});
const DATA_TYPES = {
  F64: { width: 8, read: (b) => Float32Array.from(new Float64Array(b)) },
  F32: { width: 4, read: (b) => new Float32Array(b) },
  F16: { width: 2, read: (b) => halfToFloat(new Uint16Array(b)) },
  BF16: { width: 2, read: (b) => bfloatToFloat(new Uint16Array(b)) },
  I64: integers(8, (b) => Float32Array.from(new BigInt64Array(b), Number)),
  U64: integers(8, (b) => Float32Array.from(new BigUint64Array(b), Number)),
  I32: integers(4, (b) => Float32Array.from(new Int32Array(b))),
  U32: integers(4, (b) => Float32Array.from(new Uint32Array(b))),
  I16: integers(2, (b) => Float32Array.from(new Int16Array(b))),
  U16: integers(2, (b) => Float32Array.from(new Uint16Array(b))),
  I8: integers(1, (b) => Float32Array.from(new Int8Array(b))),
  U8: integers(1, (b) => Float32Array.from(new Uint8Array(b))),
  BOOL: integers(1, (b) => Float32Array.from(new Uint8Array(b))),
} as const satisfies Record<string, DataType>;
type DataTypeName = keyof typeof DATA_TYPES;

const whole = z.number().int().nonnegative();
const Entry = z
  .object({
    dtype: z.string().max(32),
    shape: z.array(whole).max(8),
    data_offsets: z.tuple([whole, whole]),
  })
  .strict();
const Metadata = z.record(z.string(), z.string());

/**
 * Encodes tensors. The same content always gives the same bytes. `half` stores IEEE 754 half
 * precision: half the bytes, 11 significant bits.
 * @throws LENTIGO_WEIGHTS_INVALID a value is too large for half precision
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
  for (const { name, values } of tensors) {
    if (half) new Uint16Array(bytes.buffer, at, values.length).set(halvesOf(name, values));
    else new Float32Array(bytes.buffer, at, values.length).set(values);
    at += values.length * width;
  }
  return bytes;
}

function halvesOf(name: string, values: Float32Array): Uint16Array {
  const large = values.find((value) => Math.abs(value) >= HALF_LIMIT && Number.isFinite(value));
  if (large !== undefined)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${name} holds ${large}, which half precision can't: at most 65504`,
    );
  return floatToHalf(values);
}

/**
 * Reads a container; all values become float32.
 * @throws LENTIGO_WEIGHTS_INVALID when it is of another format, cut short, its header breaks the
 *   format, or tensors overlap or leave gaps
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
      const { dtype } = entry.data;
      if (!isDataType(dtype))
        throw invalid(
          `tensor ${name} is stored as ${dtype}, which Lentigo does not read: store it as F32`,
        );
      return {
        name,
        dtype,
        shape: entry.data.shape,
        start: entry.data.data_offsets[0],
        end: entry.data.data_offsets[1],
      };
    });
  checkExtents(entries, data.length);
  const tensors = entries.map(({ name, dtype, shape, start, end }): StoredTensor => {
    const { integer, read }: DataType = DATA_TYPES[dtype];
    const values = read(new Uint8Array(data.subarray(start, end)).buffer);
    return { name, shape, values, ...(integer && { integer }) };
  });
  return { metadata: parsed.data, tensors };
}

const isDataType = (name: string): name is DataTypeName => Object.hasOwn(DATA_TYPES, name);

function splitHeader(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  const invalid = (why: string): LentigoError => notSafetensors(bytes, why);
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
    dtype: DataTypeName;
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
    if (end - start !== sizeOf(shape) * DATA_TYPES[dtype].width)
      throw invalid(
        `tensor ${name} of shape [${shape.join()}] and type ${dtype} has ${end - start} bytes`,
      );
    if (start !== at)
      throw invalid(
        `tensor ${name} begins at byte ${start} of the data, ${start < at ? 'inside of the one before, which ends' : 'and the one before ends'} at ${at}`,
      );
    if (end > length)
      throw invalid(`tensor ${name} ends at byte ${end} of ${length}: the file is cut short`);
    at = end;
  }
  if (at !== length) throw invalid(`${length - at} bytes follow the last tensor`);
}

/** Says which other format it is, where the bytes tell. */
function notSafetensors(bytes: Uint8Array, why: string): LentigoError {
  const kind = fileKind(bytes);
  return kind === undefined
    ? invalid(why)
    : new LentigoError('LENTIGO_WEIGHTS_INVALID', `no safetensors file, but ${kind}`);
}

const invalid = (why: string): LentigoError =>
  new LentigoError('LENTIGO_WEIGHTS_INVALID', `not a usable safetensors file: ${why}`);
