// A simulation in this process: the same numbers for the same seed, and the numbers that production
// computes.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toBase64 } from '../../common/crypto/base64.js';
import { sealUpdate } from '../../common/crypto/envelope.js';
import { clinicIdOf, createIdentity, createRoundKey } from '../../common/crypto/identity.js';
import { MemoryFeatureCache } from '../../common/training/feature-cache.js';
import { encodeModel, encodeParameters } from '../../common/model/encoding.js';
import { loadModel, saveModel } from '../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { initialParameters } from '../../common/model/student.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import { Random } from '../../common/random.js';
import { encodings } from '../../common/update/encoding.js';
import { createTrainer } from '../../client/participation/train-round.js';
import { encodeDelta, seedOf } from '../../client/participation/local-update.js';
import { aggregateUpdates, type SealedUpdate } from '../../coordinator/aggregation/aggregate.js';
import { checkUpdate } from '../../coordinator/aggregation/check-update.js';
import { strategyOf } from '../../common/federation/strategies/index.js';
import { SimulationConfig } from '../../simulations/config.js';
import { bestRound, metricsCsv, type SimulationReport } from '../../simulations/report.js';
import { simulate } from '../../simulations/simulate.js';
import { summarise, summaryText } from '../../simulations/summary.js';
import { clinicName, createWorld } from '../../simulations/world.js';

process.env['LENTIGO_ENGINE'] ??= 'wasm';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-simulation-'));
  await saveModel(join(folder, 'nano'), {
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
  });
});
afterAll(() => rm(folder, { recursive: true }));

const configOf = (change: object = {}) =>
  SimulationConfig.parse({
    data: 'synthetic:images=60&size=64',
    init: join(folder, 'nano'),
    clinics: 3,
    rounds: 2,
    alpha: 0.5,
    seed: 3,
    training: { trainFrom: 'features.3', epochs: 1, learningRate: 0.01, variants: 2 },
    ...change,
  });
const out = (name: string) => join(folder, name);
const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;
const withoutSeconds = (csv: string): string => csv.replaceAll(/,[^,\n]*$/gm, '');

