// What a strategy gives back is checked before it is used, and a fault is named as the strategy's.
import { describe, expect, it } from 'vitest';
import { weightedMean } from '../../../common/federation/rules/weighted-mean.js';
import { serverRound } from '../../../common/federation/server-round.js';
import { moved, type Strategy } from '../../../common/federation/strategy.js';
import { LentigoError } from '../../../common/errors.js';
import { Random } from '../../../common/random.js';
import { float32 } from '../../../common/update/float32.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';

const parameters = new ParameterSet([{ name: 'w', shape: [4] }], new Float32Array([1, 2, 3, 4]));
const payloads = [1, 2, 3].map((n) => {
  const bytes = float32.encode(new Float32Array(4).fill(n), new Random(1));
  return { samples: 10, read: async (start: number, end: number) => bytes.slice(start, end) };
});
const sound: Strategy = {
  init: () => ({}),
  rule: weightedMean,
  step: ({ parameters: from, aggregate }) => ({ parameters: moved(from, aggregate), state: {} }),
};
const run = (changes: Partial<Strategy>) =>
  serverRound({
    name: 'mine',
    strategy: { ...sound, ...changes },
    round: 3,
    parameters,
    state: {},
    payloads,
    encoding: float32,
  });
const choosing = (weights: readonly number[]): Partial<Strategy> => ({
  rule: { ...weightedMean, choose: () => ({ add: () => undefined, weights: () => weights }) },
});

describe('the server in a round', () => {
  it('moves the parameters by what the rule gives', async () => {
    expect([...(await run({})).parameters.values]).toEqual([3, 4, 5, 6]);
  });
  it('leaves out the clinics that the rule gives no weight', async () => {
    expect([...(await run(choosing([0, 10, 0]))).parameters.values]).toEqual([3, 4, 5, 6]);
    expect([...(await run(choosing([10, 0, 0]))).parameters.values]).toEqual([2, 3, 4, 5]);
  });

  const faults: [string, Partial<Strategy>, RegExp][] = [
    ['too few weights', choosing([1]), /its rule gave 1 weights for 3 clinics/],
    ['a weight that is no number', choosing([1, NaN, 1]), /the weight NaN/],
    ['a negative weight', choosing([1, -2, 1]), /the weight -2/],
    ['no clinic', choosing([0, 0, 0]), /chose no clinic/],
    [
      'too few values',
      { rule: { combine: (deltas) => new Float64Array(deltas[0]!.length - 1) } },
      /3 values for a range of 4/,
    ],
    [
      'an aggregate that is not finite',
      { rule: { combine: (deltas) => new Float64Array(deltas[0]!.length).fill(NaN) } },
      /value 0 of the aggregate is NaN/,
    ],
    [
      'parameters that are not finite',
      { step: () => ({ parameters: moved(parameters, [0, 0, Infinity, 0]), state: {} }) },
      /value 2 of the parameters is Infinity/,
    ],
    [
      'a state that is not finite',
      { step: () => ({ parameters, state: { velocity: Float32Array.of(NaN) } }) },
      /value 0 of velocity of the state is NaN/,
    ],
    [
      'other parameters',
      { step: () => ({ parameters: new ParameterSet([]), state: {} }) },
      /0 parameters instead of 4/,
    ],
    [
      'an error',
      {
        step: () => {
          throw new TypeError('boom');
        },
      },
      /boom/,
    ],
  ];
  it.each(faults)('names the strategy that gives %s', async (_what, changes, message) => {
    const refusal = await run(changes).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(LentigoError);
    expect(refusal).toMatchObject({
      code: 'LENTIGO_STRATEGY_FAILED',
      message: expect.stringMatching(/Strategy "mine" failed in round 3/) as string,
    });
    expect((refusal as Error).message).toMatch(message);
  });

  it('passes on what reading a payload throws', async () => {
    const altered = new LentigoError('LENTIGO_UPDATE_ALTERED', 'altered');
    const broken = { samples: 1, read: async () => Promise.reject(altered) };
    await expect(
      serverRound({
        name: 'mine',
        strategy: sound,
        round: 1,
        parameters,
        state: {},
        payloads: [broken],
        encoding: float32,
      }),
    ).rejects.toBe(altered);
  });
});
