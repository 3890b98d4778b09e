// A simulation from beginning to end: rounds of virtual clinics, one after the other in this
// process, then what they are compared with.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from '../common/files/directory-lock.node.js';
import { writeDurably } from '../common/files/durable.node.js';
import type { FeatureCache } from '../common/training/feature-cache.js';
import { FolderFeatureCache } from '../common/training/feature-cache.node.js';
import { saveModel } from '../common/model/folder.node.js';
import { dataAfter, overlaps, type Provenance } from '../common/model/provenance.js';
import { VERSION } from '../common/version.js';
import { baselinesOf, CENTRALISED, trainBaseline } from './baseline.js';
import type { ServerStep } from '../common/federation/strategy.js';
import { aggregateRound, trainClinic } from './clinic.js';
import type { SimulationConfig } from './config.js';
import { hasUpdate, Journal, type RoundRecord } from './journal.js';
import {
  predictionsPath,
  readPredictions,
  writePredictions,
} from '../common/evaluation/predictions.node.js';
import { Progress } from '../common/progress.node.js';
import { type Paired, pairedOf } from '../common/evaluation/paired.js';
import { bestRound, metricsCsv, reportOf, type SimulationReport } from './report.js';
import { clinicName, createWorld, evaluateSplit, type Given, type World } from './world.js';

export interface SimulationListener {
  /** Before anything is trained; rounds that an earlier process finished are in it. */
  onBegin?(report: SimulationReport): void;
  /** @param best the round that validation has chosen so far */
  onRound?(record: RoundRecord, best: number): void;
  onWarning?(message: string): void;
  /** Where progress is told. */
  readonly progress?: ConstructorParameters<typeof Progress>[1];
}

/**
 * Forward and backward through an unfrozen network cost about three forward passes; behind cached
 * features about one.
 */
const STEP_COST = { whole: 3, cached: 1 };

/**
 * Runs what `out` doesn't hold yet. `out` then has best/ and last/ (models), metrics.csv,
 * simulation.json, predictions-NAME.csv of the held-out
 * images, and state/, from which a killed simulation carries on behind the last clinic's update (a
 * baseline begins anew).
 * The same configuration on the same engine gives the same numbers, where the engine repeats
 * itself: WASM to the bit. With more `rounds` than it has, a folder is carried on, as if it had
 * been of so many from the start.
 * @param given a model and a dataset of the caller's, instead of those that `config` names
 * @throws LENTIGO_SIMULATION_OTHER, LENTIGO_USAGE, LENTIGO_DATA_DIR_IN_USE, and what createWorld
 *   and trainClinic throw
 */
export async function simulate(
  config: SimulationConfig,
  out: string,
  listener: SimulationListener = {},
  given: Given = {},
): Promise<SimulationReport> {
  const unlock = lockDirectory(out);
  try {
    const world = await createWorld(config, given);
    try {
      for (const problem of world.problems) listener.onWarning?.(problem);
      for (const overlap of overlaps(world.model.provenance, world.data))
        listener.onWarning?.(
          `The starting model has seen such images before: ${overlap}. What it scores here, and what is gained on it, says little of other images.`,
        );
      const journal = await Journal.open(out, world);
      if (journal.outdated > 0)
        listener.onWarning?.(
          `${journal.outdated} baselines trained for fewer rounds and are left behind; with --baselines they are trained anew`,
        );
      return await new Simulation(world, out, journal, listener).run();
    } finally {
      world.student.dispose();
      await world.reader.release();
    }
  } finally {
    unlock();
  }
}

class Simulation {
  readonly #world: World;
  readonly #out: string;
  readonly #journal: Journal;
  readonly #listener: SimulationListener;
  readonly #progress: Progress;
  #cache: FeatureCache | undefined;

  constructor(world: World, out: string, journal: Journal, listener: SimulationListener) {
    this.#world = world;
    this.#out = out;
    this.#journal = journal;
    this.#listener = listener;
    this.#progress = new Progress(this.#work(), listener.progress);
  }

