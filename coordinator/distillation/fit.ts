// A training from its first to its last epoch, for any model and loss: phases, checkpoints, early
// stopping on validation.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../../common/dataset/sample.js';
import { LentigoError } from '../../common/errors.js';
import { AdamW } from '../../common/training/adamw.js';
import type { FeatureCache } from '../../common/training/feature-cache.js';
import type { EvaluationOptions } from '../../common/evaluation/evaluate.js';
import { breathe, type Example, FeatureSource } from '../../common/training/features.js';
import type { InputReader } from '../../common/training/inputs.js';
import type { Metrics } from '../../common/evaluation/metrics.js';
import { sumOverMicroBatches } from '../../common/training/micro-batches.js';
import { warmUpCosine } from '../../common/training/schedule.js';
import { microBatchSize, WORTH_COMPILING } from '../../common/training/step.js';
import { batchesOf } from '../../common/training/train.js';
import type { Student } from '../../common/model/student.js';
import { Random } from '../../common/random.js';
import type { ParameterSet } from '../../common/update/parameter-set.js';
import { isBetter, selectionScore } from '../../common/federation/selection.js';
import type { Checkpoint, EpochRecord, TrainingState, Values } from './checkpoint.js';
import type { Phase, Recipe } from './recipe.js';

/** Offset of the warm-up, as a share of a phase, so that the first step isn't taken at rate 0. */
const AHEAD = 1e-3;
/**
 * Number of training images from which batch-norm statistics are estimated after each epoch, if
 * they aren't frozen, and how many at once.
 */
const CALIBRATION = { images: 128, batch: 16 };
/** Images in one micro-batch: DenseNet-169 takes 5 GiB for eight. */
const AT_ONCE = 8;

/** A share of a batch. */
export interface Part {
  /** The input of block `trainFrom`, [n, …]. */
  readonly x: tf.Tensor;
  readonly trainFrom: string;
  readonly examples: readonly Example[];
  readonly batchStatistics: boolean;
  /** Whether many parts of this size follow. */
  readonly compiled: boolean;
  /** Random stream for the loss. */
  readonly random: Random;
}

export interface Task {
  readonly model: Pick<
    Student,
    | 'blocks'
    | 'inputSize'
    | 'features'
    | 'labels'
    | 'variables'
    | 'trainable'
    | 'parameters'
    | 'load'
    | 'calibrate'
  >;
  /** Variables learned beside the model, and discarded with the training. */
  readonly extra: Readonly<Record<string, tf.Variable>>;
  readonly phases: readonly Phase[];
  readonly samples: readonly Sample[];
  /** Number of augmentations per sample. */
  readonly variants: number;
  /** Whether there were no starting weights: batch norm then uses the batch's statistics. */
  readonly fromScratch: boolean;
  /** Loads what `loss` needs of these examples besides them. */
  prepare?(examples: readonly Example[]): Promise<void>;
  /** The mean loss of the part's examples, differentiable in the model's variables and `extra`. */
  loss(part: Part): tf.Scalar;
  /** Evaluates on the validation split. */
  evaluate(options: Pick<EvaluationOptions, 'trainFrom' | 'cache' | 'reader'>): Promise<Metrics>;
}

export interface FitOptions extends Pick<Recipe, 'batchSize' | 'select'> {
  readonly seed: string;
  readonly checkpoint: Checkpoint;
  /** The cache for this phase's frozen features. */
  readonly cache?: (phase: number) => Promise<FeatureCache>;
  /** Reads all photographs; the caller releases it. */
  readonly reader: InputReader;
  /** Epochs done so far, of at most so many; `fraction` is of the epoch in progress. */
  readonly onProgress: (progress: {
    readonly epoch: number;
    readonly epochs: number;
    readonly fraction: number;
  }) => void;
  /** Called after each epoch, when its checkpoint is on disk. */
  readonly onEpoch: (history: readonly EpochRecord[], best: number) => Promise<void>;
  readonly onSkipped: (message: string) => void;
}

/** The phases to run: without starting weights only the last, on the whole network. */
export const phasesOf = ({
  phases,
  fromScratch,
}: Pick<Task, 'phases' | 'fromScratch'>): readonly Phase[] =>
  fromScratch ? phases.slice(-1).map((phase) => ({ ...phase, trainFrom: 'all' })) : phases;

const FRESH: TrainingState = { phase: 0, done: 0, steps: 0, stalled: 0, best: 0, history: [] };

/**
 * Trains what the checkpoint doesn't hold yet, and leaves the model with the parameters of the
 * epoch that validation chose.
 * @throws LENTIGO_DATA_EMPTY no readable sample; LENTIGO_UPDATE_NOT_FINITE training diverged
 */
