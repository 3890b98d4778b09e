// Models as safetensors bytes, on disk and on the wire: torchvision's names and layouts (OIHW), architecture and labels in the metadata.
import { LentigoError } from '../errors.js';
import { ParameterSet, type ParameterSpec, sizeOf } from '../update/parameter-set.js';
import { isDepthwise, parameterSpecs } from './architecture.js';
import { ArchitectureId } from './architecture-id.js';
import { LabelSet } from './labels.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';
import type { Model } from './student.js';

/** `half` stores float16: half the bytes, 11 significant bits. */
interface Options {
  readonly half?: boolean;
}

/** A whole model. The batch norms' num_batches_tracked are not written: PyTorch fills them in. */
export function encodeModel({ architecture, labels, parameters }: Model, options: Options = {}): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({ metadata: { architecture, labels: JSON.stringify(labels) }, tensors: toTorch(parameters) }, options);
}

/** @throws LENTIGO_WEIGHTS_INVALID when the bytes are damaged, say no architecture and labels we know, or don't hold exactly their parameters. */
export function decodeModel(bytes: Uint8Array): Model {
  const { metadata, tensors } = decodeSafetensors(bytes);
  const architecture = architectureNamed(metadata['architecture']);
  const labels = labelsFrom(metadata['labels']);
  return { architecture, labels, parameters: fromTorch(tensors, parameterSpecs(architecture, labels.names.length)) };
}

/** Some parameters of a model, such as the trainable ones. */
export function encodeParameters(parameters: ParameterSet, options: Options = {}): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({ metadata: {}, tensors: toTorch(parameters) }, options);
}

/** @param specs the parameters that are expected: no more, no fewer, in the order of the result. @throws LENTIGO_WEIGHTS_INVALID */
export function decodeParameters(bytes: Uint8Array, specs: readonly ParameterSpec[]): ParameterSet {
  return fromTorch(decodeSafetensors(bytes).tensors, specs);
}

/** @throws LENTIGO_WEIGHTS_INVALID */
export function architectureNamed(name: string | undefined): ArchitectureId {
  const id = ArchitectureId.options.find((a) => a === name);
  if (!id) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${name === undefined ? 'no architecture is named' : `unknown architecture "${name}"`}: it is one of ${ArchitectureId.options.join(', ')}`);
  return id;
}

/** Labels from their JSON. @throws LENTIGO_WEIGHTS_INVALID */
export function labelsFrom(json: string | undefined): LabelSet {
  try {
    return LabelSet.parse(JSON.parse(json ?? 'null'));
  } catch (e) {
    throw new LentigoError('LENTIGO_WEIGHTS_INVALID', 'the labels of the model are missing or not understood', { cause: e });
  }
}

/** Parameters in PyTorch's layout. */
function toTorch(parameters: ParameterSet): StoredTensor[] {
  return parameters.specs.map(({ name, shape }) => {
    const axes = torchAxes(shape);
    return { name, shape: axes.map((a) => shape[a]!), values: permute(parameters.get(name), shape, axes) };
  });
}

/** Tensors in PyTorch's layout as the parameters of `specs`. @throws LENTIGO_WEIGHTS_INVALID when one is missing, superfluous or of another shape. */
export function fromTorch(tensors: readonly StoredTensor[], specs: readonly ParameterSpec[]): ParameterSet {
  const out = new ParameterSet(specs);
  const byName = new Map(tensors.map((t) => [t.name, t]));
  for (const { name, shape } of specs) {
    const stored = byName.get(name);
    if (!stored) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `parameter ${name} is missing`);
    const axes = torchAxes(shape);
    const torchShape = axes.map((a) => shape[a]!);
    if (stored.shape.join() !== torchShape.join()) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `parameter ${name} has shape [${stored.shape.join()}] instead of [${torchShape.join()}]`);
    out.get(name).set(permute(stored.values, torchShape, shape.map((_, a) => axes.indexOf(a))));
  }
  const superfluous = tensors.find((t) => !out.has(t.name));
  if (superfluous) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `unexpected parameter ${superfluous.name}`);
  return out;
}

/** Which axis of the tfjs shape each PyTorch axis is: HWIO → OIHW, depthwise [h, w, c, 1] → [c, 1, h, w], dense [in, out] → [out, in]. */
function torchAxes(shape: readonly number[]): number[] {
  if (shape.length === 4) return isDepthwise(shape) ? [2, 3, 0, 1] : [3, 2, 0, 1];
  return shape.map((_, axis) => shape.length - 1 - axis);
}

/** Transposes row-major values: axis i of the result is axis axes[i] of the input. */
function permute(values: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  // Axes of one value move nothing; without them the innermost loop is a long one.
  const moved = axes.filter((axis) => shape[axis] !== 1);
  const sizes = moved.map((axis) => shape[axis]!);
  const strides = moved.map((axis) => sizeOf(shape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  if (moved.length === 0) out.set(values);
  else copyAxis(0, 0, 0);
  return out;

  /** Writes everything of the axes from `depth` on, from place `to`; returns the place after it. */
  function copyAxis(depth: number, from: number, to: number): number {
    const [size, stride] = [sizes[depth]!, strides[depth]!];
    if (depth === sizes.length - 1) {
      for (let i = 0; i < size; i++) out[to + i] = values[from + i * stride]!;
      return to + size;
    }
    for (let i = 0; i < size; i++) to = copyAxis(depth + 1, from + i * stride, to);
    return to;
  }
}
