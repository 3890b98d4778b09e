// What a simulation has done so far, on disk: after a kill it carries on behind the last clinic's
// update.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { differencesOf } from '../common/differences.js';
import { LentigoError } from '../common/errors.js';
import { systemCode, writeDurably } from '../common/files/durable.node.js';
import { claimOutput, stateFolder } from '../common/files/output-folder.node.js';
import { Metrics } from '../common/evaluation/metrics.js';
import { decodeParameters, encodeParameters } from '../common/model/encoding.js';
import { decodeState, encodeState, isEmpty } from '../common/federation/strategy-state.js';
import type { ParameterSpec } from '../common/update/parameter-set.js';
import type { ServerStep } from '../common/federation/strategy.js';
import { SimulationConfig } from './config.js';
import { clinicName, type World } from './world.js';

/**
 * Everything that the numbers depend on. Where data and model lie is not part of it, what they hold
 * is; nor is the number of rounds, since no round knows how many come after it.
 */
const Identity = z.strictObject({
  format: z.literal(2),
  engine: z.string(),
  modelSha256: z.string(),
  dataSha256: z.string(),
  config: SimulationConfig.omit({ data: true, init: true, baselines: true, rounds: true }),
});
type Identity = z.infer<typeof Identity>;

const UpdateRecord = z.strictObject({
  clinic: z.string(),
  samples: z.int(),
  loss: z.number(),
  norm: z.number(),
  bytes: z.int(),
  seconds: z.number(),
});
export type UpdateRecord = z.infer<typeof UpdateRecord>;

export const RoundRecord = z.strictObject({
  /** 0: the starting model. */
  round: z.int(),
  validation: Metrics,
  heldout: Metrics,
  updates: z.array(UpdateRecord),
  /** Encoded deltas, without their encryption. */
  bytesUp: z.int(),
  bytesDown: z.int(),
  seconds: z.number(),
});
export type RoundRecord = z.infer<typeof RoundRecord>;

/** A model trained without federation. */
export const BaselineRecord = z.strictObject({
  /** centralised, or the clinic's name. */
  name: z.string(),
  images: z.int(),
  /** Images seen in training, each as often as it was drawn. */
  seen: z.int(),
  epochs: z.int(),
  /** Which of the `epochs` validation chose, from 1. */
  epoch: z.int(),
  validation: Metrics,
  heldout: Metrics,
  seconds: z.number(),
});
export type BaselineRecord = z.infer<typeof BaselineRecord>;

const State = z.strictObject({
  identity: Identity,
  rounds: z.array(RoundRecord),
  /** The updates of the round that comes after `rounds`, as far as it got. */
  updates: z.array(UpdateRecord),
  baselines: z.array(BaselineRecord),
});
type State = z.infer<typeof State>;

const FILE = 'journal.json';

export class Journal {
  readonly folder: string;
  #state: State;
  /** How many baselines were left behind, since they trained for fewer rounds. */
  readonly outdated: number;
  private constructor(folder: string, state: State, outdated = 0) {
    this.folder = folder;
    this.#state = state;
    this.outdated = outdated;
  }

