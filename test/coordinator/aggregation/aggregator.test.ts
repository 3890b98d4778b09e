import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, describe, expect, it } from 'vitest';
import { LentigoError } from '../../../common/errors.js';
import { decodeParameters, encodeParameters } from '../../../common/model/encoding.js';
import { encodings } from '../../../common/update/encoding.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';
import { aggregateUpdates } from '../../../coordinator/aggregation/aggregate.js';
import type { AggregateJob } from '../../../coordinator/aggregation/aggregate-job.js';
import { Aggregator } from '../../../coordinator/aggregation/aggregator.js';
import type { CheckJob } from '../../../coordinator/aggregation/check-update.js';
import { strategyOf } from '../../../common/federation/strategies/index.js';
import {
  ATTEMPT,
  COUNT,
  folder,
  normals,
  refusedAs,
  ROUND_KEY,
  sha256,
  SPECS,
  STUDY,
  submit,
  writeFresh,
} from './sealed-updates.js';

const base = new ParameterSet(SPECS, normals(COUNT, 'base', 1));
const baseBytes = encodeParameters(base);
const updates = await Promise.all(
  [30, 50, 20].map((samples, k) => submit(normals(COUNT, k), samples, 'int8')),
);
const outAt = (name: string) => ({
  base: join(folder, name),
  state: join(folder, `${name}-state`),
});
const job: AggregateJob = {
  updates,
  roundSecretKey: ROUND_KEY.secretKey,
  round: 3,
  strategy: { name: 'fedavg' },
  state: null,
  base: { path: await writeFresh(baseBytes), sha256: sha256(baseBytes) },
  specs: SPECS,
  encoding: 'int8',
  out: outAt('result'),
};
const checkJob = (u: (typeof updates)[number], samples = u.samples): CheckJob => ({
  path: u.path,
  roundSecretKey: ROUND_KEY.secretKey,
  expected: {
    study: STUDY,
    round: 3,
    attempt: ATTEMPT,
    clinic: u.clinic,
    clinicKey: u.clinicKey,
    base: 'ab'.repeat(32),
    encoding: 'int8',
    minSamples: samples,
    maxSamples: samples,
    maxNorm: 100,
    count: COUNT,
  },
});
const aggregator = new Aggregator();
afterAll(() => aggregator.close());

describe('the aggregation thread', () => {
  it('checks updates, several at once', async () => {
    const checked = await Promise.all(updates.map((u) => aggregator.check(checkJob(u))));
    expect(checked.map((c) => c.samples)).toEqual([30, 50, 20]);
    expect(checked[0]!.sha256).toBe(sha256(await readFile(updates[0]!.path)));
  });

  it('reports a refusal as the error it was', async () => {
    const refusal = await aggregator.check(checkJob(updates[0]!, 31)).catch((e: unknown) => e);
    expect(refusal).toBeInstanceOf(LentigoError);
    expect(refusal).toMatchObject({
      code: 'LENTIGO_UPDATE_SAMPLES',
      message: expect.stringContaining('30 samples'),
    });
    await expect(
      aggregator.check({ ...checkJob(updates[0]!), path: join(folder, 'nowhere') }),
    ).rejects.toThrow(/nowhere/);
  });

  it('writes the aggregate that the same code gives here, and nothing beside it', async () => {
    const result = await aggregator.aggregate(job);
    const bytes = await readFile(job.out.base);
    expect(result).toEqual({
      base: { sha256: sha256(bytes), bytes: bytes.length },
      state: null,
    });
    const here = await aggregateUpdates({
      name: 'in the test',
      updates,
      roundSecretKey: ROUND_KEY.secretKey,
      round: 3,
      parameters: base,
      state: {},
      encoding: encodings.get('int8'),
      strategy: strategyOf(job.strategy),
      valuesInMemory: 1024,
    });
    expect(decodeParameters(bytes, SPECS).values).toEqual(here.parameters.values);
    expect((await readdir(folder)).filter((f) => f.startsWith('result'))).toEqual(['result']);
  });

  it('writes the same bytes when it is done again, in another order', async () => {
    const again = { ...job, updates: updates.toReversed(), out: outAt('again') };
    expect(await aggregator.aggregate(again)).toEqual(await aggregator.aggregate(job));
  });

  it('refuses a base that is not the one named, and writes nothing', async () => {
    const wrong = {
      ...job,
      base: { ...job.base, sha256: '0'.repeat(64) },
      out: outAt('wrong'),
    };
    await expect(aggregator.aggregate(wrong)).rejects.toThrow(refusedAs('LENTIGO_BLOB_CORRUPT'));
    expect(await readdir(folder)).not.toContain('wrong');
  });

  it('rejects the jobs of a worker that crashes, and serves the next from a new one', async () => {
    const crashing = join(folder, 'crashing.mjs');
    const real = new URL('../../../coordinator/aggregation/worker.js', import.meta.url);
    await writeFile(
      crashing,
      `
      import ${JSON.stringify(real.href)};
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ argumentList: [{ value: job }] }) => {
        if (job.path === 'crash') throw new Error('out of luck');
      });
    `,
    );
    const fragile = new Aggregator(new URL(`file://${crashing}`));
    const crash = { ...checkJob(updates[0]!), path: 'crash' };
    const outcomes = await Promise.allSettled([
      fragile.check(crash),
      fragile.check(checkJob(updates[1]!)),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'LENTIGO_INTERNAL', message: expect.stringContaining('out of luck') },
      });
    }
    expect(await fragile.check(checkJob(updates[1]!))).toMatchObject({ samples: 50 });
    await fragile.close();
  });

  it('rejects the jobs that closing cuts off', async () => {
    const closing = new Aggregator();
    const cut = expect(closing.aggregate({ ...job, out: outAt('cut') })).rejects.toThrow(
      /ended before/,
    );
    await closing.close();
    await cut;
  });

  it('leaves the event loop free while it works', async () => {
    const big = [{ name: 'classifier.1.weight', shape: [1000, 4000] }];
    const bytes = encodeParameters(new ParameterSet(big));
    const path = await writeFresh(bytes);
    const heavy = await Promise.all(
      [1, 2, 3].map((samples) => submit(normals(4_000_000, samples), samples, 'int8')),
    );
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const started = performance.now();
    await aggregator.aggregate({
      ...job,
      updates: heavy,
      base: { path, sha256: sha256(bytes) },
      specs: big,
      out: outAt('big'),
    });
    console.info(
      `three clinics × 4 M values: ${Math.round(performance.now() - started)} ms; the event loop waited at most ${Math.round(delay.max / 1e6)} ms`,
    );
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan((performance.now() - started) / 2);
  });
});
