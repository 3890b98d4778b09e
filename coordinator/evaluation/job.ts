// One evaluation, as the worker performs it: a round's result on the coordinator's own images.
import { readFile } from 'node:fs/promises';
import { openDataset } from '../../common/dataset/open.node.js';
import type { Sample, Split } from '../../common/dataset/sample.js';
import { LentigoError } from '../../common/errors.js';
import { evaluate } from '../../common/evaluation/evaluate.js';
import { MemoryFeatureCache } from '../../common/training/feature-cache.js';
import { InputThread } from '../../common/training/input-thread.node.js';
import type { Metrics } from '../../common/evaluation/metrics.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, decodeParameters } from '../../common/model/encoding.js';
import { createStudent, type Student } from '../../common/model/student.js';

export interface EvaluationJob {
  /**
   * Path of the study's starting model, a complete one. The path names its content, so the content
   * never changes.
   */
  readonly start: string;
  /** Path of the trainable parameters to evaluate. */
  readonly result: string;
  readonly trainFrom: string;
  /** The dataset, as openDataset takes it. */
  readonly data: string;
  /** Seed of the bootstrap, and of the splits if the data has none of its own. */
  readonly seed: number;
}

export interface Evaluation {
  readonly validation: Metrics;
  readonly heldout: Metrics;
  readonly seconds: number;
}

/**
 * What the evaluations of a study's rounds share: the student with its frozen part, the images, and
 * their frozen features.
 */
interface Prepared {
  readonly key: string;
  readonly student: Student;
  readonly samples: readonly Sample[];
  readonly cache: MemoryFeatureCache;
}

/** Evaluates jobs one after the other, and keeps what the same study's next round needs again. */
export class EvaluationSession {
  #prepared: Prepared | undefined;
  readonly #reader = new InputThread();

  /**
   * Runs one job.
   * @param onProgress receives the share of both splits' images that is done, 0–1
   * @throws LENTIGO_DATA_EMPTY, LENTIGO_WEIGHTS_INVALID, LENTIGO_UPDATE_NOT_FINITE, and what
   *   openDataset throws
   */
  async run(job: EvaluationJob, onProgress: (fraction: number) => void): Promise<Evaluation> {
    const started = performance.now();
    const { student, samples, cache } = await this.#prepare(job);
    student.load(
      decodeParameters(
        await readFile(job.result),
        trainableSpecs(student.architecture, student.labels.names.length, job.trainFrom),
      ),
    );
    const reader = this.#reader;
    const all = samples.filter(({ split }) => split !== 'train').length;
    let before = 0;
    const metricsOf = async (
      split: Split,
      threshold: number | 'choose' | null,
    ): Promise<Metrics> => {
      const own = samples.filter((sample) => sample.split === split);
      if (own.length === 0)
        throw new LentigoError(
          'LENTIGO_DATA_EMPTY',
          `${job.data} has no usable image in the ${split} split, which every round is evaluated on`,
        );
      const metrics = await evaluate(student, own, {
        trainFrom: job.trainFrom,
        cache,
        reader,
        seed: job.seed,
        threshold,
        onProgress: (fraction) => onProgress((before + fraction * own.length) / all),
      });
      before += own.length;
      return metrics;
    };
    try {
      const validation = await metricsOf('validation', 'choose');
      const heldout = await metricsOf('heldout', validation.operatingPoint?.threshold ?? null);
      return { validation, heldout, seconds: (performance.now() - started) / 1000 };
    } finally {
      await reader.release();
    }
  }

  async #prepare({ start, trainFrom, data, seed }: EvaluationJob): Promise<Prepared> {
    const key = JSON.stringify([start, trainFrom, data, seed]);
    if (this.#prepared?.key === key) return this.#prepared;
    this.#prepared?.student.dispose();
    this.#prepared = undefined;
    const model = decodeModel(await readFile(start));
    const { samples } = await openDataset(data, { labels: model.labels, seed });
    this.#prepared = {
      key,
      student: createStudent(model),
      samples,
      cache: new MemoryFeatureCache(),
    };
    return this.#prepared;
  }
}