  /**
   * Opens `out`/state, or begins it where `out` is new or empty.
   * @throws LENTIGO_SIMULATION_OTHER `out` holds a simulation of something else; LENTIGO_USAGE
   *   `out` holds other files
   */
  static async open(out: string, world: World): Promise<Journal> {
    const { data: _, init: __, baselines: ___, rounds, ...config } = world.config;
    const identity: Identity = {
      format: 2,
      engine: world.engine,
      modelSha256: world.hashes.model,
      dataSha256: world.hashes.data,
      config,
    };
    const folder = stateFolder(out);
    const text = await claimOutput(out, 'simulation', FILE);
    if (text === undefined) {
      const journal = new Journal(folder, { identity, rounds: [], updates: [], baselines: [] });
      await journal.#save();
      return journal;
    }
    const state = State.safeParse(JSON.parse(text));
    if (!state.success)
      throw new LentigoError(
        'LENTIGO_SIMULATION_OTHER',
        `${out} holds a simulation that this release can't carry on: ${state.error.issues[0]!.path.join('.')}: ${state.error.issues[0]!.message}`,
      );
    const differences = differencesOf(state.data.identity, identity);
    if (differences.length > 0)
      throw new LentigoError(
        'LENTIGO_SIMULATION_OTHER',
        `${out} holds another simulation: ${differences.join('; ')}`,
      );
    const done = state.data.rounds.length - 1;
    if (done > rounds)
      throw new LentigoError(
        'LENTIGO_SIMULATION_OTHER',
        `${out} holds a simulation of ${done} rounds already: --rounds ${rounds} would undo some`,
      );
    // A baseline trains as long as the rounds do: those of fewer rounds are trained anew.
    const { epochs } = config.training;
    const baselines = state.data.baselines.filter((b) => b.epochs === rounds * epochs);
    const outdated = state.data.baselines.length - baselines.length;
    return new Journal(folder, { ...state.data, baselines }, outdated);
  }

  get rounds(): readonly RoundRecord[] {
    return this.#state.rounds;
  }
  /** The updates of the round in flight. */
  get updates(): readonly UpdateRecord[] {
    return this.#state.updates;
  }
  get baselines(): readonly BaselineRecord[] {
    return this.#state.baselines;
  }

  updatePath(round: number, clinic: string): string {
    return join(this.folder, `round-${round}-${clinic}.update`);
  }
  async addUpdate(round: number, record: UpdateRecord, payload: Uint8Array): Promise<void> {
    await writeDurably(this.updatePath(round, record.clinic), payload);
    this.#state = { ...this.#state, updates: [...this.#state.updates, record] };
    await this.#save();
  }

  /** What a round that is over ended in. */
  async ended(round: number, specs: readonly ParameterSpec[]): Promise<ServerStep> {
    const parameters = decodeParameters(await readFile(this.#parametersPath(round)), specs);
    const state = await readFile(this.#statePath(round)).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined; // the strategy remembers nothing
      throw error;
    });
    return { parameters, state: state ? decodeState(state) : {} };
  }
  /**
   * The round is over; what only its course needed is deleted, and of the rounds' models all but
   * its own and that of round `best`.
   */
  async closeRound(record: RoundRecord, ended: ServerStep, best: number): Promise<void> {
    const { round } = record;
    if (!isEmpty(ended.state)) await writeDurably(this.#statePath(round), encodeState(ended.state));
    await writeDurably(this.#parametersPath(round), encodeParameters(ended.parameters));
    this.#state = { ...this.#state, rounds: [...this.#state.rounds, record], updates: [] };
    await this.#save();
    const kept = new Set(
      [round, best].flatMap((r) => [this.#parametersPath(r), this.#statePath(r)]),
    );
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      if (name.startsWith('round-') && !kept.has(path)) await rm(path, { force: true });
    }
  }

  async addBaseline(record: BaselineRecord): Promise<void> {
    this.#state = { ...this.#state, baselines: [...this.#state.baselines, record] };
    await this.#save();
  }

  /** Where frozen features are kept; `forgetFeatures` when nothing more is to be trained. */
  async featureFolder(): Promise<string> {
    const folder = join(this.folder, 'features');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  async forgetFeatures(): Promise<void> {
    await rm(join(this.folder, 'features'), { recursive: true, force: true });
  }

  #statePath(round: number): string {
    return join(this.folder, `round-${round}.strategy.safetensors`);
  }
  #parametersPath(round: number): string {
    return join(this.folder, `round-${round}.safetensors`);
  }
  async #save(): Promise<void> {
    await writeDurably(join(this.folder, FILE), JSON.stringify(this.#state));
  }
}

/** The finished update of a clinic of the round in flight. */
export const hasUpdate = (journal: Journal, clinic: number): boolean =>
  journal.updates.some((u) => u.clinic === clinicName(clinic));
