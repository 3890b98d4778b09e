// What holds for every strategy: those of this package, each found by its file, and one of a
// program's own.
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { aggregate } from '../../../common/federation/aggregate.js';
import { clientDelta, clientPlan } from '../../../common/federation/client-part.js';
import { decodeState, encodeState } from '../../../common/federation/strategy-state.js';
import { StrategyChoice, strategyOf } from '../../../common/federation/strategies/index.js';
import type { Strategy, StrategyDefinition } from '../../../common/federation/strategy.js';
import { TrainingPlan } from '../../../common/protocol/study.js';
import { Random } from '../../../common/random.js';
import { encodings } from '../../../common/update/encoding.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';
import { serverMomentum } from './server-momentum.js';

const FOLDER = new URL('../../../common/federation/strategies/', import.meta.url);

const isDefinition = (value: unknown): value is StrategyDefinition =>
  typeof value === 'object' && value !== null && 'reference' in value && 'create' in value;
const definitions: StrategyDefinition[] = [serverMomentum];
for (const file of await readdir(FOLDER)) {
  if (!file.endsWith('.js') || file === 'index.js') continue;
  const module = (await import(new URL(file, FOLDER).href)) as Record<string, unknown>;
  definitions.push(...Object.values(module).filter(isDefinition));
}
const names = definitions.map(({ name }) => name);

const SPECS = [
  { name: 'classifier.1.weight', shape: [30, 6] },
  { name: 'classifier.1.bias', shape: [6] },
];
const COUNT = 30 * 6 + 6;
const normals = (seed: string, deviation = 0.01): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: COUNT }, () => random.normal(0, deviation));
};
const start = new ParameterSet(SPECS, normals('start', 1));
const SAMPLES = [40, 7, 90, 33, 12];
const DELTAS = SAMPLES.map((_, k) => normals(`delta ${k}`));

/** The deltas as the strategy's rule combines them. */
const combined = (
  strategy: Strategy,
  deltas: readonly Float32Array[],
  samples: readonly number[] = SAMPLES,
): Promise<Float64Array> =>
  aggregate({
    payloads: deltas.map((delta, k) => {
      const bytes = encodings.get('float32').encode(delta, new Random(1));
      return { samples: samples[k]!, read: async (from, to) => bytes.subarray(from, to) };
    }),
    count: COUNT,
    encoding: encodings.get('float32'),
    rule: strategy.rule,
  });
const bits = (values: Float32Array | Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from({ length: COUNT }, (_, i) => Math.abs(a[i]! - b[i]!)));

/** Parameters and state after so many rounds of the same clinics, to the bit. */
async function afterRounds(strategy: Strategy, rounds: number, stored = false): Promise<string[]> {
  let [parameters, state] = [start, strategy.init(start)];
  const seen: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const deltas = DELTAS.map((_, k) => normals(`delta ${k} of round ${round}`));
    const step = { round, parameters, aggregate: await combined(strategy, deltas), state };
    ({ parameters, state } = strategy.step(step));
    if (stored) state = decodeState(encodeState(state));
    seen.push(
      bits(parameters.values),
      ...Object.keys(state)
        .toSorted()
        .flatMap((name) => [name, bits(state[name]!)]),
    );
  }
  return seen;
}

it('every strategy of the package is found here, and by its name', () => {
  expect(names).toContain('fedavg');
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(StrategyChoice.parse(name)).toMatchObject({ name });
});