export async function fit(
  task: Task,
  options: FitOptions,
): Promise<{ best: number; history: readonly EpochRecord[] }> {
  const { model, extra } = task;
  const { checkpoint } = options;
  const phases = phasesOf(task);
  const stored = await checkpoint.read();
  if (stored) {
    await restoreModel(model, stored.values);
    for (const [name, variable] of Object.entries(extra))
      tf.tidy(() =>
        variable.assign(tf.tensor(stored.values.get(`beside/${name}`)!.slice(), variable.shape)),
      );
  }
  let state = stored?.state ?? FRESH;
  for (
    ;
    state.phase < phases.length;
    state = { ...state, phase: state.phase + 1, done: 0, steps: 0, stalled: 0 }
  ) {
    const phase = phases[state.phase]!;
    if (isOver(state, phase)) continue;
    const run = await PhaseRun.start(task, phase, state.phase, options);
    try {
      if (stored && state.steps > 0) run.restore(state.steps, stored.values);
      while (!isOver(state, phase)) {
        state = await run.epoch(state);
        const chosen = state.best === state.history.at(-1)!.epoch;
        const parameters = valuesOf(await model.parameters());
        const beside = await Promise.all(
          Object.entries(extra).map(
            async ([name, v]) => [`beside/${name}`, (await v.data()) as Float32Array] as const,
          ),
        );
        await checkpoint.write(
          state,
          new Map([...parameters, ...beside, ...(await run.moments())]),
          chosen ? parameters : undefined,
        );
        await options.onEpoch(state.history, state.best);
      }
    } finally {
      run.dispose();
    }
  }
  await restoreModel(model, await checkpoint.best(state.best));
  return { best: state.best, history: state.history };
}

const isOver = ({ done, stalled }: TrainingState, { epochs, patience }: Phase): boolean =>
  done >= epochs || stalled >= patience;

/** The score by which validation chooses. @throws LENTIGO_METRIC_UNDEFINED */
function chosenBy(validation: Metrics, select: Recipe['select']): number {
  const names = [select].flat();
  return names.reduce((sum, name) => sum + selectionScore(validation, name), 0) / names.length;
}

/** The coming epoch's (highest) learning rate. */
function learningRateOf(
  { learningRate, plateau }: Phase,
  { done, stalled, history }: TrainingState,
): number {
  const last = done > 0 ? history.at(-1)!.learningRate : learningRate;
  return plateau && stalled > 0 && stalled % plateau.patience === 0 ? last * plateau.factor : last;
}

const valuesOf = (parameters: ParameterSet): Map<string, Float32Array> =>
  new Map(parameters.specs.map(({ name }) => [name, parameters.get(name)]));

async function restoreModel(
  model: Pick<Task['model'], 'parameters' | 'load'>,
  values: Values,
): Promise<void> {
  const parameters = await model.parameters();
  for (const { name } of parameters.specs) parameters.get(name).set(values.get(name)!);
  model.load(parameters);
}

/** One phase, with its optimiser and its frozen features. */
class PhaseRun {
  readonly #task: Task;
  readonly #phase: Phase;
  readonly #options: FitOptions;
  readonly #trainFrom: string;
  readonly #cache: FeatureCache | undefined;
  readonly #source: FeatureSource;
  readonly #optimiser: AdamW;
  readonly #variables: readonly tf.Variable[];

