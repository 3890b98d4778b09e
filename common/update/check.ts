// Checks a delta before it counts: all values finite, as many as the trainable parameters, and
// within the study's norm. Clinic and coordinator run the same check.
import { LentigoError } from '../errors.js';

/**
 * Checks that all values are finite.
 * @param offset where `values` starts in the whole delta
 * @throws LENTIGO_UPDATE_NOT_FINITE naming the first value that is NaN or infinite
 */
export function requireFinite(values: Float32Array, offset = 0): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!))
      throw new LentigoError(
        'LENTIGO_UPDATE_NOT_FINITE',
        `Value ${offset + i} of the update is ${values[i]}.`,
      );
  }
}

export interface DeltaBounds {
  /** Number of trainable values. */
  readonly count: number;
  /** The largest L2 norm that is accepted. */
  readonly maxNorm: number;
}

/**
 * Checks a delta range by range, in order, so that it need never be in memory whole. A clinic
 * passes what the coordinator will see: the delta after encoding and decoding, whose rounding
 * changes the norm a little.
 */
export class DeltaCheck {
  readonly #bounds: DeltaBounds;
  #count = 0;
  #squares = 0;
  constructor(bounds: DeltaBounds) {
    this.#bounds = bounds;
  }
  /**
   * Checks the next range.
   * @throws LENTIGO_UPDATE_NOT_FINITE, or LENTIGO_UPDATE_LENGTH as soon as there are too many
   *   values
   */
  add(values: Float32Array): void {
    requireFinite(values, this.#count);
    this.#count += values.length;
    if (this.#count > this.#bounds.count)
      throw this.#wrongLength(`more than ${this.#bounds.count}`);
    for (let i = 0; i < values.length; i++) this.#squares += values[i]! * values[i]!;
  }
  /**
   * Call it after the last range.
   * @returns the L2 norm
   * @throws LENTIGO_UPDATE_LENGTH when values are missing; LENTIGO_UPDATE_NORM when the norm is
   *   beyond the bound
   */
  finish(): number {
    if (this.#count !== this.#bounds.count) throw this.#wrongLength(String(this.#count));
    const norm = Math.sqrt(this.#squares);
    if (norm > this.#bounds.maxNorm) {
      throw new LentigoError(
        'LENTIGO_UPDATE_NORM',
        `The update has norm ${norm.toPrecision(4)}; the study allows ${this.#bounds.maxNorm}.`,
      );
    }
    return norm;
  }
  #wrongLength(got: string): LentigoError {
    return new LentigoError(
      'LENTIGO_UPDATE_LENGTH',
      `The update has ${got} values; the study trains ${this.#bounds.count}.`,
    );
  }
}

/**
 * Checks a whole delta at once.
 * @returns the L2 norm
 * @throws as DeltaCheck
 */
export function checkDelta(values: Float32Array, bounds: DeltaBounds): number {
  const check = new DeltaCheck(bounds);
  check.add(values);
  return check.finish();
}
