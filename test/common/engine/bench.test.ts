// `lentigo doctor --bench`: its measurements, and the estimates made from them.
import { describe, expect, it } from 'vitest';
import { roundTime, type RoundTime } from '../../../common/engine/bench.node.js';
import { TrainingPlan } from '../../../common/protocol/study.js';
import { lentigo, succeed } from '../../support/processes.js';

interface Report {
  readonly engines: readonly {
    name: string;
    available: boolean;
    chosen: boolean;
    inferenceMs: number | null;
    trainingMs: number | null;
    threads: number | null;
  }[];
  readonly data: { readonly images: number; readonly round: RoundTime };
}

describe('lentigo doctor --bench', () => {
  it("prints each available engine's times, and the data's time per round, as one JSON document", async () => {
    const { engines, data } = JSON.parse(
      await succeed([
        'doctor',
        '--bench',
        '--data',
        'synthetic:site=1&images=20&split=train',
        '--json',
      ]),
    ) as Report;
    expect(engines.filter(({ chosen }) => chosen).map(({ name }) => name)).toEqual(['wasm']);
    for (const { name, available, inferenceMs, trainingMs, threads } of engines) {
      if (!available || name === 'cpu')
        expect([inferenceMs, trainingMs, threads]).toEqual([null, null, null]);
      else if (trainingMs !== null) {
        expect(inferenceMs).toBeGreaterThan(0);
        expect(trainingMs).toBeGreaterThan(0);
        expect(threads).toBeGreaterThanOrEqual(1);
      }
    }
    expect(engines.find(({ chosen }) => chosen)!.trainingMs).not.toBeNull();
    expect(data.images).toBe(20);
    expect(data.round.seconds).toBeGreaterThan(0);
    expect(data.round.firstSeconds).toBeGreaterThan(data.round.seconds);
  }, 600_000);

  it('reports wrong options at once, and measures nothing', async () => {
    expect(await lentigo(['doctor', '--data', 'synthetic:images=20'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give both') as string,
    });
    expect(await lentigo(['doctor', '--bench', '--data', '/nowhere'])).toMatchObject({
      code: 2,
      stderr: expect.not.stringContaining('measuring') as string,
    });
  });

  it('counts training in every round; decoding, augmentation and frozen blocks in the first', () => {
    const plan = { ...TrainingPlan.parse({}), epochs: 2, variants: 4 };
    const step = {
      trainFrom: 'features.6',
      featuresMs: 30,
      trainingMs: 20,
      threads: 1,
      aloneMs: 20,
    };
    // 100 · 2 · 20 ms; and 100 · (50 + 4 · (10 + 30)) ms before.
    expect(roundTime(100, plan, step, { decode: 50, augment: 10 })).toEqual({
      seconds: 4,
      firstSeconds: 25,
    });
  });
});
