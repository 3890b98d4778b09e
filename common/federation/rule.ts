// What every aggregation rule implements: one range of coordinates of every clinic's delta in, one
// combined delta out.

export interface AggregationRule {
  readonly name: string;
  /**
   * Combines the same range of coordinates of every clinic, in clinic-id order. The ranges of a
   * round come one after the other, and the
   * result of each must depend on nothing but its arguments: means, medians and trimmed means do. A
   * rule that chooses whole clinics by their
   * distances (Krum) is a pass over the same ranges before this one, and arrives here as weights.
   * @param deltas one Float32Array a clinic, all of the same length.
   * @param weights each clinic's sample count, as many as deltas.
   * @returns the combined delta of the range, float64.
   */
  combine(deltas: readonly Float32Array[], weights: readonly number[]): Float64Array;
  /**
   * For a rule that needs but one clinic at a time, such as a mean: the same combination, folded,
   * so that memory and the work of
   * decrypting don't grow with the number of clinics.
   * @param length of the range.
   */
  fold?(length: number, weights: readonly number[]): Fold;
}

/** Given every clinic's range in clinic-id order, each in one piece or several. */
export interface Fold {
  /** Values [at, at + delta.length) of clinic `k`'s range. */
  add(k: number, delta: Float32Array, at: number): void;
  /** After the last clinic. */
  combined(): Float64Array;
}