describe('a simulation', () => {
  it('gives the same numbers for the same seed, and others for another', async () => {
    const [a, b] = [await simulate(configOf(), out('a')), await simulate(configOf(), out('b'))];
    const c = await simulate(configOf({ seed: 4 }), out('c'));
    expect(withoutSeconds(metricsCsv(a.rounds))).toBe(withoutSeconds(metricsCsv(b.rounds)));
    const models = await Promise.all(
      ['a', 'b', 'c'].map(
        async (name) => (await loadModel(join(out(name), 'last'))).parameters.values,
      ),
    );
    expect(sameBits(models[0]!, models[1]!)).toBe(true);
    expect(sameBits(models[0]!, models[2]!)).toBe(false);
    expect(withoutSeconds(metricsCsv(a.rounds))).not.toBe(withoutSeconds(metricsCsv(c.rounds)));
  });

  it('leaves models, a row a round, who had what, and no trace of the images in its state', async () => {
    const report = await simulate(configOf(), out('a'));
    const csv = await readFile(join(out('a'), 'metrics.csv'), 'utf8');
    expect(csv.trimEnd().split('\n')).toHaveLength(1 + 3);
    expect(csv.split('\n')[0]).toContain('heldout.malignantAuc');
    expect(JSON.parse(await readFile(join(out('a'), 'simulation.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(report)),
    );
    expect(report.partition.map((p) => p.images).reduce((x, y) => x + y)).toBe(report.images.train);
    for (const { images, byClass } of report.partition)
      expect(Object.values(byClass).reduce((x, y) => x + y)).toBe(images);
    for (const round of report.rounds.slice(1)) {
      expect(round.updates.map((u) => u.samples)).toEqual(report.partition.map((p) => p.images));
      expect(round.bytesUp).toBe(round.updates.reduce((n, u) => n + u.bytes, 0));
    }
    const model = await loadModel(join(out('a'), 'last'));
    expect(model.parameters.values).not.toEqual(
      (await loadModel(join(folder, 'nano'))).parameters.values,
    );
    await loadModel(join(out('a'), 'best'));
    const state = await readdir(join(out('a'), 'state'));
    expect(state.every((name) => /^(journal\.json|round-\d\.safetensors)$/.test(name))).toBe(true);
  });

  it('trains and aggregates a round to the float32 values that agents and coordinator compute from the same data', async () => {
    const config = configOf({ rounds: 1 });
    await simulate(config, out('production'));
    const world = await createWorld(config);
    const start = encodeModel(world.model);
    const base = encodeParameters(world.start);
    const roundKey = createRoundKey();
    const blob = { sha256: 'ab'.repeat(32), bytes: 1 };
    const study = '0198c0de-0000-7000-8000-000000000001';
    const attempt = '0198c0de-0000-7000-8000-000000000003';
    const terms: RoundTerms = {
      protocol: PROTOCOL,
      study,
      round: 1,
      attempt,
      roundKey: toBase64(roundKey.publicKey),
      architecture: world.model.architecture,
      labels: world.model.labels,
      start: blob,
      base: blob,
      training: config.training,
      updates: { encoding: 'int8', maxNorm: 100, minSamples: 1, maxSamples: 1000 },
      clientPart: null,
      seed: config.seed,
      cohort: [],
    };
    // Clinic ids are fingerprints of fresh keys; in their order, the clinics are summed as in the
    // simulation.
    const clinics = (
      await Promise.all(
        world.shares.map(async () => {
          const identity = createIdentity();
          return { identity, id: await clinicIdOf(identity.publicKey) };
        }),
      )
    ).toSorted((x, y) => (x.id < y.id ? -1 : 1));
    const updates: SealedUpdate[] = [];
    for (const [k, samples] of world.shares.entries()) {
      const { identity, id } = clinics[k]!;
      const cache = new MemoryFeatureCache();
      const trained = await createTrainer(samples, () => Promise.resolve(cache))(
        { terms, clinic: clinicName(k), start, base },
        { signal: new AbortController().signal, onProgress: () => undefined },
      );
      const payload = encodeDelta(trained.delta, 'int8', seedOf(terms, clinicName(k)));
      const header = {
        study,
        round: 1,
        attempt,
        clinic: id,
        base: blob.sha256,
        encoding: 'int8' as const,
        samples: trained.samples,
      };
      const path = join(folder, `sealed-${k}`);
      await writeFile(
        path,
        await sealUpdate({ header, payload, roundKey: terms.roundKey, identity }),
      );
      const clinicKey = toBase64(identity.publicKey);
      await checkUpdate({
        path,
        roundSecretKey: roundKey.secretKey,
        expected: {
          study,
          round: 1,
          attempt,
          clinic: id,
          clinicKey,
          base: blob.sha256,
          encoding: 'int8',
          minSamples: 1,
          maxSamples: 1000,
          maxNorm: 100,
          count: world.start.length,
        },
      });
      updates.push({ clinic: id, path, samples: trained.samples, clinicKey });
    }
    const production = await aggregateUpdates({
      name: 'in the test',
      updates,
      roundSecretKey: roundKey.secretKey,
      round: 1,
      parameters: world.start,
      state: {},
      strategy: strategyOf({ name: 'fedavg' }),
      encoding: encodings.get('int8'),
      valuesInMemory: 1024,
    });
    const simulated = (await loadModel(join(out('production'), 'last'))).parameters.subset(
      new Set(world.start.specs.map((s) => s.name)),
    );
    expect(sameBits(simulated.values, production.parameters.values)).toBe(true);
    expect(sameBits(simulated.values, world.start.values)).toBe(false);
    world.student.dispose();
  });

  it('compares with all data in one place and with each clinic alone, on as many images seen', async () => {
    const config = configOf({
      baselines: true,
      training: { trainFrom: 'classifier', epochs: 2, learningRate: 0.01, variants: 1 },
    });
    const report = await simulate(config, out('baselines'));
    expect(report.baselines.map((b) => b.name)).toEqual([
      'centralised',
      'clinic-1',
      'clinic-2',
      'clinic-3',
    ]);
    const seen =
      report.rounds.flatMap((r) => r.updates).reduce((n, u) => n + u.samples, 0) *
      config.training.epochs;
    expect(report.baselines[0]!.seen).toBe(seen);
    expect(report.baselines.slice(1).reduce((n, b) => n + b.seen, 0)).toBe(seen);
    for (const { heldout, epoch, epochs } of report.baselines) {
      expect(heldout.samples).toBe(report.images.heldout);
      expect(epochs).toBe(4);
      expect([2, 4]).toContain(epoch);
    }
    const best = report.rounds.find((r) => r.round === report.best)!;
    // The starting model is no result, however well it does on validation.
    const [start, ...trained] = report.rounds;
    const better = { ...start!, validation: { ...start!.validation, [config.select]: 1 } };
    expect(bestRound([better], config.select)).toBe(better);
    expect(bestRound([better, ...trained], config.select)).toBe(best);
    expect(report.paired!.malignantAuc.difference).toBeCloseTo(
      best.heldout.malignantAuc! - report.baselines[0]!.heldout.malignantAuc!,
      12,
    );
    expect(report.paired!.balancedAccuracy.interval!.low).toBeLessThanOrEqual(
      report.paired!.balancedAccuracy.difference!,
    );
    const table = await readFile(join(out('baselines'), 'predictions-centralised.csv'), 'utf8');
    expect(table.split('\n')[0]).toBe('id,patient,label,p(ACK),p(BCC),p(MEL),p(NEV),p(SCC),p(SEK)');
    expect(table.trimEnd().split('\n')).toHaveLength(1 + report.images.heldout);
  });

  it('is summed up over several seeds', async () => {
    const training = { trainFrom: 'classifier', epochs: 1, learningRate: 0.01, variants: 1 };
    const reports = [];
    for (const seed of [1, 2])
      reports.push(
        await simulate(configOf({ seed, baselines: true, training }), out(`seed-${seed}`)),
      );
    const { runs, mean, paired } = await summarise([out('seed-1'), out('seed-2')]);
    expect(runs.map((r) => r.seed)).toEqual([1, 2]);
    expect(runs.map((r) => r.start.accuracy)).toEqual(
      reports.map((r) => r.rounds[0]!.heldout.accuracy),
    );
    const own = reports.flatMap((r) =>
      r.baselines.filter((b) => b.name !== 'centralised').map((b) => b.heldout.malignantAuc!),
    );
    expect(own).toHaveLength(2 * configOf().clinics);
    expect(mean.alone!.malignantAuc).toBeCloseTo(own.reduce((a, b) => a + b) / own.length, 12);
    const differences = reports.map((r) => r.paired!.malignantAuc.difference!);
    expect(paired!.centralised.malignantAuc.difference).toBeCloseTo(
      (differences[0]! + differences[1]!) / 2,
      12,
    );
    expect(mean.federated.malignantAuc! - mean.centralised!.malignantAuc!).toBeCloseTo(
      paired!.centralised.malignantAuc.difference!,
      12,
    );
    expect(mean.federated.malignantAuc! - mean.alone!.malignantAuc!).toBeCloseTo(
      paired!.alone.malignantAuc.difference!,
      12,
    );
    await simulate(configOf({ training }), out('alone'));
    await expect(summarise([out('seed-1'), out('alone')])).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining('no --baselines') as string,
    });
    const alone = await summarise([out('alone')]);
    expect(alone.mean.federated).toEqual(alone.runs[0]!.federated);
    expect(alone.mean.centralised).toBeNull();
    expect(alone.paired).toBeNull();
    expect(summaryText(alone)).toContain('federated');
    expect(summaryText(alone)).not.toContain('centralised');
  });

  it('carries a finished folder on to more rounds, with the numbers of a run that long from the start', async () => {
    const training = { trainFrom: 'classifier', epochs: 1, variants: 1 };
    const settings = { training, rounds: 2, clinics: 2 };
    await simulate(configOf({ ...settings, rounds: 1, baselines: true }), out('longer'));
    const trained: number[] = [];
    const warnings: string[] = [];
    const longer = await simulate(configOf({ ...settings, baselines: true }), out('longer'), {
      onRound: ({ round }) => trained.push(round),
      onWarning: (message) => warnings.push(message),
    });
    const whole = await simulate(configOf({ ...settings, baselines: true }), out('whole'));
    expect(trained).toEqual([2]);
    expect(warnings).toEqual([expect.stringContaining('3 baselines trained for fewer rounds')]);
    const numbers = ({ rounds, best, baselines, paired }: SimulationReport) =>
      JSON.parse(
        JSON.stringify({ rounds, best, baselines, paired }, (key, value: unknown) =>
          key === 'seconds' ? undefined : value,
        ),
      ) as unknown;
    expect(numbers(longer)).toEqual(numbers(whole));
    for (const model of ['best', 'last'])
      expect(await readFile(join(out('longer'), model, 'model.safetensors'))).toEqual(
        await readFile(join(out('whole'), model, 'model.safetensors')),
      );
    await expect(simulate(configOf({ ...settings, rounds: 1 }), out('longer'))).rejects.toThrow(
      /2 rounds already: --rounds 1 would undo some/,
    );
  });

  it('takes the baselines up later, without training the rounds again', async () => {
    const training = { trainFrom: 'classifier', epochs: 1, variants: 1 };
    const rounds: number[] = [];
    const first = await simulate(configOf({ training }), out('later'));
    const report = await simulate(configOf({ training, baselines: true }), out('later'), {
      onRound: ({ round }) => rounds.push(round),
    });
    expect(rounds).toEqual([]);
    expect(report.rounds).toEqual(first.rounds);
    expect(report.baselines).toHaveLength(4);
  });

  it('says how long it still takes', async () => {
    const told: string[] = [];
    await simulate(
      configOf({ training: { trainFrom: 'classifier', epochs: 1, variants: 1 } }),
      out('told'),
      { progress: { isTTY: true, write: (text) => told.push(text) } },
    );
    expect(
      told.some((text) => /round 1 of 2: clinic-2 training \d+%, about \d+ s left/.test(text)),
    ).toBe(true);
    // Each piece is told to its end, and nothing is left over.
    expect(told.findLast((text) => text.includes('%'))).toMatch(
      /round 2 of 2: held-out 100%, about 0 s left/,
    );
  });

  it('refuses a clinic whose update is beyond the norm, naming it', async () => {
    await expect(
      simulate(configOf({ updates: { maxNorm: 1e-6 } }), out('norm')),
    ).rejects.toMatchObject({
      code: 'LENTIGO_UPDATE_NORM',
      message: expect.stringContaining('Round 1, clinic-1') as string,
    });
  });
});

describe('a folder that holds a simulation', () => {
  it('is refused to another one, and the differences are named', async () => {
    await simulate(
      configOf({ rounds: 1, training: { trainFrom: 'classifier', epochs: 1, variants: 1 } }),
      out('taken'),
    );
    const other = simulate(
      configOf({
        rounds: 1,
        seed: 9,
        alpha: undefined,
        training: { trainFrom: 'classifier', epochs: 2, variants: 1 },
      }),
      out('taken'),
    );
    await expect(other).rejects.toMatchObject({
      code: 'LENTIGO_SIMULATION_OTHER',
      message: expect.stringMatching(/training\.epochs is 1 there, 2 here/) as string,
    });
    await expect(other).rejects.toThrow(/seed is 3 there, 9 here/);
    await expect(other).rejects.toThrow(/alpha is 0.5 there, not given here/);
    await expect(
      simulate(
        configOf({
          data: 'synthetic:images=61&size=64',
          rounds: 1,
          training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
        }),
        out('taken'),
      ),
    ).rejects.toThrow(/dataSha256/);
  });

  it('is not begun among other files', async () => {
    await expect(simulate(configOf(), folder)).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining("no simulation's") as string,
    });
  });
});
