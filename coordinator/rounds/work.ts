// A round's heavy work: aggregating its updates and evaluating the result, in worker threads.
import type { Logger } from 'pino';
import { LentigoError } from '../../common/errors.js';
import { selectionScore } from '../../common/federation/selection.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import type { StudyActor } from './actor.js';
import type { Ports } from './ports.js';
import type { StudyRecord } from './records.js';
import type { AggregatingRound, EvaluatingRound } from './state.js';

export interface WorkParts extends Pick<
  Ports,
  'store' | 'blobs' | 'files' | 'aggregator' | 'evaluator' | 'now'
> {
  readonly study: Pick<StudyRecord, 'architecture' | 'labels'>;
  readonly actor: StudyActor;
  /** Called when the evaluation got further. */
  readonly onEvaluating: () => void;
  readonly log: Logger;
}

export class RoundWork {
  readonly #parts: WorkParts;
  /** What is under way, so that a pause and resume doesn't start it twice. */
  readonly #underway = new Set<string>();
  #evaluated: number | null = null;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }
  /** The share of the evaluation in flight that is done, 0–1; null when none is. */
  get evaluated(): number | null {
    return this.#evaluated;
  }

  /** Combines the round's updates by the study's strategy into what the next round starts from. */
  aggregate(round: AggregatingRound): Promise<void> {
    return this.#once(`${round.attempt}/aggregate`, async () => {
      const { store, blobs, files, aggregator, actor, study, log } = this.#parts;
      const { number, attempt, from, updates } = round;
      const { id, config } = actor.state;
      const keys = new Map((await store.clinics(id)).map((c) => [c.id, c.key]));
      const keyOf = (clinic: string): string => {
        const key = keys.get(clinic);
        if (key) return key;
        throw new LentigoError(
          'LENTIGO_INTERNAL',
          `clinic ${clinic} of round ${number} is unknown`,
        );
      };
      const blob = ({ sha256 }: { sha256: string }) => ({ path: blobs.path(sha256), sha256 });
      const out = { base: files.scratch(attempt, 'base'), state: files.scratch(attempt, 'state') };
      const began = performance.now();
      const aggregated = await aggregator.aggregate({
        updates: updates.map(({ clinic, samples }) => ({
          clinic,
          path: files.path(attempt, clinic),
          samples,
          clinicKey: keyOf(clinic),
        })),
        roundSecretKey: await files.loadKey(attempt),
        round: number,
        strategy: config.strategy,
        base: blob(from.parameters),
        state: from.strategyState && blob(from.strategyState),
        specs: trainableSpecs(
          study.architecture,
          study.labels.names.length,
          config.training.trainFrom,
        ),
        encoding: config.updates.encoding,
        out,
      });
      const result = {
        parameters: await blobs.adopt(out.base),
        strategyState: aggregated.state && (await blobs.adopt(out.state)),
      };
      const ms = Math.round(performance.now() - began);
      log.info({ round: number, updates: updates.length, ms }, 'updates aggregated');
      await actor.apply(
        { type: 'aggregated', attempt, result },
        {
          actor: 'coordinator',
          detail: { round: number, attempt, result: result.parameters.sha256 },
        },
      );
    });
  }

  /** Evaluates the round's result on both of the coordinator's splits; validation gives its score. */
  evaluate(round: EvaluatingRound): Promise<void> {
    return this.#once(`${round.attempt}/evaluate`, async () => {
      const { blobs, evaluator, actor, now, onEvaluating, log } = this.#parts;
      const { number, attempt, result } = round;
      const { id, start, config } = actor.state;
      const { select } = config.evaluation;
      const { validation, heldout, seconds } = await evaluator
        .evaluate(
          {
            start: blobs.path(start.sha256),
            result: blobs.path(result.parameters.sha256),
            trainFrom: config.training.trainFrom,
            data: config.evaluation.data,
            seed: config.seed,
          },
          (fraction) => {
            this.#evaluated = fraction;
            onEvaluating();
          },
        )
        .finally(() => (this.#evaluated = null));
      const score = selectionScore(validation, select);
      log.info({ round: number, score, ms: Math.round(seconds * 1000) }, 'model evaluated');
      await actor.apply(
        { type: 'evaluated', attempt, score, now: now() },
        { actor: 'coordinator', detail: { study: id, round: number, attempt, select, score } },
        { evaluation: { attempt, validation, heldout, seconds, model: result.parameters } },
      );
    });
  }

  async #once(work: string, run: () => Promise<void>): Promise<void> {
    if (this.#underway.has(work)) return;
    this.#underway.add(work);
    try {
      await run();
    } finally {
      this.#underway.delete(work);
    }
  }
}