describe.each(names)('the strategy %s', (name) => {
  const strategy = strategyOf(StrategyChoice.parse(name));

  it('combines deltas to the same whatever the order of the clinics', async () => {
    const inOrder = await combined(strategy, DELTAS);
    for (const order of [
      [4, 3, 2, 1, 0],
      [2, 0, 4, 1, 3],
    ]) {
      const shuffled = await combined(
        strategy,
        order.map((k) => DELTAS[k]!),
        order.map((k) => SAMPLES[k]!),
      );
      expect(farthest(shuffled, inOrder)).toBeLessThan(1e-12);
    }
  });

  it('gives the delta of a single clinic, and the delta that all clinics have', async () => {
    const own = await combined(strategy, DELTAS.slice(1, 2), SAMPLES.slice(1, 2));
    expect(farthest(own, DELTAS[1]!)).toBeLessThan(1e-12);
    const equal = await combined(
      strategy,
      SAMPLES.map(() => DELTAS[0]!),
    );
    expect(farthest(equal, DELTAS[0]!)).toBeLessThan(1e-12);
  });

  it('gives the same bits for the same arguments, over several rounds', async () => {
    expect(await afterRounds(strategy, 4)).toEqual(await afterRounds(strategy, 4));
    const again = strategyOf(StrategyChoice.parse(name));
    expect(await afterRounds(again, 4)).toEqual(await afterRounds(strategy, 4));
  });

  it('goes on from a stored state as from the one in memory, to the bit', async () => {
    expect(await afterRounds(strategy, 4, true)).toEqual(await afterRounds(strategy, 4));
    const state = strategy.init(start);
    expect(encodeState(decodeState(encodeState(state)))).toEqual(encodeState(state));
  });

  it('changes none of its arguments, and moves parameters of the same shapes to finite values', async () => {
    const state = strategy.init(start);
    const parameters = new ParameterSet(SPECS, start.values.slice());
    const sum = await combined(strategy, DELTAS);
    const given = [bits(parameters.values), bits(sum), ...Object.values(state).map(bits)];
    const next = strategy.step({ round: 1, parameters, aggregate: sum, state });
    expect([bits(parameters.values), bits(sum), ...Object.values(state).map(bits)]).toEqual(given);
    expect(next.parameters.specs).toEqual(SPECS);
    expect(bits(next.parameters.values)).not.toBe(bits(parameters.values));
    expect(Object.keys(next.state).toSorted()).toEqual(Object.keys(state).toSorted());
    for (const values of [next.parameters.values, ...Object.values(next.state)])
      expect(values.every(Number.isFinite)).toBe(true);
  });

  it('stays where it is when no clinic moved and nothing moved before', async () => {
    const still = DELTAS.map(() => new Float32Array(COUNT));
    const step = {
      round: 1,
      parameters: start,
      aggregate: await combined(strategy, still),
      state: strategy.init(start),
    };
    expect(farthest(strategy.step(step).parameters.values, start.values)).toBeLessThan(1e-9);
  });

  it('leaves clinics a plan that can be trained by, and their delta its length', () => {
    const plan = TrainingPlan.parse({});
    expect(TrainingPlan.parse(clientPlan(strategy.client, plan, 1))).toEqual(
      clientPlan(strategy.client, plan, 1),
    );
    const delta = new Float32Array(DELTAS[0]!);
    const before = bits(delta);
    const at = { round: 2, seed: '7/2/clinic' };
    const changed = clientDelta(strategy.client, { delta, samples: 12 }, at);
    expect([changed.length, bits(delta)]).toEqual([COUNT, before]);
    expect(changed.every(Number.isFinite)).toBe(true);
    expect(bits(clientDelta(strategy.client, { delta, samples: 12 }, at))).toBe(bits(changed));
  });

  it('refuses a setting that it does not have', () => {
    expect(StrategyChoice.safeParse({ name, 'no-such-setting': 1 }).success).toBe(false);
  });
});

describe('the name of a strategy', () => {
  it('that is not registered is refused, naming those that are', () => {
    const parsed = StrategyChoice.safeParse('fedmagic');
    expect(parsed.error?.issues[0]?.message).toMatch(/"fedmagic".*fedavg/);
    expect(() => strategyOf({ name: 'fedmagic' })).toThrow(
      expect.objectContaining({ code: 'LENTIGO_STRATEGY_UNKNOWN' }),
    );
  });
  it('brings the defaults of its settings, and keeps those that are given', () => {
    const { name } = serverMomentum;
    expect(StrategyChoice.parse(name)).toEqual({ name, momentum: 0.9 });
    expect(StrategyChoice.parse({ name, momentum: 0.5 })).toEqual({ name, momentum: 0.5 });
    const wrong = StrategyChoice.safeParse({ name, momentum: 2 });
    expect(wrong.error?.issues[0]?.path).toEqual(['momentum']);
  });
});
