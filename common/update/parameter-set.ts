// Model parameters as one contiguous vector with names and shapes: the form that deltas, encodings
// and aggregation work on.
import { LentigoError } from '../errors.js';

/**
 * One parameter: its name (torchvision's) and its shape in tfjs layout (convolutions HWIO,
 * depthwise [kh, kw, channels, 1], dense [in, out]).
 */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The number of values in a shape: 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Named parameters over one Float32Array, in the order of `specs`, without gaps. */
export class ParameterSet {
  readonly specs: readonly ParameterSpec[];
  readonly values: Float32Array;
  readonly #offsets = new Map<string, { start: number; end: number }>();

  /**
   * Wraps values.
   * @throws LENTIGO_UPDATE_LENGTH when the length of `values` doesn't match the shapes
   */
  constructor(specs: readonly ParameterSpec[], values?: Float32Array) {
    let end = 0;
    for (const { name, shape } of specs) {
      if (this.#offsets.has(name)) throw new RangeError(`parameter ${name} is named twice`);
      this.#offsets.set(name, { start: end, end: (end += sizeOf(shape)) });
    }
    if (values && values.length !== end) {
      throw new LentigoError(
        'LENTIGO_UPDATE_LENGTH',
        `expected ${end} values for ${specs.length} parameters, got ${values.length}`,
      );
    }
    this.specs = specs;
    this.values = values ?? new Float32Array(end);
  }
  get length(): number {
    return this.values.length;
  }
  has(name: string): boolean {
    return this.#offsets.has(name);
  }
  /** A view (not a copy) of one parameter's values. */
  get(name: string): Float32Array {
    const at = this.#offsets.get(name);
    if (!at) throw new RangeError(`no parameter ${name}`);
    return this.values.subarray(at.start, at.end);
  }
  /** A copy that holds only the named parameters, in this set's order. */
  subset(names: ReadonlySet<string>): ParameterSet {
    const out = new ParameterSet(this.specs.filter((s) => names.has(s.name)));
    for (const { name } of out.specs) out.get(name).set(this.get(name));
    return out;
  }
  /** A copy in which the parameters of `other` replace those of the same name. */
  with(other: ParameterSet): ParameterSet {
    const out = new ParameterSet(this.specs, this.values.slice());
    for (const { name } of other.specs) out.get(name).set(other.get(name));
    return out;
  }
  /**
   * this − base, value by value.
   * @throws LENTIGO_UPDATE_LENGTH when the lengths differ
   */
  minus(base: ParameterSet): ParameterSet {
    return this.#combine(base, -1);
  }
  /**
   * this + delta, value by value.
   * @throws LENTIGO_UPDATE_LENGTH when the lengths differ
   */
  plus(delta: ParameterSet): ParameterSet {
    return this.#combine(delta, 1);
  }
  #combine(other: ParameterSet, sign: 1 | -1): ParameterSet {
    if (other.length !== this.length) {
      throw new LentigoError(
        'LENTIGO_UPDATE_LENGTH',
        `expected ${this.length} values, got ${other.length}`,
      );
    }
    const out = new ParameterSet(this.specs, this.values.slice());
    for (let i = 0; i < out.length; i++) out.values[i] = out.values[i]! + sign * other.values[i]!;
    return out;
  }
}
