// The server's half of a round, alike in coordinator and simulation: the strategy's rule over the
// clinics' payloads, then its step. What a strategy gives back is checked before it is used.
import { LentigoError } from '../errors.js';
import type { DeltaEncoding } from '../update/delta-encoding.js';
import { aggregate, type Payload } from './aggregate.js';
import type { ServerStep, Strategy, StrategyState } from './strategy.js';
import type { ParameterSet } from '../update/parameter-set.js';

/**
 * What the next round starts from. The same to the bit however much is read at a time.
 * @param payloads in clinic-id order
 * @param parameters the trainable ones, float32, that the deltas were trained from
 * @param valuesInMemory decoded values, over all clinics, that may lie in memory at once
 * @throws LENTIGO_STRATEGY_FAILED naming the strategy and what it threw or gave back; what `read`
 *   of a payload throws
 */
export async function serverRound({
  name,
  strategy,
  round,
  parameters,
  state,
  ...reading
}: {
  /** The strategy's, for errors. */
  readonly name: string;
  readonly strategy: Strategy;
  readonly round: number;
  readonly parameters: ParameterSet;
  readonly state: StrategyState;
  readonly payloads: readonly Payload[];
  readonly encoding: DeltaEncoding;
  readonly valuesInMemory?: number;
}): Promise<ServerStep> {
  try {
    const aggregated = await aggregate({
      ...reading,
      count: parameters.length,
      rule: strategy.rule,
    });
    requireFinite('the aggregate', aggregated);
    const next = strategy.step({ round, parameters, aggregate: aggregated, state });
    if (next.parameters.length !== parameters.length)
      throw new RangeError(
        `its step gave ${next.parameters.length} parameters instead of ${parameters.length}`,
      );
    requireFinite('the parameters', next.parameters.values);
    for (const [what, values] of Object.entries(next.state))
      requireFinite(`${what} of the state`, values);
    return next;
  } catch (thrown) {
    // What reading throws: an update that is not what was accepted, or a disk that does not answer.
    if (thrown instanceof LentigoError || (thrown instanceof Error && 'code' in thrown))
      throw thrown;
    throw new LentigoError(
      'LENTIGO_STRATEGY_FAILED',
      `Strategy "${name}" failed in round ${round}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    );
  }
}

/** @throws RangeError naming the first value that is NaN or infinite */
function requireFinite(what: string, values: Float32Array | Float64Array): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw new RangeError(`value ${i} of ${what} is ${values[i]}`);
}
