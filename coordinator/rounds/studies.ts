// The studies of this coordinator: created, looked up, and each run by its own runner.
import { v7 as uuidv7 } from 'uuid';
import { toBase64 } from '../../common/crypto/base64.js';
import { createIdentity } from '../../common/crypto/identity.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { dataUsed } from '../../common/dataset/used.node.js';
import { LentigoError } from '../../common/errors.js';
import { requireDefined } from '../../common/federation/selection.js';
import { strategyOf } from '../../common/federation/strategies/index.js';
import { encodeState, isEmpty } from '../../common/federation/strategy-state.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, encodeParameters } from '../../common/model/encoding.js';
import type { CreateStudy, StudyList } from '../../common/protocol/console.js';
import type { z } from 'zod';
import type { Aggregator } from '../aggregation/aggregator.js';
import type { NewStudy, StudyRecord } from './records.js';
import type { StudyKeys } from './ports.js';
import { type RunnerParts, StudyRunner } from './runner.js';
import { Traffic } from './traffic.js';

interface StudiesParts {
  readonly aggregator: Pick<Aggregator, 'requireStrategy'>;
}

export class Studies {
  readonly #parts: RunnerParts;
  readonly #keys: StudyKeys;
  readonly #aggregator: StudiesParts['aggregator'];
  readonly #runners = new Map<string, StudyRunner>();
  readonly #onEvaluating: ((study: string) => void)[] = [];
  /** What clinics download. */
  readonly traffic: Traffic;

  constructor(parts: Omit<RunnerParts, 'onEvaluating'> & StudiesParts, keys: StudyKeys) {
    this.#aggregator = parts.aggregator;
    this.#parts = {
      ...parts,
      onEvaluating: (study) => this.#onEvaluating.forEach((listener) => listener(study)),
    };
    this.#keys = keys;
    const isCurrent = (attempt: string) => this.all.some((r) => r.state.round?.attempt === attempt);
    this.traffic = new Traffic(parts.store, isCurrent, parts.log);
    parts.presence.onChange((study) => this.#runners.get(study)?.presenceChanged());
  }
  /** Called whenever the evaluation of a study's model got further. */
  onEvaluating(listener: (study: string) => void): void {
    this.#onEvaluating.push(listener);
  }
  /** Every stored study; to be known before anyone can connect and ask for one. */
  async load(): Promise<void> {
    const studies = await this.#parts.store.studies();
    await this.#forgetEnded(studies);
    for (const study of studies) {
      const runner = new StudyRunner(study, await this.#keys.studyKey(study.state.id), this.#parts);
      this.#runners.set(study.state.id, runner);
    }
  }
  /** Takes up each study where it was. */
  begin(): void {
    for (const runner of this.#runners.values()) runner.begin();
  }
  /** A coordinator that was killed may have left keys and updates of attempts that are over. */
  async #forgetEnded(studies: readonly StudyRecord[]): Promise<void> {
    const { files, inbox } = this.#parts;
    const current = new Set(studies.map(({ state }) => state.round?.attempt));
    for (const attempt of await files.attempts()) {
      if (current.has(attempt)) continue; // if it is over, the study's runner forgets it
      await files.forget(attempt);
      await inbox.forget(attempt);
    }
  }
  async close(): Promise<void> {
    await Promise.all(this.all.map((r) => r.close()));
  }
  /** @throws LENTIGO_STUDY_UNKNOWN */
  runner(study: string): StudyRunner {
    const runner = this.#runners.get(study);
    if (!runner)
      throw new LentigoError('LENTIGO_STUDY_UNKNOWN', `There is no study ${study} here.`);
    return runner;
  }
  /** All studies in brief. */
  list(): z.infer<typeof StudyList> {
    return this.all.map(({ state }) => ({
      id: state.id,
      name: state.config.name,
      status: state.status,
      reason: state.reason,
      completed: state.completed,
      rounds: state.config.rounds,
      best: state.best && { round: state.best.round, score: state.best.score },
      select: state.config.evaluation.select,
    }));
  }
  get all(): readonly StudyRunner[] {
    return [...this.#runners.values()];
  }
  /**
   * A new study, as a draft: its key is made, its starting model and its evaluation data are looked
   * at first.
   * @throws LENTIGO_STUDY_INVALID, LENTIGO_STRATEGY_UNKNOWN, LENTIGO_WEIGHTS_INVALID, LENTIGO_BLOB_UNKNOWN,
   *   LENTIGO_METRIC_UNDEFINED, and the errors of the data.
   */
  async create({ config, start }: CreateStudy): Promise<StudyRunner> {
    const { blobs, store } = this.#parts;
    await this.#aggregator.requireStrategy(config.strategy);
    const model = decodeModel(await blobs.read(start.sha256));
    const trainable = trainableSpecs(
      model.architecture,
      model.labels.names.length,
      config.training.trainFrom,
    );
    const data = await openDataset(config.evaluation.data, {
      labels: model.labels,
      seed: config.seed,
    });
    for (const split of ['validation', 'heldout'] as const) {
      if (!data.samples.some((s) => s.split === split))
        throw new LentigoError(
          'LENTIGO_DATA_EMPTY',
          `${data.name} has no ${split} images; validation decides and held-out is reported, so both are needed.`,
        );
    }
    requireDefined(
      config.evaluation.select,
      data.samples.filter((s) => s.split === 'validation').map((s) => s.label),
      model.labels,
      data.name,
    );
    const parameters = model.parameters.subset(new Set(trainable.map((s) => s.name)));
    const base = await blobs.put(encodeParameters(parameters));
    const initial = strategyOf(config.strategy).init(parameters);
    const strategyState = isEmpty(initial) ? null : await blobs.put(encodeState(initial));
    const identity = createIdentity();
    const id = uuidv7();
    await this.#keys.saveStudyKey(id, identity.secretKey);
    const study: NewStudy = {
      state: {
        id,
        version: 0,
        config,
        status: 'draft',
        reason: null,
        start,
        next: { parameters: base, strategyState },
        completed: 0,
        best: null,
        sinceBest: 0,
        misses: 0,
        round: null,
      },
      publicKey: toBase64(identity.publicKey),
      architecture: model.architecture,
      labels: model.labels,
    };
    await store.createStudy(study, [
      {
        actor: 'admin',
        action: 'create',
        detail: {
          name: config.name,
          start: start.sha256,
          base: base.sha256,
          evaluation: dataUsed(data, 'evaluation'),
        },
      },
    ]);
    const runner = new StudyRunner(await store.study(id), identity.secretKey, this.#parts);
    this.#runners.set(id, runner);
    return runner;
  }
}