  private constructor(
    task: Task,
    phase: Phase,
    options: FitOptions,
    cache: FeatureCache | undefined,
  ) {
    this.#task = task;
    this.#phase = phase;
    this.#options = options;
    this.#trainFrom = phase.trainFrom === 'all' ? task.model.blocks[0]! : phase.trainFrom;
    this.#cache = cache;
    this.#source = new FeatureSource(task.model, this.#trainFrom, {
      cache,
      reader: options.reader,
    });
    this.#variables = [...task.model.variables(this.#trainFrom), ...Object.values(task.extra)];
    this.#optimiser = new AdamW(this.#variables, phase);
  }
  static async start(task: Task, phase: Phase, at: number, options: FitOptions): Promise<PhaseRun> {
    return new PhaseRun(
      task,
      phase,
      options,
      phase.trainFrom === 'all' ? undefined : await options.cache?.(at),
    );
  }
  restore(steps: number, values: Values): void {
    this.#optimiser.restore(
      steps,
      Array.from({ length: 2 * this.#variables.length }, (_, i) => values.get(`moment/${i}`)!),
    );
  }
  /** The optimiser's moments, by name. */
  async moments(): Promise<[string, Float32Array][]> {
    return (await this.#optimiser.moments()).map((values, i) => [`moment/${i}`, values]);
  }

  /** Trains one more epoch and evaluates it on the validation split. */
  async epoch(state: TrainingState): Promise<TrainingState> {
    const { model, samples, variants, fromScratch } = this.#task;
    const { batchSize, seed, select, reader } = this.#options;
    const began = performance.now();
    const random = new Random(seed).fork('phase', state.phase, 'epoch', state.done + 1);
    const examples = random
      .shuffle(samples)
      .map((sample) => ({ sample, variant: random.int(variants) }));
    const batches = batchesOf(examples, batchSize);
    const steps = batches.length;
    const first = state.history.length;
    const learningRate = learningRateOf(this.#phase, state);
    let [step, sum, seen] = [0, 0, 0];
    for await (const batch of this.#source.batches(batches)) {
      this.#optimiser.learningRate =
        learningRate *
        (this.#phase.plateau
          ? 1
          : warmUpCosine((state.done * steps + step) / (this.#phase.epochs * steps), AHEAD));
      if (batch) {
        await this.#task.prepare?.(batch.used);
        const loss = await this.#step(batch, random.fork('step', step));
        if (!Number.isFinite(loss))
          throw new LentigoError(
            'LENTIGO_UPDATE_NOT_FINITE',
            `training diverged in epoch ${first + 1}: the loss is ${loss}`,
          );
        sum += loss * batch.used.length;
        seen += batch.used.length;
      }
      this.#tell(state, ++step / steps);
      await breathe();
    }
    for (const [id, message] of this.#source.skipped) this.#options.onSkipped(`${id}: ${message}`);
    if (seen === 0)
      throw new LentigoError(
        'LENTIGO_DATA_EMPTY',
        `none of the ${samples.length} training images can be used`,
      );
    if (fromScratch)
      await calibrateOn(
        model,
        reader,
        random
          .fork('calibration')
          .shuffle(samples.filter(({ id }) => !this.#source.skipped.has(id)))
          .slice(0, CALIBRATION.images),
      );
    const validation = await this.#task.evaluate({
      trainFrom: this.#trainFrom,
      cache: this.#cache,
      reader,
    });
    const record: EpochRecord = {
      epoch: first + 1,
      phase: state.phase,
      learningRate,
      loss: sum / seen,
      validation,
      seconds: (performance.now() - began) / 1000,
    };
    const before = state.history.find(({ epoch }) => epoch === state.best);
    const better = isBetter(
      chosenBy(validation, select),
      before ? chosenBy(before.validation, select) : null,
    );
    return {
      ...state,
      done: state.done + 1,
      steps: this.#optimiser.steps,
      stalled: better ? 0 : state.stalled + 1,
      best: better ? record.epoch : state.best,
      history: [...state.history, record],
    };
  }
  dispose(): void {
    this.#optimiser.dispose();
  }

  /**
   * One optimiser step;
   * @returns the batch's mean loss. Batch statistics need the batch in one part.
   */
  async #step(
    { x, used }: { x: tf.Tensor; used: readonly Example[] },
    random: Random,
  ): Promise<number> {
    const n = used.length;
    const batchStatistics = this.#task.fromScratch;
    const size = batchStatistics
      ? n
      : Math.min(AT_ONCE, microBatchSize(this.#task.model, this.#trainFrom));
    const { batchSize } = this.#options;
    const compiled =
      n === batchSize &&
      this.#phase.epochs * Math.floor(this.#task.samples.length / batchSize) >= WORTH_COMPILING;
    const loss = tf.tidy(() => {
      const [total, ...gradients] = sumOverMicroBatches(n, size, (start, count) => {
        const input = {
          x: tf.slice(x, start, count),
          trainFrom: this.#trainFrom,
          examples: used.slice(start, start + count),
          batchStatistics,
          compiled,
          random: random.fork(start),
        };
        const { value, grads } = tf.variableGrads(
          () => tf.mul<tf.Scalar>(this.#task.loss(input), count / n),
          [...this.#variables],
        );
        return [value, ...this.#variables.map((v) => grads[v.name]!)];
      });
      this.#optimiser.apply(gradients);
      return total;
    });
    const [value] = await loss.data();
    tf.dispose([x, loss]);
    return value!;
  }
  #tell({ history, phase, done }: TrainingState, fraction: number): void {
    const later = phasesOf(this.#task)
      .slice(phase + 1)
      .reduce((n, { epochs }) => n + epochs, 0);
    this.#options.onProgress({
      epoch: history.length,
      epochs: history.length + this.#phase.epochs - done + later,
      fraction,
    });
  }
}

/** Estimates batch-norm statistics from plain pictures. */
async function calibrateOn(
  model: Task['model'],
  reader: InputReader,
  samples: readonly Sample[],
): Promise<void> {
  const size = model.inputSize;
  const batches: tf.Tensor4D[] = [];
  for (const batch of batchesOf(samples, CALIBRATION.batch)) {
    const inputs = (
      await Promise.all(batch.map((sample) => reader.read(sample, [0], size)))
    ).flat();
    batches.push(
      tf.tidy(() => tf.concat(inputs.map((input) => tf.tensor4d(input, [1, size, size, 3])))),
    );
  }
  await model.calibrate(batches);
  tf.dispose(batches);
}
