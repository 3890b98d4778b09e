// A strategy that remembers, over the rounds of a study: its state goes in as a blob and comes out
// as one, and the rounds are those of an independent reference.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeState, encodeState } from '../../../common/federation/strategy-state.js';
import { strategyOf } from '../../../common/federation/strategies/index.js';
import { decodeParameters, encodeParameters } from '../../../common/model/encoding.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';
import type { SealedUpdate } from '../../../coordinator/aggregation/aggregate.js';
import {
  type AggregatedFiles,
  type AggregateJob,
  runAggregateJob,
} from '../../../coordinator/aggregation/aggregate-job.js';
import { serverMomentum } from '../../common/federation/server-momentum.js';
import {
  COUNT,
  folder,
  normals,
  refusedAs,
  ROUND_KEY,
  sha256,
  SPECS,
  submit,
  writeFresh,
} from './sealed-updates.js';

const MOMENTUM = 0.5;
const SAMPLES = [30, 50, 20];
const strategy = { name: serverMomentum.name, momentum: MOMENTUM };
const start = new ParameterSet(SPECS, normals(COUNT, 'start', 1));
const deltasOf = (round: number) => SAMPLES.map((_, k) => normals(COUNT, `${round}/${k}`));

/** Momentum, a few lines: v ← β v + Σ (n_k / n) Δ_k; w ← w + v. */
const [w, v] = [start.values.slice(), new Float32Array(COUNT)];
function reference(round: number): { w: Float32Array; v: Float32Array } {
  const total = SAMPLES.reduce((a, b) => a + b);
  for (let i = 0; i < COUNT; i++) {
    let mean = 0;
    for (const [k, delta] of deltasOf(round).entries()) mean += (SAMPLES[k]! / total) * delta[i]!;
    v[i] = MOMENTUM * v[i]! + mean;
    w[i] = w[i]! + v[i]!;
  }
  return { w: w.slice(), v: v.slice() };
}

const blob = async (bytes: Uint8Array) => ({
  path: await writeFresh(bytes),
  sha256: sha256(bytes),
});
const jobOf = (
  round: number,
  updates: readonly SealedUpdate[],
  from: Pick<AggregateJob, 'base' | 'state'>,
): AggregateJob => ({
  ...from,
  updates,
  round,
  strategy,
  roundSecretKey: ROUND_KEY.secretKey,
  specs: SPECS,
  encoding: 'float32',
  out: { base: join(folder, `base-${round}`), state: join(folder, `state-${round}`) },
});

describe('a strategy with a state', () => {
  const jobs: AggregateJob[] = [];
  const results: AggregatedFiles[] = [];
  beforeAll(async () => {
    let base = await blob(encodeParameters(start));
    let state = await blob(encodeState(strategyOf(strategy).init(start)));
    for (const round of [1, 2]) {
      const updates = await Promise.all(
        deltasOf(round).map((delta, k) => submit(delta, SAMPLES[k]!, 'float32')),
      );
      const job = jobOf(round, updates, { base, state });
      const result = await runAggregateJob(job);
      base = { path: job.out.base, sha256: result.base.sha256 };
      state = { path: job.out.state, sha256: result.state!.sha256 };
      jobs.push(job);
      results.push(result);
    }
  });

  it('moves parameters and state, round by round, as an independent reference does', async () => {
    for (const [i, job] of jobs.entries()) {
      const expected = reference(i + 1);
      const parameters = decodeParameters(await readFile(job.out.base), SPECS).values;
      const { velocity } = decodeState(await readFile(job.out.state));
      for (let k = 0; k < COUNT; k++) {
        expect(Math.abs(parameters[k]! - expected.w[k]!)).toBeLessThan(1e-6);
        expect(Math.abs(velocity![k]! - expected.v[k]!)).toBeLessThan(1e-7);
      }
    }
    // the state matters: started without it, the second round ends elsewhere
    const forgetful = await blob(encodeState(strategyOf(strategy).init(start)));
    const again = await runAggregateJob({
      ...jobs[1]!,
      state: forgetful,
      out: { base: join(folder, 'forgetful'), state: join(folder, 'forgetful-state') },
    });
    expect(again.base.sha256).not.toBe(results[1]!.base.sha256);
  });

  it('names the files that it wrote, and writes the same bytes when the job is done again', async () => {
    for (const [i, job] of jobs.entries()) {
      const [base, state] = [await readFile(job.out.base), await readFile(job.out.state)];
      expect(results[i]).toEqual({
        base: { sha256: sha256(base), bytes: base.length },
        state: { sha256: sha256(state), bytes: state.length },
      });
      const again = { ...job, updates: job.updates.toReversed() };
      expect(await runAggregateJob(again)).toEqual(results[i]);
    }
  });

  it('is refused a state that is not the one named', async () => {
    const [job] = jobs as [AggregateJob];
    const wrong = { ...job, state: { ...job.state!, sha256: '0'.repeat(64) } };
    await expect(runAggregateJob(wrong)).rejects.toThrow(refusedAs('LENTIGO_BLOB_CORRUPT'));
  });

  it('that is not registered is named', async () => {
    const [job] = jobs as [AggregateJob];
    await expect(runAggregateJob({ ...job, strategy: { name: 'fedmagic' } })).rejects.toThrow(
      refusedAs('LENTIGO_STRATEGY_UNKNOWN'),
    );
  });
});
