// How the deltas of a round's clinics become one: what every aggregation rule implements.

/**
 * A rule sees a range of coordinates at a time, so that memory grows neither with the model nor
 * with the number of clinics. What it gives for a range must depend on nothing but its arguments.
 */
export type AggregationRule = FoldingRule | CombiningRule;

/** For rules that need one clinic at a time, such as a mean: any number of clinics, one in memory. */
export interface FoldingRule extends Choosing {
  /**
   * @param length of the range, values
   * @param weights one for each clinic, in clinic-id order
   */
  fold(length: number, weights: readonly number[]): Fold;
}

/** For rules that need a coordinate of all clinics at once, such as a median. */
export interface CombiningRule extends Choosing {
  /**
   * @param deltas the same range of each clinic, in clinic-id order, all of one length
   * @param weights one for each clinic
   * @returns the range's combined delta
   */
  combine(deltas: readonly Float32Array[], weights: readonly number[]): Float64Array;
}

interface Choosing {
  /**
   * A first pass over all ranges that says how much each clinic counts, 0 for one that is left
   * out: for rules that judge whole clinics, such as Krum by their distances.
   * @param weights each clinic's number of training images, in clinic-id order
   */
  choose?(weights: readonly number[]): Choice;
}

/** Sees every range of every clinic once, in order, before anything is aggregated. */
export interface Choice {
  /** @param deltas the next range of each clinic, in clinic-id order */
  add(deltas: readonly Float32Array[]): void;
  /** After the last range. @returns the weights that the rule itself is given */
  weights(): readonly number[];
}

/** Given a range of every clinic in clinic-id order, each in one piece or several. */
export interface Fold {
  /** Values [at, at + delta.length) of clinic `k`'s range. */
  add(k: number, delta: Float32Array, at: number): void;
  /** After the last clinic. */
  combined(): Float64Array;
}
