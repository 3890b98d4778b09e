// Converts parameters between PyTorch's layout and ours: filters OIHW and HWIO, depthwise [c, 1, h,
// w] and [h, w, c, 1], dense [out, in] and [in, out].
import { LentigoError } from '../errors.js';
import { ParameterSet, type ParameterSpec, sizeOf } from '../update/parameter-set.js';
import { checkValues } from './check-values.js';
import type { StoredTensor } from './safetensors.js';

/**
 * Whether a parameter of this shape (tfjs layout) is a depthwise filter: only those are larger than
 * 1×1 and have a last axis of 1.
 */
export const isDepthwise = (shape: readonly number[]): boolean =>
  shape.length === 4 && shape[0]! > 1 && shape[3] === 1;

/** Converts a tensor from tfjs layout to PyTorch's. */
export function toTorch({ name, shape, values }: StoredTensor): StoredTensor {
  const axes = torchAxes(shape);
  return { name, shape: axes.map((a) => shape[a]!), values: permute(values, shape, axes) };
}

/**
 * Converts tensors in PyTorch's layout to the parameters of `specs`. Counters (batch norms'
 * num_batches_tracked, whatever their type, and other integers) are left out.
 * @throws LENTIGO_WEIGHTS_INVALID when one is missing, superfluous, of another shape, in whole
 *   numbers (quantised), not finite, or a negative variance
 */
export function fromTorch(
  tensors: readonly StoredTensor[],
  specs: readonly ParameterSpec[],
): ParameterSet {
  const out = new ParameterSet(specs);
  const byName = new Map(tensors.map((t) => [t.name, t]));
  for (const { name, shape } of specs) {
    const stored = byName.get(name);
    if (!stored) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `parameter ${name} is missing`);
    if (stored.integer)
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `parameter ${name} is stored in whole numbers: these weights are quantised, and their scale is not known here`,
      );
    const axes = torchAxes(shape);
    const torchShape = axes.map((a) => shape[a]!);
    if (stored.shape.join() !== torchShape.join())
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `parameter ${name} has shape [${stored.shape.join()}] instead of [${torchShape.join()}]`,
      );
    out.get(name).set(
      permute(
        stored.values,
        torchShape,
        shape.map((_, a) => axes.indexOf(a)),
      ),
    );
  }
  const superfluous = tensors.find(
    ({ name, integer }) => !out.has(name) && !integer && !name.endsWith('.num_batches_tracked'),
  );
  if (superfluous)
    throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `unexpected parameter ${superfluous.name}`);
  checkValues(out);
  return out;
}

/**
 * The axis of the tfjs shape for each PyTorch axis: HWIO → OIHW, depthwise [h, w, c, 1] → [c, 1, h,
 * w], dense [in, out] → [out, in].
 */
function torchAxes(shape: readonly number[]): number[] {
  if (shape.length === 4) return isDepthwise(shape) ? [2, 3, 0, 1] : [3, 2, 0, 1];
  return shape.map((_, axis) => shape.length - 1 - axis);
}

/** Transposes row-major values: axis i of the result is axis axes[i] of the input. */
function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  // Axes of length 1 move nothing; without them the innermost loop is long.
  const moved = axes.filter((axis) => shape[axis] !== 1);
  const sizes = moved.map((axis) => shape[axis]!);
  const strides = moved.map((axis) => sizeOf(shape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  if (moved.length === 0) out.set(values);
  else copyAxis(0, 0, 0);
  return out;

  /** Copies all values of the axes from `depth` on to place `to`; returns the place after them. */
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
