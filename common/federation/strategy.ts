// What a federated strategy is: pure parts over a state that can be stored. Coordinator, clinics
// and simulations are given one and know none by name.
import type { z } from 'zod';
import type { TrainingPlan } from '../protocol/study.js';
import type { Random } from '../random.js';
import { ParameterSet } from '../update/parameter-set.js';
import type { AggregationRule } from './rule.js';

/**
 * What a strategy remembers from round to round beside the parameters: named float32 vectors, such
 * as an optimiser's moments; a single number is a vector of one. Empty where it remembers nothing.
 */
export type StrategyState = Readonly<Record<string, Float32Array>>;

/**
 * The algorithm of a study. Four parts, after FedJAX's federated algorithms and the composers of
 * TensorFlow Federated: where it starts, what a clinic does, how the deltas become one, and how
 * the server moves. All are pure: the same arguments give the same result, on every machine.
 */
export interface Strategy {
  /** The state before round 1. @param start the trainable parameters of the starting model */
  init(start: ParameterSet): StrategyState;
  /** What a clinic does besides training by the study's plan; absent: nothing. */
  readonly client?: ClientPart;
  readonly rule: AggregationRule;
  /** The server's step: what the next round starts from. */
  step(round: ServerRound): ServerStep;
}

/** What the server's step is given. */
export interface ServerRound {
  /** From 1. */
  readonly round: number;
  /** The trainable parameters that the round started from, float32. */
  readonly parameters: ParameterSet;
  /** The clinics' deltas as the rule combined them, in the order of the parameters' values. */
  readonly aggregate: Float64Array;
  readonly state: StrategyState;
}

/** What the next round starts from. */
export interface ServerStep {
  readonly parameters: ParameterSet;
  readonly state: StrategyState;
}

export interface ClientPart {
  /** The plan of this round instead of the study's. */
  plan?(plan: TrainingPlan, round: number): TrainingPlan;
  /** Applied to the delta one after the other, before it is encoded. */
  readonly transforms?: readonly DeltaTransform[];
}

/**
 * @param delta trained − base, float32; may be changed in place
 * @param at `random` is this clinic's own in this round
 */
export type DeltaTransform = (
  delta: Float32Array,
  at: { readonly round: number; readonly samples: number; readonly random: Random },
) => Float32Array;

/** A strategy as it is registered: its name in study.yaml, its settings, and how it is made. */
export interface StrategyDefinition<Settings extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  /** The paper. */
  readonly reference: string;
  /** What a study may set beside the name. */
  readonly settings: z.ZodObject<Settings>;
  create(settings: z.infer<z.ZodObject<Settings>>): Strategy;
}

/**
 * parameters + aggregate, float32: the step of a server without an optimiser of its own, and the end of
 * most others.
 */
export function moved(parameters: ParameterSet, aggregate: ArrayLike<number>): ParameterSet {
  const next = new ParameterSet(parameters.specs);
  for (let i = 0; i < next.length; i++) next.values[i] = parameters.values[i]! + aggregate[i]!;
  return next;
}
