// A simulated study as one call of a program: what `lentigo simulate` does, with models and
// datasets as objects too, and with or without a folder for its results.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Dataset } from '../common/dataset/sample.js';
import { LentigoError } from '../common/errors.js';
import { loadModel, SHIPPED_MODEL } from '../common/model/folder.node.js';
import type { Model } from '../common/model/student.js';
import { SimulationConfig } from '../simulations/config.js';
import type { RoundRecord } from '../simulations/journal.js';
import type { SimulationReport } from '../simulations/report.js';
import { simulate as run } from '../simulations/simulate.js';

/**
 * A strategy by its registered name, or with its settings beside the name. One's own are made known
 * by `registerStrategy`.
 */
export type StrategyChoice =
  | string
  | { readonly name: string; readonly [setting: string]: unknown };

/** The settings of simulation.yaml under the same names, and what only a program can give. */
export interface SimulateOptions extends Omit<
  z.input<typeof SimulationConfig>,
  'data' | 'init' | 'alpha' | 'strategy'
> {
  /** How the clinics' deltas become the next model; `fedavg` by default. */
  readonly strategy?: StrategyChoice;
  /**
   * All clinics' images and those that results are measured on: what `openDataset` takes, or a
   * dataset. Its train split is divided among the clinics, whole patients each.
   */
  readonly data: string | Dataset;
  /** What round 1 starts from: a model or its folder. By default the one that Lentigo brings. */
  readonly model?: string | Model;
  /**
   * How the training patients are divided. `alpha` is the concentration of a Dirichlet
   * distribution of each diagnosis over the clinics: 0.1 very uneven, 100 nearly even. By default
   * alike (IID).
   */
  readonly partition?: { readonly alpha: number };
  /**
   * A folder for all results (models, metrics.csv, simulation.json, predictions); the same call
   * again carries on where it was stopped. By default nothing is left on disk.
   */
  readonly out?: string;
  /** Hears of each round when it is over, of round 0, the starting model, too. */
  readonly onRound?: (record: RoundRecord) => void;
  /** Hears of images that can't be used. */
  readonly onWarning?: (message: string) => void;
}

export interface SimulationResult {
  /** All rounds with their metrics, and who had how many images. */
  readonly report: SimulationReport;
  /** The model of the round that validation chose, `report.best`. */
  readonly best: Model;
  /** The model of the last round. */
  readonly last: Model;
}

/**
 * A federated study in this process: clinics train one after the other, with the code that real
 * ones run, without a network.
 * The same options on the same engine give the same numbers, where the engine repeats itself: WASM
 * to the bit.
 * @example
 * const { report, best } = await simulate({ data: 'synthetic:site=1,2&images=200', clinics: 4, rounds: 3 });
 * console.log(report.rounds.at(-1)?.heldout.balancedAccuracy);
 * await saveModel('my-model', best);
 * @throws LENTIGO_SIMULATION_INVALID naming the option; LENTIGO_SIMULATION_OTHER `out` holds
 *   another simulation; LENTIGO_DATA_EMPTY a split without images, or fewer patients than clinics
 */
export async function simulate(options: SimulateOptions): Promise<SimulationResult> {
  const { data, model = SHIPPED_MODEL, partition, out, onRound, onWarning, ...settings } = options;
  const config = SimulationConfig.safeParse({
    ...settings,
    ...(partition && { alpha: partition.alpha }),
    data: typeof data === 'string' ? data : data.name,
    init: typeof model === 'string' ? model : model.architecture,
  });
  if (!config.success)
    throw new LentigoError('LENTIGO_SIMULATION_INVALID', z.prettifyError(config.error));
  const folder = out ?? (await mkdtemp(join(tmpdir(), 'lentigo-simulation-')));
  try {
    const report = await run(
      config.data,
      folder,
      {
        ...(onRound && { onRound }),
        ...(onWarning && { onWarning }),
        progress: SILENT,
      },
      {
        ...(typeof data !== 'string' && { dataset: data }),
        ...(typeof model !== 'string' && { model }),
      },
    );
    return {
      report,
      best: await loadModel(join(folder, 'best')),
      last: await loadModel(join(folder, 'last')),
    };
  } finally {
    if (out === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** A program's standard error is its own. */
const SILENT = { write: () => true };
