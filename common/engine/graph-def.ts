// Writes TensorFlow's file format for a graph, a SavedModel
// (tensorflow/core/protobuf/saved_model.proto): only the protocol buffers needed to load one.
import type { Attribute, Binding } from './native-backend.js';

/** One operation. Its inputs are the names of other operations' outputs, "name" or "name:1". */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: readonly Attribute[];
  /** The value of a Const. */
  readonly constant?: {
    readonly shape: readonly number[];
    readonly dtype: number;
    readonly bytes: Uint8Array;
  };
}

/** Version of the graph format: old enough for every TensorFlow 2. */
const PRODUCER = 27;
/** The tag by which a graph is chosen when loading. */
export const TAG = 'serve';

type Bytes = Uint8Array;
type AttributeTypes = Pick<
  Binding,
  | 'TF_ATTR_TYPE'
  | 'TF_ATTR_SHAPE'
  | 'TF_ATTR_STRING'
  | 'TF_ATTR_INT'
  | 'TF_ATTR_FLOAT'
  | 'TF_ATTR_BOOL'
>;

const concat = (parts: readonly Bytes[]): Bytes => {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** A protobuf varint: seven bits per byte, lowest first; a negative number as 64 bits. */
function varint(value: number): Bytes {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...out, Number(rest)]);
}

const message = (field: number, ...parts: Bytes[]): Bytes => {
  const content = concat(parts);
  return concat([varint((field << 3) | 2), varint(content.length), content]);
};
const text = (field: number, value: string): Bytes =>
  message(field, new TextEncoder().encode(value));
const integer = (field: number, value: number): Bytes =>
  concat([varint(field << 3), varint(value)]);
const float = (field: number, value: number): Bytes =>
  concat([varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]);
const shapeOf = (shape: readonly number[]): Bytes[] =>
  shape.map((size) => message(2, integer(1, size)));

function attribute({ name, type, value }: Attribute, types: AttributeTypes): Bytes {
  const one = (v: unknown): Bytes => {
    if (type === types.TF_ATTR_STRING) return text(2, v as string);
    if (type === types.TF_ATTR_INT) return integer(3, v as number);
    if (type === types.TF_ATTR_FLOAT) return float(4, v as number);
    if (type === types.TF_ATTR_BOOL) return integer(5, v ? 1 : 0);
    if (type === types.TF_ATTR_TYPE) return integer(6, v as number);
    if (type === types.TF_ATTR_SHAPE) return message(7, ...shapeOf(v as number[]));
    throw new Error(`attribute ${name} has a type (${type}) that isn't known`);
  };
  const list = Array.isArray(value) && type !== types.TF_ATTR_SHAPE;
  return message(5, text(1, name), message(2, list ? message(1, ...value.map(one)) : one(value)));
}

/**
 * The contents of a saved_model.pb with this graph.
 * @throws Error when an attribute's type is not supported
 */
export function savedModel(nodes: readonly Node[], types: AttributeTypes): Uint8Array {
  const graph = nodes.map(({ name, op, inputs, attributes, constant }) => {
    const value =
      constant &&
      message(
        5,
        text(1, 'value'),
        message(
          2,
          message(
            8,
            integer(1, constant.dtype),
            message(2, ...shapeOf(constant.shape)),
            message(4, constant.bytes),
          ),
        ),
      );
    return message(
      1,
      text(1, name),
      text(2, op),
      ...inputs.map((input) => text(3, input)),
      ...attributes.map((a) => attribute(a, types)),
      ...(value ? [value] : []),
    );
  });
  return concat([
    integer(1, 1),
    message(2, message(1, text(4, TAG)), message(2, ...graph, message(4, integer(1, PRODUCER)))),
  ]);
}