  async run(): Promise<SimulationReport> {
    const { config, student } = this.#world;
    const journal = this.#journal;
    this.#listener.onBegin?.(await this.#report());
    await this.#sweep();
    if (this.#frozen && this.#work() > 0)
      this.#cache = await FolderFeatureCache.open(await journal.featureFolder());
    if (journal.rounds.length > 0) await this.#publish();

    while (journal.rounds.length <= config.rounds) {
      const round = journal.rounds.length;
      const { ended, seconds } =
        round === 0 ? { ended: this.#initial(), seconds: 0 } : await this.#train(round);
      student.load(ended.parameters);
      await this.#close(round, ended, seconds);
    }
    if (config.baselines) await this.#baselines();
    await journal.forgetFeatures();
    const report = await this.#report();
    await this.#publishReport();
    this.#progress.clear();
    return report;
  }

  #initial(): ServerStep {
    const { start, strategy } = this.#world;
    return { parameters: start, state: strategy.init(start) };
  }

  /** All clinics' updates of a round, one after the other, and their aggregate. */
  async #train(round: number): Promise<{ ended: ServerStep; seconds: number }> {
    const { config, start, shares } = this.#world;
    const journal = this.#journal;
    const from = await journal.ended(round - 1, start.specs);
    const base = from.parameters;
    for (const [clinic, samples] of shares.entries()) {
      if (hasUpdate(journal, clinic)) continue;
      const began = performance.now();
      const told = this.#progress.piece(
        `round ${round} of ${config.rounds}: ${clinicName(clinic)} training`,
        this.#trainingCost(samples.length),
      );
      const { payload, ...update } = await trainClinic(
        this.#world,
        { round, clinic, base },
        {
          cache: this.#cache,
          onProgress: ({ phase, fraction }) => {
            if (phase === 'training') told(fraction);
          },
        },
      );
      await journal.addUpdate(
        round,
        {
          clinic: clinicName(clinic),
          ...update,
          bytes: payload.length,
          seconds: (performance.now() - began) / 1000,
        },
        payload,
      );
    }
    const began = performance.now();
    const ended = await aggregateRound(
      this.#world,
      round,
      from,
      journal.updates.map(({ clinic, samples }) => ({
        samples,
        path: journal.updatePath(round, clinic),
      })),
    );
    return { ended, seconds: (performance.now() - began) / 1000 };
  }

  /** Evaluates what the student holds, and records the round. */
  async #close(round: number, ended: ServerStep, aggregating: number): Promise<void> {
    const { config, model, splits, bytes } = this.#world;
    const journal = this.#journal;
    const began = performance.now();
    const what = `round ${round} of ${config.rounds}:`;
    const validation = await evaluateSplit(
      this.#world,
      'validation',
      'choose',
      this.#cache,
      this.#progress.piece(`${what} validation`, splits.validation.length),
    );
    const heldout = await evaluateSplit(
      this.#world,
      'heldout',
      validation.metrics.operatingPoint?.threshold ?? null,
      this.#cache,
      this.#progress.piece(`${what} held-out`, splits.heldout.length),
    );
    const { updates } = journal;
    const record: RoundRecord = {
      round,
      validation: validation.metrics,
      heldout: heldout.metrics,
      updates: [...updates],
      bytesUp: updates.reduce((n, u) => n + u.bytes, 0),
      bytesDown: updates.length * (bytes.parameters + (round === 1 ? bytes.model : 0)),
      seconds:
        updates.reduce((s, u) => s + u.seconds, aggregating) + (performance.now() - began) / 1000,
    };
    const best = bestRound([...journal.rounds, record], config.select)!.round;
    if (best === round)
      await writePredictions(
        predictionsPath(this.#out, 'federated'),
        heldout.predictions,
        model.labels,
      );
    await journal.closeRound(record, ended, best);
    await this.#publish();
    this.#progress.clear();
    this.#listener.onRound?.(record, best);
  }

  async #baselines(): Promise<void> {
    const journal = this.#journal;
    for (const baseline of baselinesOf(this.#world)) {
      if (journal.baselines.some((b) => b.name === baseline.name)) continue;
      const { record, predictions } = await trainBaseline(this.#world, baseline, {
        cache: this.#cache,
        onTraining: this.#progress.piece(
          `${baseline.name}: training`,
          this.#baselineCost(baseline.samples.length),
        ),
        onEvaluating: this.#progress.piece(
          `${baseline.name}: held-out`,
          this.#world.splits.heldout.length,
        ),
      });
      await writePredictions(
        predictionsPath(this.#out, baseline.name),
        predictions,
        this.#world.model.labels,
      );
      await journal.addBaseline(record);
      await this.#publishReport();
    }
  }

  /** What a reader finds in `out`, made from the journal. */
  async #publish(): Promise<void> {
    const { config, model, start } = this.#world;
    const { rounds } = this.#journal;
    const best = bestRound(rounds, config.select)!.round;
    const last = rounds.length - 1;
    for (const [name, round] of [
      ['best', best],
      ['last', last],
    ] as const) {
      if (name === 'best' && best !== last && this.#published === best) continue;
      const trained = await this.#journal.ended(round, start.specs);
      await saveModel(join(this.#out, name), {
        ...model,
        parameters: model.parameters.with(trained.parameters),
        provenance: this.#provenance(name, round),
      });
    }
    this.#published = best;
    await this.#publishReport();
  }
  #provenance(which: 'best' | 'last', round: number): Provenance {
    const { config, model, hashes, data } = this.#world;
    const { init: _, data: __, ...settings } = config;
    return {
      kind: 'simulation',
      software: VERSION,
      chosen:
        which === 'best'
          ? `the best by validation (${config.select}), round ${round}`
          : `the last, round ${round}`,
      round,
      start: hashes.model,
      settings,
      data: dataAfter(model, [data]),
    };
  }

  /** The round whose model this process wrote to best/. */
  #published: number | undefined;

  async #publishReport(): Promise<void> {
    await writeDurably(join(this.#out, 'metrics.csv'), metricsCsv(this.#journal.rounds));
    await writeDurably(
      join(this.#out, 'simulation.json'),
      `${JSON.stringify(await this.#report(), undefined, 1)}\n`,
    );
  }

  async #report(): Promise<SimulationReport> {
    const { rounds, baselines } = this.#journal;
    const both =
      rounds.length > this.#world.config.rounds && baselines.some((b) => b.name === CENTRALISED);
    return reportOf(this.#world, { rounds, baselines, paired: both ? await this.#paired() : null });
  }

  async #paired(): Promise<Paired> {
    const { labels } = this.#world.model;
    const [a, b] = [
      await readPredictions(predictionsPath(this.#out, 'federated'), labels),
      await readPredictions(predictionsPath(this.#out, CENTRALISED), labels),
    ];
    return pairedOf([{ a, b }], labels, this.#world.config.seed);
  }

  /** What a kill in the middle of writing a model left. */
  async #sweep(): Promise<void> {
    for (const folder of [this.#out, this.#journal.folder]) {
      for (const name of await readdir(folder)) {
        if (/^(best|last)\.[0-9a-f-]{36}(\.old)?$|\.[0-9a-f-]{36}\.new$/.test(name))
          await rm(join(folder, name), { recursive: true, force: true });
      }
    }
  }

  get #frozen(): boolean {
    return this.#world.config.training.trainFrom !== this.#world.student.blocks[0];
  }

  /** Units of work still to do, in forward passes of an image. */
  #work(): number {
    const { config, shares, splits } = this.#world;
    const { rounds, baselines } = this.#journal;
    const looking = splits.validation.length + splits.heldout.length;
    let units = (config.rounds + 1 - rounds.length) * looking;
    for (let round = Math.max(1, rounds.length); round <= config.rounds; round++) {
      for (const [clinic, samples] of shares.entries()) {
        if (round > rounds.length || !hasUpdate(this.#journal, clinic))
          units += this.#trainingCost(samples.length);
      }
    }
    const missing = config.baselines
      ? baselinesOf(this.#world).filter(({ name }) => !baselines.some((b) => b.name === name))
      : [];
    for (const { samples } of missing)
      units += this.#baselineCost(samples.length) + splits.heldout.length;
    return units;
  }
  #trainingCost(images: number): number {
    return (
      images *
      this.#world.config.training.epochs *
      (this.#frozen ? STEP_COST.cached : STEP_COST.whole)
    );
  }
  /** With its looks at validation. */
  #baselineCost(images: number): number {
    return (
      this.#world.config.rounds *
      (this.#trainingCost(images) + this.#world.splits.validation.length)
    );
  }
}
